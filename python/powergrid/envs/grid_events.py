"""Grid environments that run by events: agents tick, messages travel, commands take effect late.

Physics goes on interval by interval, as in a step. What differs is who acts when, by what was known
when, and from which moment a device obeys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from heron.envs.event_driven import Scheduler
from heron.errors import ConfigError, HeronError
from heron.messaging.faults import MessageFaults, Outage
from heron.reference.event_scheduler import EventScheduler as ReferenceScheduler
from heron.scheduling.event_scheduler import EventScheduler
from heron.scheduling.tick_config import TickConfig
from powergrid.agents.device_pieces import Command
from powergrid.agents.protocol_config import MarketConfig
from powergrid.envs.grid_messages import GridMessages
from powergrid.envs.market_gate import MarketGate
from powergrid.envs.timing import TimingSeeds, hierarchy_of, n_snapshot

if TYPE_CHECKING:
    import numpy as np

    from powergrid.engine.rules import Rules
    from powergrid.engine.single_lane import SingleLane
    from powergrid.reference.simulation import ReferenceSimulation

__all__ = ["GridEvents", "IntervalRecord"]


@dataclass(frozen=True)
class IntervalRecord:
    """What an interval of a run by events came to.

    Attributes
    ----------
    start_s, end_s : float
        Since the start of the episode [s].
    commands : tuple of Command
        That took effect, in order.
    rewards, infos : dict
        By agent, as `NetworkedGridEnv.step` returns them.
    terminated, truncated : bool
        Whether the episode ended with it, by failure or by its length.
    """

    start_s: float
    end_s: float
    commands: tuple[Command, ...]
    rewards: dict[str, float]
    infos: dict[str, dict[str, Any]]
    terminated: bool
    truncated: bool


class GridEvents(GridMessages):
    """Mixin that lets a `NetworkedGridEnv` run by events; see `heron.envs.event_driven`.

    Coordinators decide by their `policy`, whose `forward` gets the float32 vector that a step
    returns to the agent, as of the drawn observation delay ago. Timing and faults are those of
    ``config["timing"]``, and draws those of a lane of `EventDrivenVectorEnv` of the same seed.
    Where agents trade with each other, each decision sends an offer to the system agent too, which
    counts in the market as it does there.

    Attributes
    ----------
    intervals : list of IntervalRecord
        Of the present run.
    """

    _simulation: SingleLane | ReferenceSimulation
    _rng: np.random.Generator | None
    _k: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.intervals: list[IntervalRecord] = []
        self._commands: list[Command] = []
        self._n_episode = 0  # begun since the generator was seeded
        self._gate: MarketGate | None = None  # of the market, if agents trade

    def setup_event_driven(
        self,
        scheduler: Scheduler | None = None,
        *,
        seed: int | None = None,
        faults: MessageFaults | None = None,
    ) -> Scheduler:
        """Make ready for a run by events; call it after a reset, before anything has happened.

        Parameters
        ----------
        scheduler
            One that stands at 0; without it one is made. Agents that are registered with it keep
            their timing.
        seed
            Of the episode's jitter and losses; without it, it follows from that of the reset.
        faults
            In place of those of ``config["timing"]``.

        Raises
        ------
        HeronError
            If the environment does not stand at the start of an episode.
        ConfigError
            If the timing, or the scheduler, is wrong, or agents agree on a plan before they act.
        """
        if not self.agents or self._k:
            raise HeronError("a run by events begins with an episode: call env.reset() first")
        if self._plan is not None:
            raise ConfigError(
                "dso_config.protocol is consensus: agents that act at different times have no "
                "proposals to agree on; step the environment instead"
            )
        if seed is None:
            assert self._rng is not None  # there since the reset
            seed = TimingSeeds(self._rng).of_episode(self._n_episode - 1)
        if scheduler is None:
            is_reference = self.config.backend == "reference"
            scheduler = (ReferenceScheduler if is_reference else EventScheduler)(seed=seed)
        if scheduler.current_time != 0.0:
            raise ConfigError(
                f"the scheduler stands at {scheduler.current_time} s; time counts from the start "
                f"of the episode: give a fresh one, or one after its reset()"
            )
        if faults is None:
            faults = self._configured_faults()
        for name, timing in self._timings().items():
            if name not in scheduler.agent_tick_configs:
                scheduler.register_agent(name, tick_config=timing)
        configs = scheduler.agent_tick_configs.values()
        n_history = n_snapshot(configs, self.config.step_s, self.config.max_episode_steps)
        self._use_proxy(max(n_history, 2))
        self.intervals, self._commands = [], []
        self._take_snapshot()
        return super().setup_event_driven(scheduler, seed=seed, faults=faults)

    def get_event_scheduler(self) -> Scheduler:
        """Return the scheduler of the present run, which is set up if it is not yet."""
        return self.setup_event_driven() if self.scheduler is None else self.scheduler

    def run_event_driven(self, t_end: float = math.inf, max_events: int | None = None) -> int:
        """Handle events up to and including `t_end` [s], or to the end of the episode.

        Returns how many there were; see `heron.envs.event_driven.EventDrivenAgents`.
        """
        return super().run_event_driven(t_end, max_events)

    @property
    def rules(self) -> Rules:
        """Time and pay, as the engine knows them."""
        raise NotImplementedError

    def setup_default_handlers(self, *args: Any, **kwargs: Any) -> None:
        """Let events do what they do; see `heron.envs.event_driven`."""
        super().setup_default_handlers(*args, **kwargs)
        above, courier = self.system_agent, self.courier
        if isinstance(self.rules.protocol, MarketConfig) and above is not None:
            assert courier is not None
            self._gate = MarketGate(above.address, courier.handle)
            self.set_event_handlers(on_message_delivery=self._gate.handle)
            for agent in self.agent_dict.values():
                agent.market_address = above.address

    # --- timing -------------------------------------------------------------------------------

    def _timings(self) -> dict[str, TickConfig]:
        """Return the timing of all agents, in the order that numbers them."""
        config = self.config
        tree = hierarchy_of(self.agent_dict, config.timing, config.step_s)
        known = dict(zip(tree.paths, tree.configs, strict=True))
        for name, agent in self.heron_agents.items():
            if name not in known:  # a system agent, or one that the environment knows nothing of
                known[name] = agent.timing(config.step_s)
                if agent is self.system_agent and agent.tick_config == TickConfig():
                    known[name] = config.timing.system.tick_config(config.step_s)
        return {name: known[name] for name in self.heron_agents}

    def _configured_faults(self) -> MessageFaults:
        timing = self.config.timing
        hierarchy_of(self.agent_dict, timing, self.config.step_s).faults(timing.faults)  # complains
        faults = timing.faults.message_faults()
        drawn = tuple(Outage(*outage) for outage in self._drawn_outages())
        return replace(faults, outages=(*faults.outages, *drawn))

    def _drawn_outages(self) -> Sequence[tuple[float, float, str]]:
        """Return start, end [s] and sender of communication outages of the present episode."""
        return ()

    def _end_run(self) -> None:
        """Forget the last run and whatever is on its way."""
        self._now_s = 0.0
        self.clear_broker_environment()
        for agent in (self.system_agent, *self._registered_agents):
            if agent is not None and agent not in self.agent_dict.values():
                agent.reset()  # the others are by whoever lives through the episode
        had_run, self.scheduler, self.courier = self.scheduler is not None, None, None
        self.intervals, self._commands = [], []
        if had_run or not self.config.centralized:
            self.configure_agents_for_distributed()  # without the courier of the last run
        if self._gate is not None:
            self._gate = None
            for member in self.agent_dict.values():
                member.market_address = None
        if not self.config.centralized:
            self._use_proxy(1)

    # --- what happens -------------------------------------------------------------------------

    def _event_driven_step_s(self) -> float:
        return self.config.step_s

    def _on_action_effect(self, agent_name: str, action: Any, time_s: float) -> None:
        self._commands += self._command(agent_name, action, time_s)

    def _on_env_update(self, time_s: float) -> bool:
        commands, self._commands = self._commands, []
        start_s = self._now_s
        if self._gate is not None:
            assert self.system_agent is not None
            self._simulation.admit(self._gate.close(start_s))
            self.system_agent.receive_messages()  # they are noted
        converged = self._simulation.run_pieces(self._k, commands)
        rewards, infos, terminated, truncated = self._finish_interval(converged)
        self._take_snapshot()
        self._wake(time_s)
        self.intervals.append(
            IntervalRecord(
                start_s, self._now_s, tuple(commands), rewards, infos, terminated, truncated
            )
        )
        return not self.agents

    def _wake(self, time_s: float) -> None:
        """Let agents tick once more that a condition wakes."""
        watch = self._simulation.watch
        if watch is None or not self.agents:
            return
        assert self.scheduler is not None
        for number in watch.wake_ups()[1].tolist():
            self.scheduler.schedule_agent_tick(self.possible_agents[number], time_s)

    def _finish_interval(
        self, converged: bool
    ) -> tuple[dict[str, float], dict[str, dict[str, Any]], bool, bool]:
        """Settle the interval and begin the next; return rewards, infos, failed, at the end."""
        raise NotImplementedError
