"""Agents that tick in many lanes: the core against the reference, and what both promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from scipy import stats

from heron import _core
from heron.errors import InvalidArgumentError
from heron.reference.tick_scheduler import TickScheduler as ReferenceScheduler
from heron.scheduling import EventType, JitterType, TickConfig
from heron.scheduling.stream import Stream

TICK, EFFECT, DELIVERY, CUSTOM = 0, 1, 2, 5
N_LANE = 3

BOTH = pytest.mark.parametrize("kind", [_core.TickScheduler, ReferenceScheduler])

delays = st.sampled_from([0.0, 0.25, 1.0, 3.0])
configs = st.builds(
    TickConfig,
    tick_interval=st.sampled_from([0.5, 1.0, 2.0, 60.0]),
    obs_delay=delays,
    act_delay=delays,
    msg_delay=delays,
    jitter_type=st.sampled_from(list(JitterType)),
    jitter_ratio=st.sampled_from([0.0, 0.1, 2.0]),
    min_delay=st.sampled_from([0.0, 0.5]),
)
seeds = st.one_of(st.none(), st.integers(0, 2**64 - 1))
lanes = st.integers(0, N_LANE - 1)
numbers = st.integers(-1, 6)  # agents that exist, some that do not, and none
waits = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.5, 10.0, -1.0, float("nan"), float("inf")])


def answer(scheduler, method: str, arguments):
    try:
        return getattr(scheduler, method)(*arguments)
    except InvalidArgumentError:
        return InvalidArgumentError


class SchedulerPrograms(RuleBasedStateMachine):
    """Do the same with both schedulers; every answer and every error must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.core = _core.TickScheduler(N_LANE, seed=11)
        self.reference = ReferenceScheduler(N_LANE, seed=11)
        self.handles: list[tuple[int, int, int]] = []  # lane, core's, reference's

    def both(self, method: str, *arguments):
        core = answer(self.core, method, arguments)
        reference = answer(self.reference, method, arguments)
        if isinstance(reference, tuple) and isinstance(reference[0], np.ndarray):
            assert all(map(np.array_equal, core, reference))
            assert [a.dtype for a in core] == [a.dtype for a in reference]
        elif isinstance(reference, np.ndarray):
            assert np.array_equal(core, reference)
        elif method != "schedule":
            assert core == reference
        return core, reference

    @rule(
        config=configs, seed=seeds, first=st.one_of(st.none(), waits), priority=st.integers(-1, 1)
    )
    def register(self, config, seed, first, priority):
        if seed is not None:
            config.seed(seed)
        self.both("register_agent", config, first, priority)

    @rule(agent=numbers, config=configs, first=st.one_of(st.none(), waits))
    def register_again(self, agent, config, first):
        self.both("register_again", agent, config, first)

    @rule(agent=numbers)
    def unregister(self, agent):
        self.both("unregister_agent", agent)

    @rule(agent=numbers, is_surfacing=st.booleans())
    def surface(self, agent, is_surfacing):
        self.both("set_surfacing", agent, is_surfacing)

    @rule(type=st.integers(-1, 6), is_surfacing=st.booleans())
    def surface_type(self, type, is_surfacing):
        self.both("set_surfacing_type", type, is_surfacing)

    @rule(
        lane=st.integers(-1, N_LANE),
        wait=waits,
        type=st.integers(0, 6),
        agent=numbers,
        priority=st.integers(-2, 2),
        payload=st.integers(-(2**63), 2**63 - 1),
    )
    def schedule(self, lane, wait, type, agent, priority, payload):
        now_s = self.reference.now_s(lane) if 0 <= lane < N_LANE else 0.0
        core, reference = self.both("schedule", lane, now_s + wait, type, agent, priority, payload)
        assert (core is InvalidArgumentError) == (reference is InvalidArgumentError)
        if reference is not InvalidArgumentError:
            self.handles.append((lane, core, reference))

    @rule(rows=st.lists(st.tuples(lanes, waits, numbers), max_size=4), type=st.integers(1, 5))
    def schedule_batch(self, rows, type):
        lane = np.array([row[0] for row in rows], dtype=np.int32)
        time_s = np.array([self.reference.now_s(row[0]) + row[1] for row in rows])
        agent = np.array([row[2] for row in rows], dtype=np.int32)
        payload = np.arange(len(rows), dtype=np.int64)
        self.both("schedule_batch", lane, time_s, type, agent, 1, payload)

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def cancel(self, data):
        lane, core, reference = data.draw(st.sampled_from(self.handles))
        assert self.core.cancel(lane, core) == self.reference.cancel(lane, reference)

    @rule(lane=lanes, agent=numbers, stream=st.integers(0, 4))
    def draw(self, lane, agent, stream):
        self.both("draw_s", lane, agent, stream)

    @rule(pairs=st.lists(st.tuples(lanes, numbers), max_size=4), stream=st.integers(0, 3))
    def draw_batch(self, pairs, stream):
        lane = np.array([pair[0] for pair in pairs], dtype=np.int32)
        agent = np.array([pair[1] for pair in pairs], dtype=np.int32)
        self.both("draw_batch", stream, lane, agent)

    @rule(lane=lanes, wait=waits)
    def take_one(self, lane, wait):
        core, event = self.both("next", lane, self.reference.now_s(lane) + wait)
        if event is not None:
            assert self.core.is_live(core) == self.reference.is_live(event)
            self.both("finish", event)

    @rule(lane=lanes, wait=st.sampled_from([0.0, 1.0, 7.5]), most=st.sampled_from([None, 0, 3]))
    def run(self, lane, wait, most):
        self.both("run_until", lane, self.reference.now_s(lane) + wait, most)

    @rule(t_end_s=st.sampled_from([0.0, 5.0, 20.0]), n_thread=st.sampled_from([0, 1, 2, 8]))
    def run_all(self, t_end_s, n_thread):
        self.both("run_all_until", t_end_s, n_thread)

    @rule(t_end_s=st.sampled_from([0.0, 5.0, 50.0, float("nan")]), n_thread=st.sampled_from([1, 8]))
    def next_due(self, t_end_s, n_thread):
        self.both("next_due", t_end_s, n_thread)

    @rule(lane=st.integers(-1, N_LANE))
    def clear(self, lane):
        self.both("clear", lane)

    @rule(lane=lanes, start_s=st.sampled_from([0.0, 3.0, float("nan")]))
    def reset(self, lane, start_s):
        self.both("reset", lane, start_s)

    @rule(lane=lanes, seed=st.integers(0, 2**64 - 1), key=st.integers(0, 5))
    def seed_lane(self, lane, seed, key):
        self.both("seed_lane", lane, seed, key)

    @invariant()
    def lanes_agree(self):
        self.both("agents")
        for lane in range(N_LANE):
            for method in ("peek", "now_s", "n_pending", "n_processed"):
                self.both(method, lane)


