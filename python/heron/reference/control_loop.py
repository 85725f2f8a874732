"""The event-driven mode of many environments in pure Python: what the compiled loop does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from heron.messaging.faults import MessageFaults, Outage
from heron.reference.message_faults import MessageFate, is_out, message_fate
from heron.reference.tick_scheduler import TickEvent, TickScheduler
from heron.scheduling import priority
from heron.scheduling.event_type import EventType
from heron.scheduling.stream import Stream
from heron.scheduling.tick_config import JitterType, TickConfig

__all__ = ["LONGEST_S", "NO_COMMAND", "NO_PAYLOAD", "ControlLoop", "Decisions", "Effects"]

NO_COMMAND = -1  # in place of a payload
NO_PAYLOAD = 2**63 - 1
LONGEST_S = 1e12
"""No delay, interval or step may be longer, nor be drawn so: no event is too late for a float."""

Decisions: TypeAlias = tuple[
    NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]
]
"""Decisions side by side: lane, agent, time_s and as_of_s, each of shape (n_decision,)."""

Effects: TypeAlias = tuple[
    NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]
]
"""Effects side by side: lane, member, time_s and payload, each of shape (n_effect,)."""

_LARGEST_NORMAL = 9.0  # to_normal of any bits is within 8.3 of 0
_COUNTERS = (
    "sent",
    "delivered",
    "lost",
    "outage",
    "duplicated",
    "held_back",
    "superseded",
    "applied",
)
_LATENCIES = ("latency_sum_s", "latency_max_s")


@dataclass(frozen=True)
class _Command:
    """A decision on its way to one member."""

    payload: int
    decided_s: float


def _no_counts() -> dict[str, int | float]:
    return {**dict.fromkeys(_COUNTERS, 0), **dict.fromkeys(_LATENCIES, 0.0)}


@dataclass
class _Lane:
    """What a lane is after its reset; the queue of events is the scheduler's."""

    seed: int
    key: int
    start_s: float  # of the interval
    end_s: float  # of the interval, which does not contain it
    waits: bool = False  # at the end of the interval
    due: list[tuple[TickEvent, float]] = field(default_factory=list)  # tick, as_of_s
    effects: list[tuple[int, float, int]] = field(default_factory=list)  # member, time, payload
    pending: dict[int, _Command] = field(default_factory=dict)  # by the number its event carries
    n_pending: int = 0  # numbers so far
    inbox: dict[int, _Command] = field(default_factory=dict)  # what arrived last, by agent
    n_sent: dict[int, int] = field(default_factory=dict)  # by agent
    decided_s: dict[int, float] = field(default_factory=dict)  # last time, by agent
    outages: list[Outage] = field(default_factory=list)
    counters: dict[str, int | float] = field(default_factory=_no_counts)


