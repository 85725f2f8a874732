"""An environment's interval agent by agent, device by device: the twin of the engine.

It calls the hooks that every device has (`set_device_action`, `update_state`,
`update_cost_safety`), so what it does is what the classes say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from powergrid.agents.common_plan import CommonPlan
from powergrid.agents.device_pieces import Command, DevicePieces
from powergrid.agents.protocol_config import ConsensusConfig, MarketConfig, TariffConfig
from powergrid.agents.tariff import Tariff
from powergrid.engine.rules import Rules
from powergrid.reference.disturbances import ReferenceDisturbances
from powergrid.reference.market import clear_peer_market

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.disturbances.condition_watch import ConditionWatch
    from powergrid.disturbances.schedule import DisturbanceSchedule
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.powerflow.lane import FlowLane

__all__ = ["ReferenceSimulation"]


class ReferenceSimulation:
    """One lane, stepped by the agents themselves.

    Parameters
    ----------
    agents : mapping of str to PowerGridAgent
        In the environment's order; each has the series of its episode.
    distribution : DistributionGrid
        What belongs to no agent.
    flow : FlowLane
        Of the whole network.
    rules : Rules
        Time and pay.
    schedule : DisturbanceSchedule, optional
        Disturbances.
    watch : ConditionWatch, optional
        Conditions.
    """

    def __init__(
        self,
        agents: Mapping[str, PowerGridAgent],
        distribution: DistributionGrid,
        flow: FlowLane,
        rules: Rules,
        schedule: DisturbanceSchedule | None = None,
        watch: ConditionWatch | None = None,
    ) -> None:
        self._agents = dict(agents)
        self._distribution = distribution
        self._flow = flow
        self.watch = watch
        self._disturbances: ReferenceDisturbances | None = None
        if schedule is not None:
            self._disturbances = ReferenceDisturbances(
                agents, distribution, flow, schedule, rules.step_s
            )
        self._step_s, self._dt_h = rules.step_s, rules.dt_h
        protocol = self._protocol = rules.protocol
        self._plan: CommonPlan | None = None
        if isinstance(protocol, ConsensusConfig):
            self._plan = CommonPlan(list(agents.values()), protocol)
        self._tariff = Tariff(protocol) if isinstance(protocol, TariffConfig) else None
        self._trades: dict[str, dict[str, float]] = {}
        self._traders: Collection[str] = self._agents
        self._now_s = 0.0  # start of the interval, since that of the episode
        self._held: dict[str, np.ndarray] = {}  # commands in force, in the devices' units

    def begin_episode(
        self, day: int, noise_seed: int | None, disturbance_seed: int | None = None
    ) -> bool:
        """Solve the first power flow with idle devices; return whether that converged."""
        flow = self._flow
        if self._tariff is not None:
            self._tariff.signal = 0.0
        self._traders, self._trades = self._agents, {}
        for agent in self._agents.values():
            agent.reset()
        self._now_s = 0.0
        if self.watch is not None:
            self.watch.reset(0, 1)
        if self._disturbances is not None and disturbance_seed is not None:
            self._disturbances.begin_episode(disturbance_seed)
        self._held = {
            f"{name}/{device_id}": np.array(device.idle_action(), dtype=np.float64)
            for name, agent in self._agents.items()
            for device_id, device in agent.devices.items()
        }
        self.begin_interval(0)
        self._enact()
        for agent in self._agents.values():
            agent.apply_action(agent.idle_action())
            agent.write_setpoints(flow, 0)
        self._distribution.write_setpoints(flow, 0)
        if self._disturbances is not None:
            self._disturbances.write_loads()
        if not self._distribution.solve(flow):
            return False
        for agent in self._agents.values():
            agent.read_results(flow, 0.0)
        return True

    def run_interval(self, k: int, actions: Mapping[str, np.ndarray]) -> bool:
        """Live through interval `k`; return whether the power flow converged."""
        self._enact()
        if self._plan is not None:
            actions = {name: np.array(action) for name, action in actions.items()}
            self._plan.agree([actions[name] for name in self._agents])
        for name, agent in self._agents.items():
            agent.apply_action(actions[name])
        return self._finish_interval(k, {})

    def run_pieces(self, k: int, commands: Sequence[Command]) -> bool:
        """Live through interval `k`, in which commands come into force; as the engine does.

        Parameters
        ----------
        commands : sequence of Command
            In order of time.
        """
        self._enact()
        step_h, pieces = self._dt_h, dict[str, DevicePieces]()
        for name, agent in self._agents.items():
            for device_id, device in agent.devices.items():
                path = f"{name}/{device_id}"
                held, begin_s = self._held[path], self._now_s
                for command in commands:
                    if command.device != path or not held.size:
                        continue
                    if command.time_s > begin_s:
                        of_device = pieces.setdefault(path, DevicePieces(step_h))
                        dt_h = (command.time_s - begin_s) / 3600.0
                        update = agent.updates(device_id, self._flow, dt_h)
                        of_device.live(device, held, dt_h, update)
                        begin_s = command.time_s
                    held = np.array(command.action, dtype=np.float64)
                end_s = self._now_s + self._step_s
                device.dt = (end_s - begin_s) / 3600.0 if path in pieces else step_h
                device.obey(held.copy())
                idle = device.idle_action()
                for entry in device.momentary_actions:
                    held[entry] = idle[entry]
                self._held[path] = held
        self._now_s += self._step_s
        return self._finish_interval(k, pieces)

    def _finish_interval(self, k: int, pieces: Mapping[str, DevicePieces]) -> bool:
        """Solve and book, set-points being set; `pieces` of devices with several, by path."""
        flow, agents = self._flow, self._agents
        of_agent = {
            name: {d: pieces[f"{name}/{d}"] for d in a.devices if f"{name}/{d}" in pieces}
            for name, a in agents.items()
        }
        for name, agent in agents.items():
            agent.write_setpoints(flow, k, of_agent[name])
        self._distribution.write_setpoints(flow, k)
        if self._disturbances is not None:
            self._disturbances.write_loads()
        converged = self._distribution.solve(flow)
        shared = self._distribution.safety(flow) / len(agents)
        for name, agent in agents.items():
            agent.read_results(flow, self._dt_h)
            agent.book(flow.result, self._dt_h, of_agent[name])
            agent.add_safety("distribution", shared)
        if isinstance(self._protocol, MarketConfig):
            traders = self._traders if converged else ()
            self._trades = clear_peer_market(
                agents, self._protocol.trading_fee, self._dt_h, traders
            )
        if self.watch is not None:
            self.watch.check(0, 1)
        return converged

    def say_price(self, price: float) -> None:
        """Let the operator add to the market price of the next interval [$/MWh]."""
        assert self._tariff is not None
        self._tariff.signal = price

    def admit(self, names: Collection[str]) -> None:
        """Let these agents, and no others, take part in the market of the next interval."""
        self._traders = names

    def trades(self, name: str) -> dict[str, float]:
        """Return what an agent has traded in the last interval; {} without a market."""
        return dict(self._trades.get(name, {}))

    def begin_interval(self, k: int) -> None:
        """Set prices, clock, forecasts and available power of interval `k`."""
        for agent in self._agents.values():
            agent.begin_interval(k, self._dt_h, self._tariff)
        if self._disturbances is not None:
            self._disturbances.begin_interval(k)

    def _enact(self) -> None:
        if self._disturbances is not None:
            self._disturbances.enact()

    @property
    def disturbance_counts(self) -> dict[str, int]:
        """How many disturbances are in force in the present interval, by kind."""
        return {} if self._disturbances is None else self._disturbances.count

    def observations(self) -> dict[str, np.ndarray]:
        """Return every agent's present observation."""
        return {name: agent.get_observation() for name, agent in self._agents.items()}