TestSchedulerPrograms = SchedulerPrograms.TestCase
TestSchedulerPrograms.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def busy(kind, n_lane: int = 4, seed: int = 3):
    scheduler = kind(n_lane, seed=seed)
    for agent in range(5):
        config = TickConfig(
            1.0 + agent / 10, obs_delay=0.5, jitter_type=JitterType.UNIFORM, jitter_ratio=0.3
        )
        scheduler.register_agent(config)
    return scheduler


def decisions(scheduler, t_end_s: float, n_thread: int = 1) -> dict[int, list[tuple[float, int]]]:
    """Return (time, agent) of every tick that surfaces, by lane."""
    found: dict[int, list[tuple[float, int]]] = {k: [] for k in range(scheduler.n_lane)}
    while True:
        lane, agent, time_s, _, _ = scheduler.next_due(t_end_s, n_thread)
        if len(lane) == 0:
            return found
        for k, who, when in zip(lane.tolist(), agent.tolist(), time_s.tolist(), strict=True):
            found[k].append((when, who))


def test_lanes_give_the_same_for_one_and_for_eight_threads():
    one = decisions(busy(_core.TickScheduler, n_lane=32), 30.0)
    assert decisions(busy(_core.TickScheduler, n_lane=32), 30.0, n_thread=8) == one


@BOTH
def test_a_lane_of_a_batch_equals_a_scheduler_of_one_lane(kind):
    batch = decisions(busy(kind), 10.0)
    for lane in range(4):
        alone = busy(kind, n_lane=1)
        alone.seed_lane(0, 3, lane)
        alone.reset(0)
        assert decisions(alone, 10.0)[0] == batch[lane]


@BOTH
def test_lanes_draw_different_jitter(kind):
    found = decisions(busy(kind), 10.0)
    assert len({tuple(ticks) for ticks in found.values()}) == 4


