"""The tick scheduler in pure Python: the definition of what the compiled one does."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from heron.reference.event_queue import EventQueue
from heron.reference.random import random_bits, to_normal, to_uniform
from heron.scheduling.event_type import EventType
from heron.scheduling.stream import Stream
from heron.scheduling.tick_config import MIN_TICK_INTERVAL_S, JitterType, TickConfig

__all__ = ["NO_AGENT", "DueEvents", "TickEvent", "TickScheduler"]

NO_AGENT = -1

DueEvents: TypeAlias = tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.uint8],
    NDArray[np.int64],
]
"""Events side by side: lane, agent, time_s, type and payload, each of shape (n_event,)."""

_BASE_OF = {
    Stream.TICK_INTERVAL: "tick_interval",
    Stream.OBS_DELAY: "obs_delay",
    Stream.ACT_DELAY: "act_delay",
    Stream.MSG_DELAY: "msg_delay",
}


class TickEvent(NamedTuple):
    """One event as it is handled."""

    time_s: float
    priority: int
    sequence: int  # counted from 0 in each lane
    type: int
    is_periodic: bool  # the tick that re-arms itself
    lane: int
    agent: int  # NO_AGENT for events that belong to none
    payload: int


@dataclass
class _Agent:
    config: TickConfig
    first_tick_s: float | None
    tick_priority: int
    is_registered: bool = True
    is_surfacing: bool = True


@dataclass
class _Clock:
    armed: int | None = None  # handle of the pending periodic tick
    n_drawn: dict[int, int] = field(default_factory=dict)  # by stream


@dataclass
class _Lane:
    queue: EventQueue
    seed: int  # of the draws since the last reset
    key: int
    next_seed: int  # from the next reset on
    next_key: int
    n_processed: int = 0
    clocks: list[_Clock] = field(default_factory=list)
    # What the queue's events mean, by the number they carry: (type, is_periodic, agent, payload).
    meaning: dict[int, tuple[int, bool, int, int]] = field(default_factory=dict)
    n_meaning: int = 0
    surfaced: list[TickEvent] = field(default_factory=list)


class TickScheduler:
    """Let agents tick at jittered intervals, in many lanes at once.

    A lane is one simulated clock with its own queue; all lanes have the same agents, and nothing
    that happens in one is felt in another. Draws come from streams keyed (seed, lane key, agent)
    or, for a configuration with a seed of its own, (that seed, lane key, 0): see
    `heron.reference.random`. So lane k of a batch equals a scheduler of one lane that has the same
    seed and lane key.

    The compiled scheduler lets go of the GIL while it runs; use one from one thread at a time. A
    run to an infinite time ends only when no event is left.

    Parameters
    ----------
    n_lane
        Number of lanes, at least 1.
    seed
        Seed of all draws, 0 to 2**64 - 1.
    start_time_s
        Simulated time at which every lane starts [s].

    Raises
    ------
    InvalidArgumentError
        If a lane, an agent or a stream does not exist, a time is not finite or in the past, or
        arrays differ in length. The scheduler is then as it was before.

    Examples
    --------
    >>> scheduler = TickScheduler(n_lane=2)
    >>> scheduler.register_agent(TickConfig(tick_interval=60.0))
    0
    >>> lane, agent, time_s, *_ = scheduler.next_due(t_end_s=3600.0)
    >>> lane, time_s
    (array([0, 1], dtype=int32), array([0., 0.]))
    >>> scheduler.next_due(3600.0)[2]
    array([60., 60.])
    """

    def __init__(self, n_lane: int = 1, seed: int = 0, start_time_s: float = 0.0) -> None:
        if n_lane < 1:
            raise InvalidArgumentError(f"n_lane is {n_lane}, expected at least 1")
        self._lanes = [
            _Lane(EventQueue(start_time_s), seed, key, seed, key) for key in range(n_lane)
        ]
        self._agents: list[_Agent] = []
        self._order: list[int] = []  # registered agents in order of registration
        self._surfacing_types = {EventType.AGENT_TICK.value}
        self._handlers: dict[int, Callable[[TickEvent], object]] = {}

    # --- agents -------------------------------------------------------------------------------

    def register_agent(
        self, config: TickConfig, first_tick_s: float | None = None, tick_priority: int = 0
    ) -> int:
        """Add an agent to every lane, arm its first tick and return its number.

        Numbers are given in order of registration and never again. The first tick is at
        `first_tick_s`, or else at the lane's present time.
        """
        self._check_config(config, first_tick_s)
        agent = len(self._agents)
        self._agents.append(_Agent(copy.copy(config), first_tick_s, tick_priority))
        self._order.append(agent)
        for lane in self._lanes:
            lane.clocks.append(_Clock())
            self._arm_first(lane, agent)
        return agent

    def register_again(
        self,
        agent: int,
        config: TickConfig,
        first_tick_s: float | None = None,
        tick_priority: int = 0,
    ) -> None:
        """Replace what a known agent was registered with; its draws start anew.

        Its armed tick is taken back. An unregistered agent goes to the end of the order of
        registration, a registered one keeps its place.
        """
        record = self._agent(agent)
        self._check_config(config, first_tick_s)
        if not record.is_registered:
            self._order.append(agent)
        self._agents[agent] = _Agent(
            copy.copy(config), first_tick_s, tick_priority, is_surfacing=record.is_surfacing
        )
        for lane in self._lanes:
            armed = lane.clocks[agent].armed
            if armed is not None:
                lane.queue.cancel(armed)
            lane.clocks[agent] = _Clock()
            self._arm_first(lane, agent)

    def unregister_agent(self, agent: int) -> None:
        """Take an agent out; its pending events will be counted and skipped."""
        self._agent(agent).is_registered = False
        if agent in self._order:
            self._order.remove(agent)

    def is_registered(self, agent: int) -> bool:
        """Tell whether the number belongs to a registered agent."""
        return 0 <= agent < len(self._agents) and self._agents[agent].is_registered

    def agents(self) -> list[int]:
        """Return the registered agents in order of registration."""
        return list(self._order)

    def set_surfacing(self, agent: int, is_surfacing: bool) -> None:
        """Choose whether events of the agent surface in `next_due`; at first they do."""
        self._agent(agent).is_surfacing = is_surfacing

    # --- events -------------------------------------------------------------------------------

    def schedule(
        self,
        lane: int,
        time_s: float,
        type: int,
        agent: int = NO_AGENT,
        priority: int = 0,
        payload: int = 0,
    ) -> int:
        """Add one event of `EventType` value `type` and return its handle."""
        here = self._lane(lane)
        self._check_type(type)
        if agent != NO_AGENT:
            self._agent(agent)
        return self._push(here, time_s, priority, (type, False, agent, payload))

    def schedule_batch(
        self,
        lane: NDArray[np.int32],
        time_s: NDArray[np.float64],
        type: int,
        agent: NDArray[np.int32],
        priority: int,
        payload: NDArray[np.int64],
    ) -> None:
        """Add all events in index order, or none."""
        self._check_lengths(lane, time_s=time_s, agent=agent, payload=payload)
        self._check_type(type)
        for where, time, who in zip(lane.tolist(), time_s.tolist(), agent.tolist(), strict=True):
            if who != NO_AGENT:
                self._agent(who)
            self._lane(where).queue.check_time(time)
        rows = zip(lane.tolist(), time_s.tolist(), agent.tolist(), payload.tolist(), strict=True)
        for where, time, who, what in rows:
            self.schedule(where, time, type, who, priority, what)

    def cancel(self, lane: int, handle: int) -> bool:
        """Take a pending event out; return False if it has left before."""
        return self._lane(lane).queue.cancel(handle)

    def draw_s(self, lane: int, agent: int, stream: int) -> float:
        """Draw an interval or delay of an agent [s]; the next draw of that stream differs."""
        here = self._lane(lane)
        config = self._agent(agent).config
        if stream not in list(_BASE_OF):
            raise InvalidArgumentError(
                f"stream {stream} has no interval or delay; expected tick_interval, obs_delay, "
                f"act_delay or msg_delay (0 to 3)"
            )
        base: float = getattr(config, _BASE_OF[Stream(stream)])
        if config.jitter_type is JitterType.NONE or base == 0.0:
            return base
        number = here.clocks[agent].n_drawn.get(stream, 0)
        here.clocks[agent].n_drawn[stream] = number + 1
        if config.own_seed is None:
            bits = random_bits(here.seed, here.key, agent, stream, number)
        else:
            bits = random_bits(config.own_seed, here.key, 0, stream, number)
        is_uniform = config.jitter_type is JitterType.UNIFORM
        unit = 2.0 * to_uniform(bits) - 1.0 if is_uniform else to_normal(bits)
        floor = MIN_TICK_INTERVAL_S if stream == Stream.TICK_INTERVAL else config.min_delay
        return max(floor, base * (1.0 + config.jitter_ratio * unit))

    def draw_batch(
        self, stream: int, lane: NDArray[np.int32], agent: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """Draw once for each pair of lane and agent, in index order [s], shape (n,)."""
        self._check_lengths(lane, agent=agent)
        pairs = list(zip(lane.tolist(), agent.tolist(), strict=True))
        for where, who in pairs:
            self._lane(where)
            self._agent(who)
        return np.array([self.draw_s(where, who, stream) for where, who in pairs], dtype=np.float64)

    # --- one event at a time ------------------------------------------------------------------

    def next(self, lane: int, t_end_s: float = math.inf) -> TickEvent | None:
        """Take the next event up to and including `t_end_s`, count it and move the time to it.

        Handle it if `is_live` says so, and then call `finish`.
        """
        event = self.peek(lane)
        if event is None or not event.time_s <= t_end_s:
            return None
        return self._take(event)

    def peek(self, lane: int) -> TickEvent | None:
        """Return the next event without taking it, or None if there is none."""
        here = self._lane(lane)
        event = here.queue.peek()
        if event is None:
            return None
        time_s, priority, sequence, number = event
        kind, is_periodic, agent, payload = here.meaning[number]
        return TickEvent(time_s, priority, sequence, kind, is_periodic, lane, agent, payload)

    def is_live(self, event: TickEvent) -> bool:
        """Tell whether the event belongs to a registered agent, or to none."""
        return event.agent == NO_AGENT or self.is_registered(event.agent)

    def finish(self, event: TickEvent) -> None:
        """After a tick was handled, arm the agent's next one unless one is armed."""
        if event.type != EventType.AGENT_TICK.value or not self.is_registered(event.agent):
            return
        lane = self._lanes[event.lane]
        if lane.clocks[event.agent].armed is None:
            interval_s = self.draw_s(event.lane, event.agent, Stream.TICK_INTERVAL)
            self._arm(lane, event.agent, lane.queue.now_s + interval_s)

    # --- the loop -----------------------------------------------------------------------------

    def run_until(self, lane: int, t_end_s: float, max_events: int | None = None) -> int:
        """Let events up to and including `t_end_s` pass; return how many, skipped ones included."""
        here = self._lane(lane)
        self._check_end(t_end_s)
        self._finish_surfaced(here)
        n_event = 0
        while max_events is None or n_event < max_events:
            event = self.next(lane, t_end_s)
            if event is None:
                break
            n_event += 1
            self._handle(event)
        return n_event

    def run_all_until(self, t_end_s: float, n_thread: int = 1) -> int:
        """Do the same in every lane; the compiled scheduler shares them out among threads."""
        self._check_threads(n_thread)
        self._check_end(t_end_s)
        return sum(self.run_until(lane, t_end_s) for lane in range(self.n_lane))

    def set_handler(self, type: int, handler: Callable[[TickEvent], object]) -> None:
        """Call a function with every event of a type that does not surface.

        The compiled scheduler has such handlers in C++ only; parts of the core set them.
        """
        self._check_type(type)
        self._handlers[type] = handler

    def _handle(self, event: TickEvent) -> None:
        if not self.is_live(event):
            return
        try:
            if event.type in self._handlers:
                self._handlers[event.type](event)
        finally:
            self.finish(event)

    # --- decision points ----------------------------------------------------------------------

    def set_surfacing_type(self, type: int, is_surfacing: bool) -> None:
        """Choose whether events of a type surface in `next_due`; at first only ticks do."""
        self._check_type(type)
        (self._surfacing_types.add if is_surfacing else self._surfacing_types.discard)(type)

    def next_due(self, t_end_s: float, n_thread: int = 1) -> DueEvents:
        """Run every lane up to its first surfacing event at or before `t_end_s`.

        Returns those events, together with the ones that follow them directly at the same time,
        priority and type, ordered by lane and then as they are due. Answer them, scheduling what
        they lead to; the next call first finishes them all, which arms the next ticks. The arrays
        are empty when no lane has any left.
        """
        self._check_threads(n_thread)
        self._check_end(t_end_s)
        for lane in range(self.n_lane):
            self._advance_to_due(lane, t_end_s)
        due = [event for lane in self._lanes for event in lane.surfaced]
        return (
            np.array([event.lane for event in due], dtype=np.int32),
            np.array([event.agent for event in due], dtype=np.int32),
            np.array([event.time_s for event in due], dtype=np.float64),
            np.array([event.type for event in due], dtype=np.uint8),
            np.array([event.payload for event in due], dtype=np.int64),
        )

    def _advance_to_due(self, lane: int, t_end_s: float) -> None:
        here = self._lane(lane)
        self._finish_surfaced(here)
        while (event := self.peek(lane)) is not None and event.time_s <= t_end_s:
            is_due = event.type in self._surfacing_types and (
                event.agent == NO_AGENT or self._agents[event.agent].is_surfacing
            )
            if here.surfaced:
                first = here.surfaced[0]
                is_same = (event.time_s, event.priority, event.type) == (
                    first.time_s,
                    first.priority,
                    first.type,
                )
                if not (is_due and is_same):
                    return
            self._take(event)
            if not is_due:
                self._handle(event)
            elif self.is_live(event):
                here.surfaced.append(event)

    # --- whole lanes --------------------------------------------------------------------------

    def clear(self, lane: int) -> None:
        """Drop pending events; time, sequence numbers, agents and counters stay."""
        here = self._lane(lane)
        here.queue.clear()
        here.meaning.clear()
        here.surfaced.clear()
        for clock in here.clocks:
            clock.armed = None

    def reset(self, lane: int, start_time_s: float = 0.0) -> None:
        """Start a lane again: first ticks armed in order of registration, draws from the start."""
        here = self._lane(lane)
        here.queue.reset(start_time_s)
        self.clear(lane)
        here.n_processed = 0
        here.seed, here.key = here.next_seed, here.next_key
        here.clocks = [_Clock() for _ in self._agents]
        for agent in self._order:
            self._arm_first(here, agent)

    def seed_lane(self, lane: int, seed: int, lane_key: int) -> None:
        """Key the lane's draws by (seed, lane_key) from its next `reset` on."""
        here = self._lane(lane)
        here.next_seed, here.next_key = seed, lane_key

    @property
    def n_lane(self) -> int:
        """Number of lanes."""
        return len(self._lanes)

    def now_s(self, lane: int) -> float:
        """Return the time of the lane's last event, or its start [s]."""
        return self._lane(lane).queue.now_s

    def n_pending(self, lane: int) -> int:
        """Return how many events are to come in the lane."""
        return len(self._lane(lane).queue)

    def next_sequence(self, lane: int) -> int:
        """Return the sequence number that the lane's next event will get."""
        return self._lane(lane).queue.next_sequence

    def n_processed(self, lane: int) -> int:
        """Return how many events the lane has taken since its last reset."""
        return self._lane(lane).n_processed

    # --- inside -------------------------------------------------------------------------------

    def _push(
        self, lane: _Lane, time_s: float, priority: int, meaning: tuple[int, bool, int, int]
    ) -> int:
        handle = lane.queue.push(time_s, priority, lane.n_meaning)
        lane.meaning[lane.n_meaning] = meaning
        lane.n_meaning += 1
        return handle

    def _take(self, event: TickEvent) -> TickEvent:
        here = self._lanes[event.lane]
        taken = here.queue.pop()
        assert taken is not None
        del here.meaning[taken[3]]
        here.n_processed += 1
        if event.is_periodic:
            here.clocks[event.agent].armed = None
        return event

    def _arm_first(self, lane: _Lane, agent: int) -> None:
        wanted_s = self._agents[agent].first_tick_s
        now_s = lane.queue.now_s
        self._arm(lane, agent, now_s if wanted_s is None else max(now_s, wanted_s))

    def _arm(self, lane: _Lane, agent: int, time_s: float) -> None:
        tick = (EventType.AGENT_TICK.value, True, agent, 0)
        lane.clocks[agent].armed = self._push(lane, time_s, self._agents[agent].tick_priority, tick)

    def _finish_surfaced(self, lane: _Lane) -> None:
        for event in lane.surfaced:
            self.finish(event)
        lane.surfaced.clear()

    def _lane(self, lane: int) -> _Lane:
        if not 0 <= lane < self.n_lane:
            raise InvalidArgumentError(f"lane is {lane}, expected 0 to {self.n_lane - 1}")
        return self._lanes[lane]

    def _agent(self, agent: int) -> _Agent:
        if not 0 <= agent < len(self._agents):
            raise InvalidArgumentError(
                f"agent {agent} is not known; {len(self._agents)} have been registered"
            )
        return self._agents[agent]

    def _check_config(self, config: TickConfig, first_tick_s: float | None) -> None:
        if not isinstance(config, TickConfig):
            raise TypeError(f"expected a heron.scheduling.TickConfig, got {type(config).__name__}")
        if config.rng is not None:
            raise InvalidArgumentError(
                "a tick configuration with rng= cannot be scheduled: its draws would depend on "
                "who else uses the generator; use with_jitter(seed=...) or seed(n)"
            )
        if first_tick_s is not None:
            for lane in self._lanes:
                lane.queue.check_time(first_tick_s)

    @staticmethod
    def _check_type(type: int) -> None:
        if type not in [known.value for known in EventType]:
            raise InvalidArgumentError(f"event type {type} is not known; expected 0 to 5")

    @staticmethod
    def _check_end(t_end_s: float) -> None:
        if math.isnan(t_end_s):
            raise InvalidArgumentError("t_end is nan, expected a number of seconds")

    @staticmethod
    def _check_threads(n_thread: int) -> None:
        if n_thread < 1:
            raise InvalidArgumentError(f"n_thread is {n_thread}, expected at least 1")

    @staticmethod
    def _check_lengths(lane: NDArray[np.int32], **others: NDArray[np.generic]) -> None:
        for name, values in others.items():
            if len(values) != len(lane):
                raise InvalidArgumentError(
                    f"{name} has {len(values)} values, expected {len(lane)}, one per event"
                )