class ControlLoop:
    """Run the event-driven mode of a batch of environments.

    Agents decide, members obey one of them, and an environment updates every `step_s`. Deciders
    tick, are answered by the caller and send their decision, as a number, to each of their
    members. It travels for the decider's drawn message delay and meets its faults; the member
    keeps what arrived last, and at its own next tick sets it off, to take effect after its drawn
    action delay.

    A lane is one environment with a clock of its own. Within an instant events have the priorities
    of `heron.scheduling.priority`. An agent decides at most once at an instant: further ticks of it
    then, as `wake` may bring about, pass unnoticed.

    A lane's draws are keyed by the seed and lane key of its reset and by the agent's number, as
    those of `TickScheduler` and `MessageCourier` are, so it does not matter how many lanes or
    threads there are.

    Parameters
    ----------
    n_lane
        Number of lanes, at least 1. Lane k starts as after ``reset(k, 0, k)``.
    step_s
        Time between two updates of the environment [s].
    owner
        Agent i decides if ``owner[i]`` is negative; otherwise it is a member and obeys agent
        ``owner[i]``, which decides.
    configs
        Timing of each agent.
    faults
        What may befall the messages, with senders as numbers; None for nothing.
    tick_priority
        Of each agent: ``SYSTEM_TICK`` or ``COORDINATOR_TICK`` for deciders, ``FIELD_TICK`` for
        members. Without it, deciders are coordinators.

    Raises
    ------
    InvalidArgumentError
        If arguments cannot be right, or a call is out of turn. The loop is then as it was before.

    Examples
    --------
    >>> timing = TickConfig(tick_interval=60.0, msg_delay=2.0)
    >>> loop = ControlLoop(1, 60.0, owner=[-1, 0], configs=[timing, TickConfig(tick_interval=5.0)])
    >>> lane, agent, time_s, as_of_s = loop.next_due()
    >>> agent, time_s
    (array([0], dtype=int32), array([0.]))
    >>> loop.answer(np.array([7]))
    >>> loop.next_due()[0].size  # no other decision in this minute
    0
    >>> lane, member, time_s, payload = loop.end_interval()
    >>> time_s, payload  # arrived at 2 s, set off at the member's tick
    (array([5.]), array([7]))
    """

    def __init__(
        self,
        n_lane: int,
        step_s: float,
        owner: Sequence[int],
        configs: Sequence[TickConfig],
        faults: MessageFaults | None = None,
        tick_priority: Sequence[int] | None = None,
    ) -> None:
        self._scheduler = TickScheduler(n_lane)
        if not step_s > 0.0:
            raise InvalidArgumentError(f"step_s is {step_s}, expected a positive number of seconds")
        _check_length("a step", step_s)
        if len(owner) == 0:
            raise InvalidArgumentError("owner is empty, expected at least one agent")
        _check_count(configs, len(owner), "configs")
        if tick_priority is not None:
            _check_count(tick_priority, len(owner), "tick_priority")
        self._step_s = float(step_s)
        self._faults = MessageFaults() if faults is None else faults
        for outage in self._faults.outages:
            if isinstance(outage.sender, str):
                raise InvalidArgumentError(
                    f"an outage names its sender '{outage.sender}', expected the number of an "
                    f"agent, or None for every sender"
                )
        _check_length("reordering", self._faults.reordering_delay)
        self._members: dict[int, list[int]] = {}  # by the agent that decides
        self._number: dict[int, int] = {}  # of a member among all members, by agent
        self._tick_priority: list[int] = []
        for agent, of in enumerate(owner):
            _check_owner(owner, agent)
            usual = priority.COORDINATOR_TICK if of < 0 else priority.FIELD_TICK
            wanted = usual if tick_priority is None else tick_priority[agent]
            _check_priority(wanted, agent, of < 0)
            self._tick_priority.append(wanted)
            if of < 0:
                self._members.setdefault(agent, [])
            else:
                self._members.setdefault(of, []).append(agent)
                self._number[agent] = len(self._number)
        for agent, config in enumerate(configs):
            self._scheduler.register_agent(config, None, self._tick_priority[agent])
            _check_config(config, agent)
        self._lanes: list[_Lane] = []
        for lane in range(n_lane):
            self._lanes.append(_Lane(0, lane, 0.0, self._step_s))
            self.reset(lane, 0, lane)

    def reset(self, lane: int, seed: int, lane_key: int = 0) -> None:
        """Start a lane again at 0.

        First ticks there, draws from their beginning, nothing on its way, no outage but those of
        the constructor, counters at 0. Its decisions need no answer any more.
        """
        self._lane(lane)
        self._scheduler.seed_lane(lane, seed, lane_key)
        self._scheduler.reset(lane)
        self._lanes[lane] = _Lane(seed, lane_key, 0.0, self._step_s)

    # --- decisions ----------------------------------------------------------------------------

    def next_due(self, n_thread: int = 1) -> Decisions:
        """Run every lane up to its first instant with decisions before its environment update.

        Returns them, ordered by lane and then as they are due: those of one priority at one time
        in each lane, and ``as_of_s``, the time less the drawn observation delay. A lane without
        any waits at its update; if all do, the arrays are empty and `end_interval` is due.
        """
        if self._n_due() > 0:
            raise InvalidArgumentError(
                f"answer the {self._n_due()} decisions of the last next_due first"
            )
        _check_threads(n_thread)
        for lane in range(self.n_lane):
            self._advance(lane)
        due = [each for here in self._lanes for each in here.due]
        return (
            np.array([tick.lane for tick, _ in due], dtype=np.int32),
            np.array([tick.agent for tick, _ in due], dtype=np.int32),
            np.array([tick.time_s for tick, _ in due], dtype=np.float64),
            np.array([as_of_s for _, as_of_s in due], dtype=np.float64),
        )

    def answer(self, payload: NDArray[np.int64], n_thread: int = 1) -> None:
        """Send down what was decided, and arm the next ticks.

        Parameters
        ----------
        payload
            Number of each decision of `next_due`, less those of lanes reset since, or -1 to send
            nothing; shape (n_decision,).
        n_thread
            How many threads the compiled loop shares the lanes out among.
        """
        if len(payload) != self._n_due():
            raise InvalidArgumentError(
                f"payload has {len(payload)} values, expected {self._n_due()}, one per decision"
            )
        for each in payload.tolist():
            if each < NO_COMMAND:
                raise InvalidArgumentError(
                    f"payload holds {each}, expected numbers from 0, or -1 for no command"
                )
        _check_threads(n_thread)
        answers = iter(payload.tolist())
        for here in self._lanes:
            for tick, _ in here.due:
                self._send(here, tick, next(answers))
                self._scheduler.finish(tick)
            here.due.clear()

    def _advance(self, lane: int) -> None:
        here = self._lanes[lane]
        while not here.due:
            coming = self._scheduler.peek(lane)
            if coming is None or not coming.time_s < here.end_s:
                here.waits = True
                return
            event = self._take(lane)
            if event.type == EventType.MESSAGE_DELIVERY.value:
                self._receive(here, event.agent, here.pending.pop(event.payload))
            elif event.type == EventType.ACTION_EFFECT.value:
                self._take_effect(here, event, here.pending.pop(event.payload))
            elif event.agent in self._number:
                self._tick_member(here, event)
            else:
                self._surface(here, event)

    def _surface(self, here: _Lane, tick: TickEvent) -> None:
        """Let a tick be decided, together with those that follow it at its time and priority."""
        event = tick
        while True:
            if here.decided_s.get(event.agent) == event.time_s:
                self._scheduler.finish(event)
            else:
                here.decided_s[event.agent] = event.time_s
                obs_delay_s = self._scheduler.draw_s(event.lane, event.agent, Stream.OBS_DELAY)
                here.due.append((event, event.time_s - obs_delay_s))
            coming = self._scheduler.peek(tick.lane)
            if coming is None or coming[:2] != tick[:2]:
                return
            event = self._take(tick.lane)

    # --- commands -----------------------------------------------------------------------------

    def _send(self, here: _Lane, tick: TickEvent, payload: int) -> None:
        if payload == NO_COMMAND:
            return
        for member in self._members[tick.agent]:
            # The draws are those of MessageCourier.send.
            travel_s = self._scheduler.draw_s(tick.lane, tick.agent, Stream.MSG_DELAY)
            fate = self._fate(here, tick)
            command = _Command(payload, tick.time_s)
            for held_s in fate.held_back_s[: fate.n_copy]:
                arrival_s = tick.time_s + (travel_s + held_s)
                if arrival_s == tick.time_s:  # the next thing to happen: done at once
                    self._receive(here, member, command)
                else:
                    self._schedule(
                        tick.lane, arrival_s, EventType.MESSAGE_DELIVERY, member, command
                    )
            here.counters["sent"] += 1
            here.counters["lost"] += fate.is_lost
            here.counters["outage"] += fate.is_outage
            here.counters["duplicated"] += fate.n_copy == 2
            here.counters["held_back"] += sum(fate.is_held_back)

    def _fate(self, here: _Lane, tick: TickEvent) -> MessageFate:
        number = here.n_sent.get(tick.agent, 0)
        here.n_sent[tick.agent] = number + 1
        if is_out(here.outages, tick.agent, tick.time_s):
            return MessageFate(n_copy=0, is_outage=True)
        return message_fate(self._faults, here.seed, here.key, tick.agent, number, tick.time_s)

    def _receive(self, here: _Lane, member: int, command: _Command) -> None:
        here.counters["delivered"] += 1
        here.counters["superseded"] += member in here.inbox
        here.inbox[member] = command

    def _tick_member(self, here: _Lane, tick: TickEvent) -> None:
        command = here.inbox.pop(tick.agent, None)
        if command is not None:
            act_delay_s = self._scheduler.draw_s(tick.lane, tick.agent, Stream.ACT_DELAY)
            effect_s = tick.time_s + act_delay_s
            self._schedule(tick.lane, effect_s, EventType.ACTION_EFFECT, tick.agent, command)
        self._scheduler.finish(tick)

    def _take_effect(self, here: _Lane, effect: TickEvent, command: _Command) -> None:
        here.effects.append((self._number[effect.agent], effect.time_s, command.payload))
        latency_s = effect.time_s - command.decided_s
        here.counters["applied"] += 1
        here.counters["latency_sum_s"] += latency_s
        here.counters["latency_max_s"] = max(here.counters["latency_max_s"], latency_s)

    def _schedule(
        self, lane: int, time_s: float, type: EventType, member: int, command: _Command
    ) -> None:
        here = self._lanes[lane]
        is_delivery = type is EventType.MESSAGE_DELIVERY
        level = priority.MESSAGE_DELIVERY if is_delivery else priority.ACTION_EFFECT
        self._scheduler.schedule(lane, time_s, type.value, member, level, here.n_pending)
        here.pending[here.n_pending] = command
        here.n_pending += 1

    # --- intervals ----------------------------------------------------------------------------

    def end_interval(self) -> Effects:
        """Let all lanes go on past their update; return what took effect in the interval.

        That is at or after its start and before its end, ordered by lane and then as it happened.
        All lanes must wait at their update.
        """
        for lane, here in enumerate(self._lanes):
            if not here.waits:
                raise InvalidArgumentError(
                    f"lane {lane} has not come to its environment update: answer the decisions and "
                    f"call next_due until it returns none"
                )
        effects = [
            (lane, *effect) for lane, here in enumerate(self._lanes) for effect in here.effects
        ]
        for here in self._lanes:
            here.effects.clear()
            here.waits = False
            here.start_s, here.end_s = here.end_s, here.end_s + self._step_s
        return (
            np.array([lane for lane, _, _, _ in effects], dtype=np.int32),
            np.array([member for _, member, _, _ in effects], dtype=np.int32),
            np.array([time_s for _, _, time_s, _ in effects], dtype=np.float64),
            np.array([payload for _, _, _, payload in effects], dtype=np.int64),
        )

    # --- from outside -------------------------------------------------------------------------

    def wake(self, lane: int, agent: int, time_s: float) -> None:
        """Let an agent that decides tick once more, at a time not before the lane's present."""
        here = self._lane(lane)
        if agent not in self._members:
            raise InvalidArgumentError(
                f"agent {agent} does not decide: expected one whose owner is negative"
            )
        earliest_s = max(here.start_s, self._scheduler.now_s(lane))
        if not earliest_s <= time_s < math.inf:
            raise InvalidArgumentError(
                f"time_s is {time_s}, expected a finite time, at least the {earliest_s} s to which "
                f"the lane has come"
            )
        self._scheduler.schedule(
            lane, time_s, EventType.AGENT_TICK.value, agent, self._tick_priority[agent]
        )
        if time_s < here.end_s:
            here.waits = False

    def set_outage(
        self, lane: int, start_s: float, end_s: float, sender: int | None = None
    ) -> None:
        """Lose what an agent, or None for all, sends from `start_s` to before `end_s`.

        In this lane, until its next reset.
        """
        here = self._lane(lane)
        if sender is not None and not 0 <= sender < self.n_agent:
            raise InvalidArgumentError(
                f"sender is {sender}, expected None for all or 0 to {self.n_agent - 1}"
            )
        if not start_s < end_s:
            raise InvalidArgumentError(
                f"outage 0 lasts from {start_s} s to {end_s} s, expected a start before the end"
            )
        here.outages.append(Outage(start_s, end_s, sender))

    def oldest_payload(self, lane: int) -> int:
        """Return the least payload that may still come up in the lane's effects.

        Those on their way, received, due to take effect, or to be handed over; 2**63 - 1 if there
        is none.
        """
        here = self._lane(lane)
        commands = [*here.pending.values(), *here.inbox.values()]
        payloads = [command.payload for command in commands]
        payloads += [payload for _, _, payload in here.effects]
        return min(payloads, default=NO_PAYLOAD)

    def oldest_payloads(self) -> NDArray[np.int64]:
        """Return `oldest_payload` of each lane, shape (n_lane,)."""
        return np.array([self.oldest_payload(lane) for lane in range(self.n_lane)], dtype=np.int64)

    def counters(self, lane: int) -> dict[str, int | float]:
        """Return what became of the lane's commands since its reset.

        A command is a message to one member. Of those ``sent``, and the second copies of those
        ``duplicated``, all are ``delivered``, ``lost``, in an ``outage`` or on their way. Of those
        delivered, all are ``applied``, ``superseded`` by one that arrived before the member ticked,
        received, or due to take effect. ``held_back`` counts copies. ``latency_sum_s`` and
        ``latency_max_s`` are from decision to effect, over those applied [s].
        """
        return dict(self._lane(lane).counters)

    def all_counters(self) -> dict[str, NDArray[np.uint64] | NDArray[np.float64]]:
        """Return the counters of all lanes, each of shape (n_lane,)."""
        lanes = range(self.n_lane)
        counts = {
            name: np.array([self.counters(lane)[name] for lane in lanes], dtype=np.uint64)
            for name in _COUNTERS
        }
        latencies = {
            name: np.array([self.counters(lane)[name] for lane in lanes], dtype=np.float64)
            for name in _LATENCIES
        }
        return {**counts, **latencies}

    def interval_start_s(self, lane: int) -> float:
        """Return the time of the lane's last environment update, at first 0 [s]."""
        return self._lane(lane).start_s

    @property
    def n_lane(self) -> int:
        """Number of lanes."""
        return len(self._lanes)

    @property
    def n_agent(self) -> int:
        """Number of agents, those that decide and those that obey."""
        return len(self._tick_priority)

    @property
    def n_member(self) -> int:
        """Number of agents that obey."""
        return len(self._number)

    @property
    def step_s(self) -> float:
        """Time between two updates of the environment [s]."""
        return self._step_s

    # --- inside -------------------------------------------------------------------------------

    def _n_due(self) -> int:
        return sum(len(here.due) for here in self._lanes)

    def _take(self, lane: int) -> TickEvent:
        event = self._scheduler.next(lane)
        assert event is not None
        return event

    def _lane(self, lane: int) -> _Lane:
        if not 0 <= lane < self.n_lane:
            raise InvalidArgumentError(f"lane is {lane}, expected 0 to {self.n_lane - 1}")
        return self._lanes[lane]