@BOTH
def test_ticks_at_one_time_surface_together_and_in_order_of_registration(kind):
    scheduler = kind()
    for _ in range(3):
        scheduler.register_agent(TickConfig(tick_interval=10.0))
    lane, agent, time_s, kinds, _ = scheduler.next_due(100.0)
    assert lane.tolist() == [0, 0, 0]
    assert agent.tolist() == [0, 1, 2]
    assert time_s.tolist() == [0.0, 0.0, 0.0]
    assert kinds.tolist() == [TICK] * 3
    assert scheduler.n_pending(0) == 0  # re-armed only when they were answered
    assert scheduler.next_due(100.0)[2].tolist() == [10.0, 10.0, 10.0]


@BOTH
def test_an_event_between_two_ticks_parts_them(kind):
    scheduler = kind()
    scheduler.register_agent(TickConfig(), 1.0)
    scheduler.schedule(0, 1.0, DELIVERY, agent=0)
    scheduler.register_agent(TickConfig(), 1.0)
    assert scheduler.next_due(1.0)[1].tolist() == [0]
    assert scheduler.next_due(1.0)[1].tolist() == [1]


@BOTH
def test_other_types_surface_when_asked_for(kind):
    scheduler = kind()
    scheduler.set_surfacing_type(EFFECT, True)
    scheduler.schedule(0, 2.0, EFFECT, payload=7)
    scheduler.schedule(0, 1.0, CUSTOM, payload=8)
    _, agent, time_s, kinds, payload = scheduler.next_due(5.0)
    assert (agent.tolist(), time_s.tolist(), kinds.tolist()) == ([-1], [2.0], [EFFECT])
    assert payload.tolist() == [7]


@BOTH
def test_agents_that_do_not_surface_still_tick(kind):
    scheduler = kind()
    quiet, loud = (scheduler.register_agent(TickConfig()) for _ in range(2))
    scheduler.set_surfacing(quiet, False)
    assert scheduler.next_due(0.0)[1].tolist() == [loud]
    scheduler.next_due(10.5)
    assert scheduler.n_processed(0) == 4  # two ticks each, at 0 and 1


@BOTH
def test_what_is_scheduled_while_answering_comes_before_the_next_tick(kind):
    scheduler = kind()
    agent = scheduler.register_agent(TickConfig(tick_interval=1.0))
    scheduler.next_due(0.0)
    scheduler.schedule(0, 1.0, CUSTOM, agent)
    scheduler.run_until(0, 0.5)
    first, second = scheduler.next(0), scheduler.next(0)
    assert (first[3], second[3]) == (CUSTOM, TICK)
    assert first[2] < second[2]


@BOTH
def test_an_extra_tick_does_not_double_the_agents_rhythm(kind):
    scheduler = kind()
    agent = scheduler.register_agent(TickConfig(tick_interval=10.0))
    scheduler.schedule(0, 5.0, TICK, agent)
    times = [when for when, _ in decisions(scheduler, 40.0)[0]]
    assert times == [0.0, 5.0, 10.0, 20.0, 30.0, 40.0]


@BOTH
def test_a_tick_wakes_an_agent_whose_events_were_cleared(kind):
    scheduler = kind()
    agent = scheduler.register_agent(TickConfig(tick_interval=10.0))
    scheduler.clear(0)
    assert scheduler.run_until(0, 100.0) == 0
    scheduler.schedule(0, 5.0, TICK, agent)
    assert [when for when, _ in decisions(scheduler, 30.0)[0]] == [5.0, 15.0, 25.0]


@BOTH
def test_events_of_unregistered_agents_are_counted_and_skipped(kind):
    scheduler = kind()
    agent = scheduler.register_agent(TickConfig())
    scheduler.schedule(0, 0.5, CUSTOM, agent)
    scheduler.unregister_agent(agent)
    assert scheduler.run_until(0, 10.0) == 2
    assert scheduler.n_processed(0) == 2
    assert scheduler.n_pending(0) == 0


@BOTH
def test_a_reset_returns_to_the_first_ticks_and_the_first_draws(kind):
    scheduler = busy(kind)
    late = scheduler.register_agent(TickConfig(tick_interval=2.0), 3.5)
    first = decisions(scheduler, 12.0)
    for lane in range(scheduler.n_lane):
        scheduler.reset(lane)
    assert decisions(scheduler, 12.0) == first
    scheduler.reset(0, 5.0)  # a first tick that is over by then happens at once
    assert (5.0, late) in decisions(scheduler, 5.0)[0]


