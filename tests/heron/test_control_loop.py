"""The event-driven mode of many lanes: the core against the reference, and what both promise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron import _core
from heron.errors import InvalidArgumentError
from heron.messaging import MessageFaults, Outage
from heron.reference.control_loop import LONGEST_S, NO_PAYLOAD
from heron.reference.control_loop import ControlLoop as ReferenceLoop
from heron.reference.message_broker import MessageBroker
from heron.reference.message_courier import MessageCourier
from heron.reference.tick_scheduler import TickEvent, TickScheduler
from heron.scheduling import ControlLoop, EventType, JitterType, TickConfig, priority
from heron.scheduling.stream import Stream

N_LANE = 3
STEP_S = 5.0

BOTH = pytest.mark.parametrize("kind", [_core.ControlLoop, ReferenceLoop])

# Delays that meet ticks and updates exactly, and others.
delays = st.sampled_from([0.0, 0.0, 0.25, 1.0, 2.5, 5.0, 12.0])
plain_configs = st.builds(
    TickConfig,
    tick_interval=st.sampled_from([1.0, 2.5, 5.0]),
    obs_delay=delays,
    act_delay=delays,
    msg_delay=delays,
)
configs = st.builds(
    TickConfig,
    tick_interval=st.sampled_from([1.0, 2.5, 5.0, 7.0, 20.0]),
    obs_delay=delays,
    act_delay=delays,
    msg_delay=delays,
    jitter_type=st.sampled_from(list(JitterType)),
    jitter_ratio=st.sampled_from([0.0, 0.1, 2.0]),
    min_delay=st.sampled_from([0.0, 0.5]),
)
probabilities = st.sampled_from([0.0, 0.0, 0.2, 1.0])
fault_sets = st.builds(
    MessageFaults,
    loss=st.sampled_from([0.0, 0.0, 0.2]),
    duplication=probabilities,
    reordering=probabilities,
    reordering_delay=st.sampled_from([0.0, 3.0, 40.0]),
    outages=st.lists(
        st.builds(
            Outage,
            start=st.sampled_from([0.0, 5.0]),
            end=st.sampled_from([6.0, math.inf]),
            sender=st.sampled_from([None, 0, 1]),
        ),
        max_size=1,
    ),
)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    """Who decides and who obeys whom, in any order, with their timing and faults."""
    decides = draw(st.lists(st.booleans(), min_size=1, max_size=7))
    decides[draw(st.integers(0, len(decides) - 1))] = True
    deciders = [agent for agent, is_decider in enumerate(decides) if is_decider]
    levels = st.sampled_from([priority.SYSTEM_TICK, priority.COORDINATOR_TICK])
    # Crowds that tick together, and others.
    timing = draw(st.sampled_from([configs, plain_configs]))
    if draw(st.booleans()):
        timing = st.sampled_from(draw(st.lists(timing, min_size=1, max_size=2)))
    return {
        "owner": [-1 if each else draw(st.sampled_from(deciders)) for each in decides],
        "configs": draw(st.lists(timing, min_size=len(decides), max_size=len(decides))),
        "faults": draw(st.none() | fault_sets),
        "tick_priority": [draw(levels) if each else priority.FIELD_TICK for each in decides],
    }


Decision: TypeAlias = tuple[int, int, float, float]  # lane, agent, time_s, as_of_s
Effect: TypeAlias = tuple[int, int, float, int]  # lane, member, time_s, payload


def rows(arrays: Sequence[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(values.tolist() for values in arrays), strict=True))


def lockstep(*loops: Any, n_interval: int, silent: bool = False) -> Iterator[list[Effect]]:
    """Answer with numbers that rise; yield the effects of each interval, the same of all loops."""
    n_payload = 0
    for _ in range(n_interval):
        while True:
            due = [rows(loop.next_due()) for loop in loops]
            assert all(each == due[0] for each in due)
            if not due[0]:
                break
            payload = np.arange(n_payload, n_payload + len(due[0]))
            n_payload += len(payload)
            for loop in loops:
                loop.answer(np.full_like(payload, -1) if silent else payload)
        effects = [rows(loop.end_interval()) for loop in loops]
        assert all(each == effects[0] for each in effects)
        yield effects[0]


# --- core against reference -----------------------------------------------------------------------


class World:
    """One loop, and what a program does with it."""

    def __init__(self, kind: type[Any], fleet: dict[str, Any]) -> None:
        self.loop = kind(N_LANE, STEP_S, **fleet)
        self.due_lanes: list[int] = []  # of the decisions that wait for an answer
        self.n_payload = 0

    def step(self, program: tuple[Any, ...]) -> Any:
        try:
            return getattr(self, program[0])(*program[1:])
        except InvalidArgumentError as error:
            return type(error)

    def due(self, n_thread: int) -> Any:
        due = self.loop.next_due(n_thread)
        self.due_lanes = due[0].tolist()
        assert [values.dtype for values in due] == [np.int32, np.int32, np.float64, np.float64]
        return rows(due)

    def answer(self, silent: Sequence[bool], more: int, n_thread: int) -> None:
        n_answer = max(0, len(self.due_lanes) + more)
        payload = np.arange(self.n_payload, self.n_payload + n_answer)
        payload[np.resize(silent, len(payload))] = -1
        self.n_payload += n_answer
        self.loop.answer(payload, n_thread)
        self.due_lanes = []

    def end(self) -> Any:
        effects = self.loop.end_interval()
        assert [values.dtype for values in effects] == [np.int32, np.int32, np.float64, np.int64]
        return rows(effects)

    def run(self, n_interval: int, n_thread: int) -> Any:
        """Go through whole intervals, from whatever state."""
        happened = []
        for _ in range(n_interval):
            while found := self.due(n_thread):
                happened.append(found)
                self.answer([False], 0, n_thread)
            happened.append(self.end())
        return happened

    def wake(self, lane: int, agent: int, wait_s: float) -> Any:
        start_s = self.loop.interval_start_s(lane) if 0 <= lane < N_LANE else 0.0
        return self.loop.wake(lane, agent, start_s + wait_s)

    def out(self, lane: int, wait_s: float, duration_s: float, sender: int | None) -> Any:
        start_s = self.loop.interval_start_s(lane) + wait_s if 0 <= lane < N_LANE else 0.0
        return self.loop.set_outage(lane, start_s, start_s + duration_s, sender)

    def reset(self, lane: int, seed: int, key: int) -> None:
        self.loop.reset(lane, seed, key)
        self.due_lanes = [each for each in self.due_lanes if each != lane]

    def state(self) -> Any:
        lanes = range(N_LANE)
        counters = [self.loop.counters(lane) for lane in lanes]
        oldest = [self.loop.oldest_payload(lane) for lane in lanes]
        assert self.loop.oldest_payloads().tolist() == oldest
        by_name = self.loop.all_counters()
        assert list(by_name) == list(counters[0])
        for name, values in by_name.items():
            assert values.tolist() == [each[name] for each in counters]
        for each in counters:
            in_flight = each["sent"] + each["duplicated"]
            in_flight -= each["delivered"] + each["lost"] + each["outage"]
            assert in_flight >= 0
            assert each["delivered"] >= each["applied"] + each["superseded"]
        return counters, oldest, [self.loop.interval_start_s(lane) for lane in lanes]


lanes = st.integers(-1, N_LANE)
waits = st.sampled_from([-6.0, 0.0, 1.0, 2.5, 4.75, 5.0, 8.0, math.nan, math.inf])
threads = st.sampled_from([1, 1, 8, 0])
steps = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 4), st.sampled_from([1, 8])),
    st.tuples(st.just("due"), threads),
    st.tuples(
        st.just("answer"),
        st.lists(st.booleans(), min_size=1, max_size=3),
        st.sampled_from([0, 0, 0, 1, -1]),
        threads,
    ),
    st.tuples(st.just("end")),
    st.tuples(st.just("wake"), lanes, st.integers(-1, 7), waits),
    st.tuples(
        st.just("out"),
        lanes,
        waits,
        st.sampled_from([-1.0, 3.0, 8.0, math.inf]),
        st.sampled_from([None, 0, 1, 7, -1]),
    ),
    st.tuples(st.just("reset"), lanes, st.integers(0, 2**64 - 1), st.integers(0, 3)),
)


@given(fleet=fleets(), program=st.lists(steps, max_size=40))
@settings(max_examples=300, deadline=None)
def test_programs_run_alike_in_core_and_reference(
    fleet: dict[str, Any], program: list[tuple[Any, ...]]
) -> None:
    core, reference = World(_core.ControlLoop, fleet), World(ReferenceLoop, fleet)
    for step in program:
        assert core.step(step) == reference.step(step), step
        assert core.state() == reference.state()


# --- against the parts ----------------------------------------------------------------------------


def from_parts(
    fleet: dict[str, Any], seed: int, lane_key: int, n_interval: int
) -> tuple[list[tuple[int, float, float]], list[list[tuple[int, float, int]]], dict[str, int]]:
    """Do with scheduler, courier and broker what a loop of one lane does by itself.

    Returns the decisions (agent, time_s, as_of_s), the effects of each interval (member, time_s,
    payload) and the courier's counters.
    """
    owner = fleet["owner"]
    members = [agent for agent, of in enumerate(owner) if of >= 0]
    scheduler = TickScheduler()
    for config, level in zip(fleet["configs"], fleet["tick_priority"], strict=True):
        scheduler.register_agent(config, None, level)
    broker = MessageBroker(10_000)
    channel = broker.intern_channel("commands")
    courier = MessageCourier(scheduler, broker, fleet["faults"])
    for part in (scheduler, courier):
        part.seed_lane(0, seed, lane_key)
    scheduler.reset(0)
    courier.attach()
    decisions: list[tuple[int, float, float]] = []
    effects: list[tuple[int, float, int]] = []

    def tick(event: TickEvent) -> None:
        if event.agent in members:
            received = broker.consume_payloads(channel, event.agent, 0)
            if received:
                effect_s = event.time_s + scheduler.draw_s(0, event.agent, Stream.ACT_DELAY)
                scheduler.schedule(
                    0,
                    effect_s,
                    EventType.ACTION_EFFECT.value,
                    event.agent,
                    priority.ACTION_EFFECT,
                    received[-1],
                )
            return
        as_of_s = event.time_s - scheduler.draw_s(0, event.agent, Stream.OBS_DELAY)
        for member in members:
            if owner[member] == event.agent:
                courier.send(0, channel, event.agent, member, 0, len(decisions))
        decisions.append((event.agent, event.time_s, as_of_s))

    def take_effect(event: TickEvent) -> None:
        effects.append((members.index(event.agent), event.time_s, event.payload))

    scheduler.set_handler(EventType.AGENT_TICK.value, tick)
    scheduler.set_handler(EventType.ACTION_EFFECT.value, take_effect)
    of_interval, end_s = [], 0.0
    for _ in range(n_interval):
        end_s += STEP_S
        scheduler.run_until(0, math.nextafter(end_s, 0.0))
        of_interval.append(list(effects))
        effects.clear()
    return decisions, of_interval, courier.counters(0)


@given(fleet=fleets(), seed=st.integers(0, 2**64 - 1), lane_key=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_a_loop_does_what_scheduler_courier_and_broker_do_together(
    fleet: dict[str, Any], seed: int, lane_key: int
) -> None:
    decisions, effects, carried = from_parts(fleet, seed, lane_key, 8)
    loop = ControlLoop(1, STEP_S, **fleet)
    loop.reset(0, seed, lane_key)
    decided, n_payload = [], 0
    for expected in effects:
        while due := rows(loop.next_due()):
            decided += [decision[1:] for decision in due]
            loop.answer(np.arange(n_payload, n_payload + len(due)))
            n_payload += len(due)
        assert [effect[1:] for effect in rows(loop.end_interval())] == expected
    assert decided == decisions
    counters = loop.counters(0)
    for name in ("sent", "delivered", "lost", "outage", "duplicated", "held_back"):
        assert counters[name] == carried[name], name


# --- what a loop promises -------------------------------------------------------------------------

# Three microgrids with 3, 3 and 4 devices.
OWNER = [-1, 0, 0, 0, -1, 4, 4, 4, -1, 8, 8, 8, 8]
JITTERED = TickConfig.with_jitter(
    STEP_S, obs_delay=1.0, act_delay=0.4, msg_delay=0.8, jitter_ratio=0.5
)
FAULTS = MessageFaults(loss=0.1, duplication=0.1, reordering=0.2, reordering_delay=8.0)


def fleet_loop(
    kind: type[Any],
    n_lane: int = 1,
    timing: TickConfig = JITTERED,
    faults: MessageFaults | None = FAULTS,
) -> Any:
    return kind(n_lane, STEP_S, OWNER, [timing] * len(OWNER), faults)


@BOTH
def test_without_delays_every_member_takes_its_command_at_the_tick(kind: type[Any]) -> None:
    loop = fleet_loop(kind, 2, TickConfig(STEP_S), None)
    for k, effects in enumerate(lockstep(loop, n_interval=4)):
        decisions = {(lane, of): 6 * k + 3 * lane + of for lane in range(2) for of in range(3)}
        assert effects == [
            (lane, member, k * STEP_S, decisions[lane, of])
            for lane in range(2)
            for member, of in enumerate([0] * 3 + [1] * 3 + [2] * 4)
        ]
    assert loop.counters(0)["latency_max_s"] == 0.0
    assert loop.counters(1)["applied"] == 40


@BOTH
def test_no_effect_comes_before_its_decision_and_the_least_delays(kind: type[Any]) -> None:
    loop = fleet_loop(kind)
    decided_s: dict[int, float] = {}
    latencies = []
    for _ in range(60):
        start_s = loop.interval_start_s(0)
        while (due := loop.next_due())[0].size:
            assert (due[2] - due[3] >= 0.5).all()
            assert (due[2] - due[3] <= 1.5).all()
            payload = np.arange(len(decided_s), len(decided_s) + due[0].size)
            decided_s |= zip(payload.tolist(), due[2].tolist(), strict=True)
            loop.answer(payload)
        for _, _, time_s, decision in rows(loop.end_interval()):
            assert start_s <= time_s < start_s + STEP_S
            latencies.append(time_s - decided_s[decision])
    assert min(latencies) >= 0.4 + 0.2  # message and action delay at their least
    counters = loop.counters(0)
    assert counters["applied"] == len(latencies) > 300
    assert counters["latency_max_s"] == max(latencies)
    assert counters["latency_sum_s"] == pytest.approx(sum(latencies), rel=1e-12)


@BOTH
def test_commands_add_up_once_nothing_more_is_sent(kind: type[Any]) -> None:
    loop = fleet_loop(kind)
    for _ in lockstep(loop, n_interval=40):
        assert loop.oldest_payload(0) < NO_PAYLOAD
    for _ in lockstep(loop, n_interval=6, silent=True):
        pass
    assert loop.oldest_payload(0) == NO_PAYLOAD
    c = loop.counters(0)
    assert c["sent"] + c["duplicated"] == c["delivered"] + c["lost"]
    assert c["delivered"] == c["applied"] + c["superseded"]
    assert min(c[name] for name in ("lost", "duplicated", "held_back", "superseded")) > 0


@BOTH
def test_no_effect_has_a_payload_older_than_the_oldest(kind: type[Any]) -> None:
    loop, oldest = fleet_loop(kind), NO_PAYLOAD
    n_payload = 0
    for _ in range(40):
        while n_due := loop.next_due()[0].size:
            loop.answer(np.arange(n_payload, n_payload + n_due))
            oldest = min(oldest, n_payload)
            n_payload += n_due
        payload = loop.end_interval()[3]
        assert (payload >= oldest).all()
        oldest = loop.oldest_payload(0)


@BOTH
def test_a_lane_of_a_batch_equals_a_loop_of_one_lane(kind: type[Any]) -> None:
    batch = fleet_loop(kind, 4)
    for lane in range(4):
        batch.reset(lane, 3, 10 + lane)
    effects = [effect for each in lockstep(batch, n_interval=12) for effect in each]
    # Payloads are numbered over the whole batch, so only members and times can be compared.
    found = {k: [effect[1:3] for effect in effects if effect[0] == k] for k in range(4)}
    assert len({tuple(each) for each in found.values()}) == 4
    for lane in range(4):
        alone = fleet_loop(kind)
        alone.reset(0, 3, 10 + lane)
        expected = [effect[1:3] for each in lockstep(alone, n_interval=12) for effect in each]
        assert found[lane] == expected
        assert alone.counters(0) == batch.counters(lane)


@pytest.mark.parametrize("n_thread", [2, 8, 100])
def test_lanes_give_the_same_for_any_number_of_threads(n_thread: int) -> None:
    one, many = (fleet_loop(ControlLoop, 32) for _ in range(2))
    for _ in range(10):
        while due := rows(one.next_due()):
            assert rows(many.next_due(n_thread)) == due
            for loop, n in ((one, 1), (many, n_thread)):
                loop.answer(np.arange(len(due)), n)
        assert rows(many.next_due(n_thread)) == []
        assert rows(one.end_interval()) == rows(many.end_interval())
    ours, theirs = many.all_counters(), one.all_counters()
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def of_lane(loop: Any, lane: int, n_interval: int = 10) -> list[list[tuple[int, float]]]:
    """Return member and time of the lane's effects, by interval."""
    return [
        [effect[1:3] for effect in effects if effect[0] == lane]
        for effects in lockstep(loop, n_interval=n_interval)
    ]