def _check_threads(n_thread: int) -> None:
    if n_thread < 1:
        raise InvalidArgumentError(f"n_thread is {n_thread}, expected at least 1")


def _check_count(values: Sequence[object], n_agent: int, name: str) -> None:
    if len(values) != n_agent:
        raise InvalidArgumentError(
            f"{name} has {len(values)} values, expected {n_agent}, one per agent"
        )


def _check_owner(owner: Sequence[int], agent: int) -> None:
    of = owner[agent]
    if of < 0:
        return
    if of >= len(owner):
        raise InvalidArgumentError(
            f"agent {agent} obeys agent {of}, but there are {len(owner)} agents"
        )
    if owner[of] >= 0:
        raise InvalidArgumentError(
            f"agent {agent} obeys agent {of}, which does not decide: expected one whose owner is "
            f"negative"
        )


def _check_length(what: str, length_s: float) -> None:
    if not length_s <= LONGEST_S:
        raise InvalidArgumentError(f"{what} may last {length_s} s, expected at most {LONGEST_S} s")


def _check_config(config: TickConfig, agent: int) -> None:
    base_s = max(config.tick_interval, config.obs_delay, config.act_delay, config.msg_delay)
    is_exact = config.jitter_type is JitterType.NONE
    factor = 1.0 if is_exact else 1.0 + config.jitter_ratio * _LARGEST_NORMAL
    _check_length(f"a delay or interval of agent {agent}", max(base_s * factor, config.min_delay))


def _check_priority(tick_priority: int, agent: int, decides: bool) -> None:
    allowed = (
        (priority.SYSTEM_TICK, priority.COORDINATOR_TICK) if decides else (priority.FIELD_TICK,)
    )
    if tick_priority not in allowed:
        expected = (
            "2 (system) or 3 (coordinator) for one that decides"
            if decides
            else "4 (field) for one that obeys"
        )
        raise InvalidArgumentError(
            f"tick_priority of agent {agent} is {tick_priority}, expected {expected}"
        )