@BOTH
def test_registering_again_replaces_the_armed_tick(kind):
    scheduler = kind()
    agent = scheduler.register_agent(TickConfig(tick_interval=1.0), 4.0)
    scheduler.register_again(agent, TickConfig(tick_interval=3.0), 2.0)
    assert [when for when, _ in decisions(scheduler, 9.0)[0]] == [2.0, 5.0, 8.0]


@BOTH
def test_an_own_seed_makes_an_agent_independent_of_the_schedulers(kind):
    def drawn(seed: int, n_before: int) -> list[float]:
        scheduler = kind(seed=seed)
        for _ in range(n_before):
            scheduler.register_agent(TickConfig())
        agent = scheduler.register_agent(TickConfig.with_jitter(seed=42))
        return [scheduler.draw_s(0, agent, Stream.TICK_INTERVAL) for _ in range(5)]

    own = TickConfig.with_jitter(seed=42)
    assert drawn(1, 0) == drawn(2, 3) == [own.get_tick_interval() for _ in range(5)]


@BOTH
def test_a_configuration_with_a_generator_is_refused(kind):
    with pytest.raises(InvalidArgumentError, match=r"with_jitter\(seed="):
        kind().register_agent(TickConfig(rng=np.random.default_rng(1)))


@BOTH
def test_times_in_the_past_or_not_finite_are_refused(kind):
    scheduler = kind(start_time_s=10.0)
    for time_s in (9.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="time_s is"):
            scheduler.schedule(0, time_s, CUSTOM)
        with pytest.raises(ValueError, match="time_s is"):
            scheduler.register_agent(TickConfig(), time_s)
    assert scheduler.n_pending(0) == 0
    assert scheduler.agents() == []


@BOTH
def test_what_is_no_tick_configuration_is_refused(kind):
    with pytest.raises(TypeError, match="TickConfig, got str"):
        kind().register_agent("gen1")


@BOTH
def test_event_types_may_be_given_by_name(kind):
    scheduler = kind()
    scheduler.set_surfacing_type(EventType.CUSTOM, True)
    scheduler.schedule(0, 1.0, EventType.CUSTOM)
    kinds = scheduler.next_due(5.0)[3]
    assert (kinds == EventType.CUSTOM).all()
    assert kinds.dtype == np.uint8


def test_arrays_of_another_type_are_refused_and_not_copied():
    scheduler = _core.TickScheduler()
    scheduler.register_agent(TickConfig())
    whole, wrong = np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int64)
    with pytest.raises(TypeError):
        scheduler.draw_batch(0, wrong, whole)
    with pytest.raises(TypeError):
        scheduler.schedule_batch(whole, np.zeros(1, np.float32), CUSTOM, whole, 0, wrong)
    with pytest.raises(TypeError):
        scheduler.draw_batch(0, np.zeros((2, 2), dtype=np.int32)[:, 0], whole)


@pytest.mark.parametrize("jitter_type", [JitterType.UNIFORM, JitterType.GAUSSIAN])
def test_ticks_of_a_day_have_the_mean_and_spread_of_their_jitter(jitter_type):
    scheduler = _core.TickScheduler(seed=5)
    scheduler.register_agent(TickConfig(1.0, jitter_type=jitter_type, jitter_ratio=0.1))
    times = np.array([when for when, _ in decisions(scheduler, 20_000.0)[0]])
    intervals = np.diff(times)
    spread = 0.1 / np.sqrt(3.0) if jitter_type is JitterType.UNIFORM else 0.1
    n = len(intervals)
    # 99.9 % bounds of a sample mean, and of a sample deviation with the fourth moment of the law.
    assert abs(intervals.mean() - 1.0) < 3.3 * spread / np.sqrt(n)
    kurtosis = 1.8 if jitter_type is JitterType.UNIFORM else 3.0
    assert abs(intervals.std() / spread - 1.0) < 3.3 * np.sqrt((kurtosis - 1.0) / (4.0 * n))
    law = stats.uniform(0.9, 0.2) if jitter_type is JitterType.UNIFORM else stats.norm(1.0, 0.1)
    assert stats.kstest(intervals, law.cdf).pvalue > 0.001
