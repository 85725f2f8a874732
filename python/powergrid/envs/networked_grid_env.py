"""The base of grid environments: PettingZoo's parallel interface over one power network.

A step is one pass: actions to set-points, one power flow for all agents, devices and books, then
the observations of the next interval.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium import logger
from gymnasium.spaces import Box
from gymnasium.utils import seeding

from heron.envs.agent_registry import Place
from heron.errors import ConfigError, HeronError, nearest
from heron.messaging import make_broker
from powergrid.agents.action_layout import kind_slots, union_of_dims
from powergrid.agents.common_plan import CommonPlan
from powergrid.agents.distribution_operator import DistributionOperator
from powergrid.agents.observation_layout import agent_layouts
from powergrid.agents.placement import Placement
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.protocol_config import ConsensusConfig, NoProtocolConfig
from powergrid.agents.table import build_table
from powergrid.core.config import parse_config
from powergrid.disturbances.condition_watch import ConditionWatch
from powergrid.disturbances.config import check_synchronous
from powergrid.disturbances.schedule import DisturbanceSchedule
from powergrid.disturbances.targets import TargetCatalog, openable_of
from powergrid.engine.rules import Rules
from powergrid.engine.single_lane import SingleLane
from powergrid.envs.actions import check_actions
from powergrid.envs.config import DistributionConfig, EnvConfig, config_mapping
from powergrid.envs.distribution_grid import DistributionGrid, DistributionPlacement
from powergrid.envs.episode_metrics import EpisodeMetrics
from powergrid.envs.episode_source import EpisodeSource
from powergrid.envs.grid_events import GridEvents
from powergrid.envs.grid_metrics import grid_metrics
from powergrid.envs.placed_network import PlacedNetwork
from powergrid.envs.visibility import set_visibility, visible_layout
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.make import make_power_flow
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import PowerFlow
from powergrid.powerflow.weakest_bus import weakest_bus
from powergrid.reference.simulation import ReferenceSimulation

if TYPE_CHECKING:
    from pandapower import pandapowerNet

    from powergrid.envs.render.renderer import Renderer

__all__ = ["MAX_START_DAYS", "NetworkedGridEnv", "wanted_day"]

MAX_START_DAYS = 10  # days tried at reset before giving up on a network that does not solve


class NetworkedGridEnv(GridEvents):
    """Agents that share one power network.

    Subclasses say what network and which agents: `_build_net` returns the network and may fill
    `agent_dict`, `_build_agents` returns agents or fills `agent_dict` too, `_reward_and_safety`
    turns a step into rewards before the penalty. The three are called in this order, the first two
    once.

    The reward of an agent is what `_reward_and_safety` gives less ``penalty * safety``; with
    `share_reward` each gets the mean. ``infos[agent]`` has ``cost`` [$], ``safety``, their parts
    (``cost_energy``, ``safety_voltage``, ...), energy bought and sold [MWh] and ``converged``.

    Parameters
    ----------
    env_config : mapping, optional
        See the class's `config_model`; unknown keys are refused.
    render_mode : str, optional
        "ansi", "rgb_array" or "human"; see `render`.

    Raises
    ------
    ConfigError
        If the configuration, or anything it names, is wrong.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "networked_grid_v0",
        "render_modes": ["ansi", "rgb_array", "human"],
        "render_fps": 4,
        "is_parallelizable": True,
    }
    config_model: ClassVar[type[EnvConfig]] = EnvConfig
    power_flow: FlowLane  # of the whole network; made last

    def __init__(
        self, env_config: Mapping[str, Any] | None = None, *, render_mode: str | None = None
    ) -> None:
        super().__init__()
        self.env_config = config_mapping(type(self).__name__, env_config)
        if render_mode is not None:
            self.env_config["render_mode"] = render_mode
        self.config = parse_config(self.config_model, self.env_config, type(self).__name__)
        config = self.config
        self.env_id = config.env_id
        self.max_episode_steps = config.max_episode_steps
        self.centralized = config.centralized
        self.train = config.train
        self.penalty = config.penalty
        self.share_reward = config.share_reward
        self.render_mode = config.render_mode
        self.message_broker = make_broker(config.message_broker)
        self.agent_dict: dict[str, PowerGridAgent] = {}
        placed = self._placed_network()
        if placed is None:
            self.net = self._build_net()
            self.agent_dict.update(self._build_agents() or {})
        else:
            self.agent_dict.update(self._place_agents(placed.agents))
        if not self.agent_dict:
            raise ConfigError(
                f"{type(self).__name__} has no agents: fill agent_dict in _build_net, or return "
                f"agents from _build_agents"
            )
        self.possible_agents = list(self.agent_dict)
        known = self.heron_agents
        self.register_agents(a for name, a in self.agent_dict.items() if name not in known)
        self._init_spaces()
        self._init_simulation(placed)

    # --- what subclasses say ------------------------------------------------------------------

    def _build_net(self) -> pandapowerNet:
        """Return the network; agents made here may go into `agent_dict`."""
        raise NotImplementedError(f"{type(self).__name__} needs _build_net(): which network?")

    def _build_agents(self) -> Mapping[str, PowerGridAgent] | None:
        """Return agents by name; nothing if they are in `agent_dict` by now."""
        return None

    def _reward_and_safety(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return each agent's reward before the penalty, and its safety, for the last step."""
        rewards = {name: -agent.cost for name, agent in self.agent_dict.items()}
        safety = {name: agent.safety for name, agent in self.agent_dict.items()}
        return rewards, safety

    def _distribution_config(self) -> DistributionConfig:
        """Return how the part of the network that belongs to no agent is run."""
        return DistributionConfig()

    def _placed_network(self) -> PlacedNetwork | None:
        """Return the network compiled, if it can be had without building; then no hook is asked."""
        return None

    def _place_agents(self, sites: Mapping[str, Placement]) -> Mapping[str, PowerGridAgent]:
        """Return the agents of `_placed_network` by name."""
        raise NotImplementedError

    # --- construction -------------------------------------------------------------------------

    def _init_spaces(self) -> None:
        config, agents = self.config, list(self.agent_dict.values())
        if config.uniform_spaces:
            union = union_of_dims([agent.action_parts for agent in agents])
            for agent in agents:
                agent.lay_out_actions(union)
        for agent in agents:
            agent.set_forecast_length(config.forecast_steps)
        changed = set_visibility(agents, config.visibility)
        self.table = build_table(agents, config.backend)
        layouts = agent_layouts(
            agents,
            self.table,
            is_uniform=config.uniform_spaces,
            has_bus_voltages=config.observe_bus_voltages,
            is_normalized=config.normalize_obs,
        )
        self.layouts = [
            visible_layout(agent, layouts[agent.agent_id], self.table, changed) for agent in agents
        ]
        for (name, agent), layout in zip(self.agent_dict.items(), self.layouts, strict=True):
            agent.set_observation(self.table, layout)
            self.observation_spaces[name] = Box(
                -np.inf, np.inf, shape=(len(layout.names),), dtype=np.float32
            )
            self.action_spaces[name] = agent.action_layout.space(config.action_mode)
        self.state_space = Box(-np.inf, np.inf, shape=(len(self.table),), dtype=np.float32)

    def _init_simulation(self, placed: PlacedNetwork | None) -> None:
        config, agents = self.config, list(self.agent_dict.values())
        self._distribution_model = self._distribution_config()
        protocol = self._distribution_model.protocol
        if not isinstance(protocol, NoProtocolConfig):
            self._add_operator()
        if isinstance(protocol, ConsensusConfig):
            self._plan = CommonPlan(agents, protocol)  # complains if there is nothing to agree on
        flow: PowerFlow
        if placed is None:
            rest = DistributionPlacement.beside(
                self._net,
                {agent.agent_id: agent.placement for agent in agents},
                is_regulated=self._distribution_model.line_drop_compensation,
            )
            flow = make_power_flow(
                config.power_flow_name, self._net, tolerance_pu=config.tolerance_mva
            )
        else:
            rest = placed.distribution
            flow = NativeFlow(placed.compiled, tolerance=config.tolerance_mva)
        self.distribution = DistributionGrid(rest, self._distribution_model, config.voltage_band_pu)
        self.schedule = self._make_schedule(flow)
        if self.schedule is not None:
            openable = openable_of(self.schedule.targets)
            flow = flow if openable is None else flow.with_openable(openable)
        self.power_flow = flow.lane()
        for agent in agents:
            agent.power_flow = self.power_flow
            agent.voltage_band_pu = config.voltage_band_pu
        self._tap_start = self.power_flow.tap_pos.copy()
        self.source = EpisodeSource(config)
        for agent in agents:  # an unknown area is an error now, not at the first reset
            areas = agent.config_model
            self.source.check_areas(areas.load_area, areas.renew_area)
        self.source.check_areas(self._distribution_model.load_area, None)
        self._simulation = self._make_simulation()
        self.is_paid_by_rule = type(self)._reward_and_safety is NetworkedGridEnv._reward_and_safety
        self._rng: np.random.Generator | None = None
        self._disturbance_seed: int | None = None  # of the present episode
        self._k = 0
        self._has_reset = False
        self.metrics = EpisodeMetrics(self.possible_agents)
        if not config.centralized:
            self.configure_agents_for_distributed()
            self._use_proxy(1)
        self._renderer: Renderer | None = None
        if self.render_mode is not None:
            from powergrid.envs.render.renderer import Renderer  # few environments draw

            self._renderer = Renderer(self.render_mode, self)

    def _make_schedule(self, flow: PowerFlow) -> DisturbanceSchedule | None:
        """Return the disturbances of episodes, None if nothing ever goes wrong."""
        config = self.config
        if not config.disturbances:
            return None
        catalog = TargetCatalog(
            self.agent_dict, self.distribution, flow.rows, list(self.heron_agents)
        )
        horizon_s = self.max_episode_steps * config.step_s
        try:
            return DisturbanceSchedule(config.disturbances, catalog, horizon_s)
        except ConfigError as error:
            raise ConfigError(f"{type(self).__name__}: {error}") from None

    def _add_operator(self) -> None:
        """Put the distribution grid's operator above all agents, unless somebody is there."""
        name = self._distribution_model.name
        if self.system_agent is None and name not in self.agent_dict:
            self.set_system_agent(DistributionOperator(name, self._distribution_model.protocol))

    def _drawn_outages(self) -> Sequence[tuple[float, float, str]]:
        schedule, seed = self.schedule, self._disturbance_seed
        if schedule is None or seed is None:
            return ()
        return schedule.communication_outages(schedule.events(seed))

    def _make_simulation(self) -> SingleLane | ReferenceSimulation:
        config = self.config
        if config.backend == "reference":
            watch = None
            if config.conditions:
                slot = {name: k for k, name in enumerate(self.table.slot_names)}
                watch = ConditionWatch(
                    config.conditions, self.possible_agents, slot.__getitem__, self.table.values,
                    self.power_flow.flow.status, config.step_s,
                )  # fmt: skip
            return ReferenceSimulation(
                self.agent_dict, self.distribution, self.power_flow, self.rules, self.schedule,
                watch,
            )  # fmt: skip
        return SingleLane(
            self.agent_dict, self.table, self.power_flow, self.distribution, self.source,
            self.layouts, self.rules, self.schedule, config.conditions,
        )  # fmt: skip

    @property
    def rules(self) -> Rules:
        """Time and pay, as the engine knows them."""
        config = self.config
        return Rules(
            step_s=config.step_s,
            n_forecast=config.forecast_steps,
            forecast_stride=config.forecast_stride,
            penalty=self.penalty,
            share_reward=self.share_reward,
            failure_reward=config.convergence_failure_reward,
            failure_safety=config.convergence_failure_safety,
            protocol=self._distribution_model.protocol,
        )

    # --- PettingZoo ---------------------------------------------------------------------------

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        """Begin an episode.

        Parameters
        ----------
        seed : int, optional
            Starts the random generator anew; without it the generator goes on (the first time it
            starts from ``config.seed``, or from the operating system).
        options : mapping, optional
            ``day``: the day of the split on which the episode begins, instead of a random one.

        Returns
        -------
        observations, infos : dict
            By agent; infos are empty.

        Raises
        ------
        ConfigError
            If the day does not exist, or ``day`` is misspelt; keys of others are let pass.
        HeronError
            If the network solves on none of the days tried; `reset` must succeed before the next
            `step` then.
        """
        day = wanted_day(options or {}, self.n_day)
        seed = None if seed is None else operator.index(seed)
        if seed is not None and seed < 0:
            raise ConfigError(f"seed is {seed}, expected an integer of at least 0")
        if seed is not None or self._rng is None:
            self._rng, _ = seeding.np_random(self.config.seed if seed is None else seed)
            self._n_episode = 0
        self._has_reset = False
        self.agents = []
        self._end_run()
        # The same day gives the same power flow, unless something else is drawn anew.
        can_differ = day is None or self.config.variability or self.schedule is not None
        n_try = MAX_START_DAYS if can_differ else 1
        for _ in range(n_try):
            chosen = self.source.draw_day(self._rng) if day is None else day
            noise_seed = int(self._rng.integers(2**31)) if self.config.variability else None
            disturbance_seed = int(self._rng.integers(2**63)) if self.schedule else None
            if self._begin_episode(chosen, noise_seed, disturbance_seed):
                break
        else:
            bus, vm_pu, share = weakest_bus(self.power_flow)
            if np.isnan(vm_pu):
                raise HeronError(
                    "the power flow of the network does not converge even without any load: check "
                    "its connections, transformers and taps"
                )
            raise HeronError(
                f"the power flow did not converge at the start of {n_try} day(s); with loads and "
                f"injections at {share:.0%} the lowest voltage is {vm_pu:.3f} p.u., at {bus}: "
                f"lower load_scale, strengthen the connection, or choose another bus"
            )
        self._n_episode += 1
        self.agents = list(self.possible_agents)
        self.metrics = EpisodeMetrics(self.possible_agents)
        self._has_reset = True
        self.day = chosen
        if self._renderer is not None:
            self._renderer.begin()
        return self.get_observations(), {name: {} for name in self.agents}

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[
        dict[str, np.ndarray],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Live through one interval.

        Parameters
        ----------
        actions : mapping
            One action for each agent. Finite values outside the space are clipped.

        Raises
        ------
        ValueError
            If an agent is unknown or missing, or an action has the wrong shape or is not finite;
            nothing has changed then.
        HeronError
            If the environment was never reset.
        """
        if not self._has_reset:
            raise HeronError("step() before reset(): call env.reset() first")
        if not self.agents:  # the episode is over; PettingZoo wants empty answers
            return {}, {}, {}, {}, {}
        if self.scheduler is not None:
            raise HeronError("step() in a run by events, which goes on by itself: reset() ends it")
        check_synchronous(self.config.disturbances, type(self).__name__)
        above = self._deciding_operator()
        if above is not None and above.gives_directions:
            actions = {**actions, **above.directions()}
        converged = self._run_interval(actions)
        rewards, infos, has_failed, is_over = self._finish_interval(converged)
        terminateds = dict.fromkeys(self.possible_agents, has_failed)
        truncateds = dict.fromkeys(self.possible_agents, is_over)
        return self.get_observations(), rewards, terminateds, truncateds, infos

    def _finish_interval(
        self, converged: bool
    ) -> tuple[dict[str, float], dict[str, dict[str, Any]], bool, bool]:
        rewards, infos = self._settle(converged)
        if self.schedule is not None or self.config.conditions:
            self._tell_disturbances(infos)
        if self._renderer is not None:
            self._renderer.add()
        self._k += 1
        self._now_s += self.config.step_s
        above = self._deciding_operator()
        if above is not None and above.says_prices:
            self._simulation.say_price(above.price())
        self._simulation.begin_interval(self._k)
        is_over = self._k >= self.max_episode_steps
        has_failed = not converged and self.config.on_convergence_failure == "terminate"
        if is_over or has_failed:
            self.agents = []
        return rewards, infos, has_failed, is_over and not has_failed

    def state(self) -> np.ndarray:
        """Return every feature of every agent and device, float32, (n_slot,); see `state_names`."""
        return self.table.values[:, 0].astype(np.float32)

    def get_observations(self) -> dict[str, np.ndarray]:
        """Return every agent's present observation."""
        if self.config.centralized:
            return self._simulation.observations()
        return self._observations_by_proxy()

    def render(self) -> np.ndarray | str | None:
        """Show the state after the last step, by the mode chosen when the environment was made.

        Returns
        -------
        str, ndarray or None
            "ansi": a table of network, agents and devices. "rgb_array": uint8, (840, 1500, 3), the
            one-line diagram with voltages in colour, and the curves of the episode so far. "human":
            None; the same picture stands in a window, which `reset` and `step` refresh too. Without
            a mode: None, after a warning.

        Raises
        ------
        HeronError
            Before the first `reset`.
        """
        if self._renderer is None:
            logger.warn(
                "render() without a render mode shows nothing: make the environment with "
                "render_mode='ansi', 'rgb_array' or 'human'"
            )
            return None
        return self._renderer.render()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._renderer is not None:
            self._renderer.close()

    @property
    def net(self) -> pandapowerNet:
        """The pandapower network, with set-points and ``res_*`` tables of the last power flow.

        With ``power_flow="native"`` they are written when this is read, once for each power flow
        and at the cost of a ``runpp``; a network kept from an earlier reading is not written to
        until the next. Elements changed later, such as a switch or a line's rating, count only with
        ``power_flow="pandapower"``.
        """
        flow = self.__dict__.get("power_flow")
        return self._net if flow is None else flow.current_net()

    @net.setter
    def net(self, net: pandapowerNet) -> None:
        if "power_flow" in self.__dict__:
            raise HeronError(
                "the network of an environment is fixed when it is made: return another one from "
                "_build_net, in another environment"
            )
        self._net = net

    def places(self) -> list[Place]:
        """Return the place of each of `heron_agents`; the operator's is the last.

        So the numbers of the others, which draws of time are keyed by, do not depend on it.
        """
        of_all = super().places()
        n_top = 0 if self.system_agent is None else 1
        return [*of_all[n_top:], *of_all[:n_top]]

    # --- names and helpers --------------------------------------------------------------------

    @property
    def n_day(self) -> int:
        """Number of days of the split on which an episode may begin."""
        return self.source.n_day

    @property
    def agent_types(self) -> dict[str, str]:
        """The kinds of devices that each agent has, "ESS0+Generator0": alike ones are alike."""
        return {
            name: "+".join(sorted(kind_slots(agent.devices).values()))
            for name, agent in self.agent_dict.items()
        }

    @property
    def state_names(self) -> list[str]:
        """What each entry of `state` is."""
        return self.table.slot_names

    def observation_names(self, agent: str) -> list[str]:
        """Return what each entry of the agent's observation is."""
        layout = self._agent(agent).observation_layout
        assert layout is not None
        return list(layout.names)

    def action_names(self, agent: str) -> list[str]:
        """Return what each entry of the agent's flat action is."""
        return list(self._agent(agent).action_layout.names)

    def device_slots(self, agent: str) -> dict[str, str]:
        """Return which device each slot of a uniform layout stands for: "ESS0" to "ess1"."""
        slots = kind_slots(self._agent(agent).devices)
        return {slot: device for device, slot in slots.items()}

    def idle_action(self, agent: str) -> Any:
        """Return the action of doing nothing.

        Storage rests, generators are off (or at minimum power without commitment), no reactive
        power, no curtailment, taps stay.
        """
        member = self._agent(agent)
        flat = member.idle_action()
        return flat if self.config.action_mode == "flat" else member.action_layout.unflatten(flat)

    def get_collective_metrics(self, which: str = "episode") -> dict[str, float]:
        """Return cost, safety, reward and cooperation over all agents; see `EpisodeMetrics`."""
        return self.metrics.collective(which)

    def get_power_grid_metrics(self) -> dict[str, Any]:
        """Return what the last power flow shows; see `grid_metrics`."""
        return grid_metrics(self.power_flow)

    def _agent(self, name: str) -> PowerGridAgent:
        if name not in self.agent_dict:
            raise ConfigError(nearest(name, self.agent_dict, kind="agent"))
        return self.agent_dict[name]

    # --- an episode and an interval -----------------------------------------------------------

    def _deciding_operator(self) -> DistributionOperator | None:
        """Return the distribution grid's operator, if it has a policy."""
        above = self.system_agent
        if isinstance(above, DistributionOperator) and above.policy is not None:
            return above
        return None

    def _begin_episode(
        self, day: int, noise_seed: int | None, disturbance_seed: int | None
    ) -> bool:
        """Put everything to its start and solve; return whether that converged."""
        self._k = 0
        self._disturbance_seed = disturbance_seed
        dso = self._distribution_model
        self.distribution.window = self.source.window(day, dso.load_area, None, noise_seed)
        self.power_flow.forget()
        self.power_flow.tap_pos[:] = self._tap_start
        for agent in self.agent_dict.values():
            areas = agent.config_model
            agent.set_window(
                self.source.window(
                    day, areas.load_area or dso.load_area, areas.renew_area, noise_seed
                )
            )
        return self._simulation.begin_episode(day, noise_seed, disturbance_seed)

    def _run_interval(self, actions: Mapping[str, Any]) -> bool:
        mode, lane = self.config.action_mode, self._simulation
        if not self.config.centralized:
            return lane.run_pieces(self._k, self._commands_by_message(actions))
        if mode == "flat" and isinstance(lane, SingleLane) and lane.take(actions):
            return lane.run_interval()
        return lane.run_interval(self._k, check_actions(self.agent_dict, actions, mode))

    def _settle(self, converged: bool) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
        """Work out rewards and infos of the interval, and book them."""
        lane = self._simulation
        if converged and isinstance(lane, SingleLane) and self._pays_by(lane.engine.scene.rules):
            rewards, infos = lane.settle()
            cost = {name: info["cost"] for name, info in infos.items()}
            safety = {name: info["safety"] for name, info in infos.items()}
            self.metrics.add(cost, safety, rewards, infos)
            return rewards, infos
        rewards, safety = self._pay(converged)
        infos = {name: self._info(name, safety[name], converged) for name in self.possible_agents}
        cost = {name: agent.cost for name, agent in self.agent_dict.items()}
        self.metrics.add(cost, safety, rewards, infos)
        return rewards, infos

    def _tell_disturbances(self, infos: dict[str, dict[str, Any]]) -> None:
        """Add what was in force in the interval, and which conditions wake whom at its end."""
        lane = self._simulation
        counts = {f"disturbance_{kind}": n for kind, n in lane.disturbance_counts.items()}
        for number, info in enumerate(infos.values()):
            info |= counts
            if lane.watch is not None:
                for condition, woken in zip(lane.watch.conditions, lane.watch.woken, strict=True):
                    info[f"condition_{condition.name}"] = bool(woken[number, 0])

    def _pays_by(self, rules: Rules) -> bool:
        """Return whether rewards follow the rules that the engine was made with."""
        return (
            self.is_paid_by_rule
            and self.penalty == rules.penalty
            and self.share_reward == rules.share_reward
        )

    def _pay(self, converged: bool) -> tuple[dict[str, float], dict[str, float]]:
        """Return rewards, and the safety that counts, from what `_reward_and_safety` says."""
        gains, violations = self._reward_and_safety()
        safety = {name: float(violations[name]) for name in self.possible_agents}
        if not converged:
            safety = dict.fromkeys(self.possible_agents, self.config.convergence_failure_safety)
            gains = dict.fromkeys(self.possible_agents, self.config.convergence_failure_reward)
        rewards = {
            name: float(gains[name]) - self.penalty * safety[name] for name in self.possible_agents
        }
        if self.share_reward:
            rewards = dict.fromkeys(rewards, sum(rewards.values()) / len(rewards))
        return rewards, safety

    def _info(self, name: str, safety: float, converged: bool) -> dict[str, Any]:
        agent = self.agent_dict[name]
        parts = agent.safety_parts if converged else {"convergence": safety}
        return {
            "cost": agent.cost,
            "safety": safety,
            **{f"cost_{part}": value for part, value in agent.cost_parts.items()},
            **{f"safety_{part}": value for part, value in parts.items()},
            "energy_bought_mwh": agent.energy_bought_mwh if converged else 0.0,
            "energy_sold_mwh": agent.energy_sold_mwh if converged else 0.0,
            **self._simulation.trades(name),
            "converged": converged,
        }


def wanted_day(options: Mapping[str, Any], n_day: int) -> int | None:
    """Return the day that the options of a reset ask for, None if they ask for none.

    Raises
    ------
    ConfigError
        If it does not exist, or is misspelt.
    """
    for key in options:
        # PettingZoo lets wrappers and tests pass options of their own, but not a slip of ours.
        if key != "day" and get_close_matches(str(key).casefold(), ["day"]):
            raise ConfigError(f"reset options: {nearest(str(key), ['day'])}")
    day = options.get("day")
    if day is None:
        return None
    if not isinstance(day, int | np.integer) or not 0 <= day < n_day:
        raise ConfigError(f"day {day!r} does not exist: the split has 0..{n_day - 1}")
    return int(day)