@BOTH
def test_what_happens_in_one_lane_is_not_felt_in_another(kind: type[Any]) -> None:
    usual, disturbed = (fleet_loop(kind, 2) for _ in range(2))
    disturbed.reset(1, 9, 9)
    disturbed.set_outage(1, 0.0, 20.0)
    disturbed.wake(1, 4, 23.0)
    assert of_lane(disturbed, 0) == of_lane(usual, 0)
    assert disturbed.counters(0) == usual.counters(0)
    assert disturbed.counters(1)["outage"] > 30


@BOTH
def test_an_outage_ends_with_the_episode(kind: type[Any]) -> None:
    loop = fleet_loop(kind, 1, TickConfig(STEP_S), None)
    loop.set_outage(0, 0.0, math.inf, 4)
    (effects,) = lockstep(loop, n_interval=1)
    assert [effect[1] for effect in effects] == [0, 1, 2, 6, 7, 8, 9]
    assert loop.counters(0)["outage"] == 3
    loop.reset(0, 0)
    (effects,) = lockstep(loop, n_interval=1)
    assert len(effects) == 10
    assert loop.counters(0)["outage"] == 0


@BOTH
def test_an_outage_leaves_the_draws_of_what_is_sent_later_as_they_were(kind: type[Any]) -> None:
    # Members draw an action delay only if they have a command, so none may jitter here.
    timing = TickConfig.with_jitter(STEP_S, obs_delay=1.0, msg_delay=0.8, jitter_ratio=0.5)
    usual, cut = (fleet_loop(kind, timing=timing) for _ in range(2))
    cut.set_outage(0, 0.0, 10.0)
    expected, found = of_lane(usual, 0, 20), of_lane(cut, 0, 20)
    assert found[:2] == [[], []] != expected[:2]
    assert found[6:] == expected[6:]


@BOTH
def test_a_woken_agent_decides_once_more_and_keeps_its_rhythm(kind: type[Any]) -> None:
    loop = kind(1, 10.0, [-1], [TickConfig(4.0)])
    assert loop.next_due()[2].tolist() == [0.0]
    for time_s in (0.0, 3.0, 3.0, 4.0):  # has decided at 0, and ticks at 4 anyway
        loop.wake(0, 0, time_s)
    loop.answer(np.array([0]))
    times = []
    while (due := loop.next_due())[0].size:
        times += due[2].tolist()
        loop.answer(np.array([0]))
    assert times == [3.0, 4.0, 8.0]


@BOTH
def test_bad_arguments_are_refused(kind: type[Any]) -> None:
    timing = TickConfig(5.0)
    long = TickConfig(5.0, act_delay=2.0 * LONGEST_S)
    wild = TickConfig.with_jitter(5.0, jitter_ratio=LONGEST_S)
    for arguments, match in (
        ((0, 5.0, [-1], [timing]), "n_lane is 0"),
        ((1, 0.0, [-1], [timing]), "step_s is 0"),
        ((1, math.nan, [-1], [timing]), "step_s is nan"),
        ((1, math.inf, [-1], [timing]), "a step may last inf s"),
        ((1, 5.0, [], []), "owner is empty"),
        ((1, 5.0, [-1, 0], [timing]), "configs has 1 values, expected 2, one per agent"),
        ((1, 5.0, [-1, 2], [timing] * 2), "agent 1 obeys agent 2, but there are 2 agents"),
        ((1, 5.0, [-1, 0, 1], [timing] * 3), "agent 2 obeys agent 1, which does not decide"),
        ((1, 5.0, [-1], [long]), "a delay or interval of agent 0 may last"),
        ((1, 5.0, [-1], [wild]), "a delay or interval of agent 0 may last"),
        ((1, 5.0, [-1], [timing], MessageFaults(reordering_delay=1e13)), "reordering may last"),
        (
            (1, 5.0, [-1], [timing], MessageFaults(outages=[Outage(0.0, 1.0, "MG1")])),
            "an outage names its sender 'MG1', expected the number",
        ),
        ((1, 5.0, [-1], [timing], None, [3, 4]), "tick_priority has 2 values, expected 1"),
        ((1, 5.0, [-1], [timing], None, [4]), "tick_priority of agent 0 is 4, expected 2"),
        ((1, 5.0, [-1, 0], [timing] * 2, None, [2, 3]), "tick_priority of agent 1 is 3, expected"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            kind(*arguments)
    with pytest.raises(TypeError, match="TickConfig, got str"):
        kind(1, 5.0, [-1], ["fast"])


@BOTH
def test_calls_out_of_turn_are_refused_and_change_nothing(kind: type[Any]) -> None:
    loop = fleet_loop(kind, 2)
    with pytest.raises(InvalidArgumentError, match="lane 0 has not come to its environment update"):
        loop.end_interval()
    due = loop.next_due()
    n_due = len(due[0])
    for call, match in (
        (lambda: loop.next_due(), f"answer the {n_due} decisions of the last next_due first"),
        (
            lambda: loop.answer(np.zeros(1, dtype=np.int64)),
            f"payload has 1 values, expected {n_due}",
        ),
        (lambda: loop.answer(np.full(n_due, -2)), "payload holds -2, expected numbers from 0"),
        (lambda: loop.wake(0, 1, 9.0), "agent 1 does not decide"),
        (lambda: loop.wake(0, 0, -1.0), "time_s is -1"),
        (lambda: loop.wake(2, 0, 9.0), "lane is 2, expected 0 to 1"),
        (lambda: loop.set_outage(0, 5.0, 5.0), "expected a start before the end"),
        (lambda: loop.set_outage(0, 0.0, 5.0, 13), "sender is 13"),
        (lambda: loop.set_outage(0, 0.0, 5.0, -1), "sender is -1"),
        (lambda: loop.counters(-1), "lane is -1"),
        (lambda: loop.reset(2, 0), "lane is 2"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            call()
    untouched = fleet_loop(kind, 2)
    untouched.next_due()
    for each in (loop, untouched):
        each.answer(np.arange(n_due))
    for _ in lockstep(loop, untouched, n_interval=3):
        pass


def test_payloads_of_another_type_are_refused_and_not_copied() -> None:
    loop = fleet_loop(_core.ControlLoop)
    n_due = len(loop.next_due()[0])
    with pytest.raises(TypeError):
        loop.answer(np.zeros(n_due, dtype=np.int32))
    with pytest.raises(TypeError):
        loop.answer(np.zeros(2 * n_due, dtype=np.int64)[::2])


@BOTH
def test_a_loop_tells_its_size(kind: type[Any]) -> None:
    loop = fleet_loop(kind, 2)
    assert (loop.n_lane, loop.n_agent, loop.n_member, loop.step_s) == (2, 13, 10, STEP_S)
