"""Events with Python handlers: the compiled scheduler, its twin, and what both promise."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.errors import ConfigError, InvalidArgumentError
from heron.reference.event_scheduler import EventScheduler as ReferenceScheduler
from heron.scheduling import Event, EventScheduler, EventType, JitterType, TickConfig
from heron.scheduling import priority as of_instant

BOTH = pytest.mark.parametrize("kind", [EventScheduler, ReferenceScheduler])
NAMES = ("a", "b", "c", "stranger")


def record(scheduler, *kinds: EventType) -> list[tuple]:
    seen: list[tuple] = []
    for kind in kinds or EventType:
        scheduler.set_handler(kind, lambda e, s: seen.append(facts(e)))
    return seen


def facts(event: Event | None) -> tuple | None:
    if event is None:
        return None
    return (
        event.timestamp, event.priority, event.sequence, event.event_type, event.agent_id,
        event.payload,
    )  # fmt: skip


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# --- events ---------------------------------------------------------------------------------


def test_an_event_has_the_published_arguments_and_defaults():
    event = Event(1.5)
    assert facts(event) == (1.5, 0, 0, EventType.AGENT_TICK, None, {})
    event = Event(1, 2, 3, EventType.CUSTOM, "a", {"x": 1})
    assert facts(event) == (1.0, 2, 3, EventType.CUSTOM, "a", {"x": 1})
    assert facts(Event(timestamp=2.0, event_type=EventType.ENV_UPDATE, payload=None))[5] is None


def test_events_are_ordered_by_time_priority_and_sequence_alone():
    assert Event(1.0) < Event(2.0)
    assert Event(1.0, -1) < Event(1.0, 0)
    assert Event(1.0, 0, 1) > Event(1.0, 0, 0)
    assert Event(1.0, agent_id="a") == Event(1.0, agent_id="b")
    assert Event(1.0) != (1.0, 0, 0)
    with pytest.raises(TypeError):
        hash(Event(1.0))


def test_each_event_has_a_payload_of_its_own():
    first, second = Event(1.0), Event(1.0)
    first.payload["x"] = 1
    assert second.payload == {}


@pytest.mark.parametrize("duplicate", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_events_can_be_copied_and_pickled(duplicate):
    event = Event(1.0, 2, 3, EventType.CUSTOM, "a", {"x": 1})
    assert facts(duplicate(event)) == facts(event)
    assert "agent_id='a'" in repr(event)


def test_a_long_chain_of_events_is_let_go():
    class Payload:
        pass

    event: Event | Payload = Payload()
    alive = weakref.ref(event)
    for _ in range(500_000):
        event = Event(0.0, payload=event)
    del event
    assert alive() is None


# --- the loop -------------------------------------------------------------------------------


@BOTH
def test_handlers_see_events_in_order_and_the_time_moves_with_them(kind):
    scheduler = kind(start_time=10.0)
    times = []
    scheduler.set_handler(EventType.CUSTOM, lambda e, s: times.append((e.payload, s.current_time)))
    for timestamp, priority, name in [(12, 0, "c"), (11, 5, "b"), (11, 0, "a"), (12, 0, "d")]:
        scheduler.schedule(Event(timestamp, priority, 0, EventType.CUSTOM, payload=name))
    assert scheduler.pending_count == 4
    assert scheduler.run_until(11.0) == 2
    assert scheduler.current_time == 11.0
    assert scheduler.run_until(100.0) == 2
    assert times == [("a", 11.0), ("b", 11.0), ("c", 12.0), ("d", 12.0)]
    assert scheduler.current_time == 12.0
    assert scheduler.processed_count == 4


@BOTH
def test_an_agent_ticks_at_once_and_then_at_its_interval(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=2.0)
    scheduler.register_agent("b", tick_interval=3.0, first_tick=1.0)
    seen = record(scheduler)
    scheduler.run_until(7.0)
    assert [(row[0], row[4]) for row in seen] == [
        (0.0, "a"), (1.0, "b"), (2.0, "a"), (4.0, "b"), (4.0, "a"), (6.0, "a"), (7.0, "b"),
    ]  # fmt: skip
    assert all(row[3] is EventType.AGENT_TICK and row[5] == {} for row in seen)


@BOTH
def test_the_next_tick_is_armed_after_the_handler_ran(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=1.0)
    scheduler.set_handler(
        EventType.AGENT_TICK,
        lambda e, s: s.schedule(Event(s.current_time + 1.0, event_type=EventType.CUSTOM)),
    )
    order = []
    scheduler.set_handler(EventType.CUSTOM, lambda e, s: order.append(e.sequence))
    scheduler.run_steps(3)  # tick, what it scheduled, tick
    assert order == [1]
    assert scheduler.peek().sequence == 3


@BOTH
def test_run_steps_and_process_next_count_what_they_did(kind):
    scheduler = kind()
    for timestamp in (1.0, 2.0, 3.0):
        scheduler.schedule(Event(timestamp, event_type=EventType.CUSTOM))
    assert scheduler.process_next() is True
    assert scheduler.run_until(100.0, max_events=1) == 1
    assert scheduler.run_steps(n=5) == 1
    assert scheduler.process_next() is False
    assert scheduler.processed_count == 3


@BOTH
def test_pop_returns_the_object_that_was_scheduled(kind):
    scheduler = kind()
    event = Event(3.0, event_type=EventType.CUSTOM, payload=object())
    scheduler.schedule(Event(1.0))
    scheduler.schedule(event)
    assert event.sequence == 1
    scheduler.pop()
    assert scheduler.peek() is event
    assert scheduler.pop() is event
    assert scheduler.current_time == 3.0
    assert scheduler.pop() is None
    assert scheduler.peek() is None
    assert scheduler.processed_count == 0


@BOTH
def test_effects_and_messages_carry_what_they_were_given(kind):
    scheduler = kind()
    config = TickConfig.deterministic(act_delay=2.0, msg_delay=3.0, obs_delay=0.5)
    scheduler.register_agent("a", tick_config=config, first_tick=100.0)
    scheduler.register_agent("b", first_tick=100.0)
    seen = record(scheduler)
    scheduler.schedule_action_effect("a", [0.5])
    scheduler.schedule_action_effect("a", "now", delay=0.0)
    scheduler.schedule_message_delivery("a", "b", "hello")
    scheduler.schedule_message_delivery("dso", "b", "from one without a delay")
    assert scheduler.get_obs_delay("a") == 0.5
    assert scheduler.get_msg_delay("a") == 3.0
    assert scheduler.get_msg_delay("dso") == 0.0
    scheduler.run_until(50.0)
    assert [(row[0], row[1], row[4], row[5]) for row in seen] == [
        (0.0, 0, "a", {"action": "now"}),
        (0.0, 1, "b", {"sender": "dso", "message": "from one without a delay"}),
        (2.0, 0, "a", {"action": [0.5]}),
        (3.0, 1, "b", {"sender": "a", "message": "hello"}),
    ]


@BOTH
def test_events_of_agents_that_are_not_registered_are_counted_and_skipped(kind):
    scheduler = kind()
    seen = record(scheduler)
    scheduler.register_agent("a")
    scheduler.schedule(Event(0.5, event_type=EventType.CUSTOM, agent_id="stranger"))
    scheduler.schedule(Event(0.5, event_type=EventType.CUSTOM, agent_id="late"))
    scheduler.unregister_agent("a")
    scheduler.register_agent("late", first_tick=9.0)
    assert scheduler.run_until(5.0) == 3
    assert [row[4] for row in seen] == ["late"]
    assert scheduler.processed_count == 3
    assert list(scheduler.agent_tick_configs) == ["late"]
    scheduler.unregister_agent("a")  # once more does no harm


@BOTH
def test_a_second_registration_replaces_the_first(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=1.0)
    scheduler.register_agent("b", tick_interval=50.0)
    scheduler.register_agent("a", tick_interval=4.0, first_tick=2.0)
    seen = record(scheduler)
    scheduler.run_until(10.0)
    assert [row[0] for row in seen if row[4] == "a"] == [2.0, 6.0, 10.0]
    assert scheduler.agent_intervals == {"a": 4.0, "b": 50.0}
    assert scheduler.agent_tick_configs["a"] == TickConfig(4.0)


@BOTH
def test_a_configuration_counts_as_it_was_when_it_was_registered(kind):
    scheduler = kind()
    config = TickConfig(tick_interval=5.0)
    scheduler.register_agent("a", tick_config=config)
    config.tick_interval = 1.0
    seen = record(scheduler)
    scheduler.run_until(10.0)
    assert [row[0] for row in seen] == [0.0, 5.0, 10.0]
    scheduler.register_agent("a", tick_config=config)
    seen.clear()
    scheduler.run_until(12.0)
    assert [row[0] for row in seen] == [10.0, 11.0, 12.0]


@BOTH
def test_an_agent_that_comes_back_ticks_once_an_interval(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=5.0, first_tick=3.0)
    scheduler.unregister_agent("a")
    scheduler.register_agent("a", tick_interval=5.0)
    seen = record(scheduler)
    scheduler.run_until(10.0)
    assert [row[0] for row in seen] == [0.0, 5.0, 10.0]


@BOTH
def test_a_scheduled_tick_is_one_more_and_leaves_the_rhythm(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=10.0)
    scheduler.schedule_agent_tick("a", 5.0, payload={"why": "alarm"})
    seen = record(scheduler)
    scheduler.run_until(25.0)
    assert [row[0] for row in seen] == [0.0, 5.0, 10.0, 20.0]
    assert seen[1][5] == {"why": "alarm"}
    scheduler.schedule_agent_tick("a")
    assert scheduler.pending_count == 2
    with pytest.raises(ConfigError, match="Known: 'a'"):
        scheduler.schedule_agent_tick("A1")


@BOTH
def test_clear_leaves_time_and_agents_and_reset_begins_again(kind):
    scheduler = kind()
    config = TickConfig.with_jitter(2.0, seed=4)
    scheduler.register_agent("late", tick_config=config, first_tick=1.0)
    scheduler.register_agent("a")
    seen = record(scheduler)
    scheduler.run_until(6.0)
    first = list(seen)
    scheduler.clear()
    assert scheduler.pending_count == 0
    assert scheduler.current_time == first[-1][0]
    seen.clear()
    scheduler.reset()
    assert (scheduler.current_time, scheduler.processed_count) == (0.0, 0)
    scheduler.run_until(6.0)
    assert seen == first
    scheduler.reset(start_time=100.0)
    assert scheduler.peek().timestamp == 100.0


@BOTH
def test_a_raising_handler_passes_its_error_on_and_the_agent_goes_on(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=1.0)

    def fail(event, scheduler):
        if event.timestamp == 1.0:
            raise RuntimeError("boom")

    scheduler.set_handler(EventType.AGENT_TICK, fail)
    with pytest.raises(RuntimeError, match="boom"):
        scheduler.run_until(5.0)
    assert scheduler.processed_count == 2
    assert scheduler.run_until(5.0) == 4


@BOTH
def test_a_handler_may_change_everything_while_it_runs(kind):
    scheduler = kind()
    seen = []

    def once(event, scheduler):
        seen.append(event.agent_id)
        scheduler.set_handler(EventType.AGENT_TICK, None)
        scheduler.unregister_agent("a")
        scheduler.register_agent("b", first_tick=2.0)
        scheduler.process_next()

    scheduler.register_agent("a")
    scheduler.set_handler(EventType.AGENT_TICK, once)
    assert scheduler.run_until(3.0) == 2  # a's tick, and b's second; its first ran inside
    assert seen == ["a"]
    assert scheduler.handlers == {}
    assert scheduler.processed_count == 3


@BOTH
def test_a_handler_may_clear_or_reset_the_scheduler(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_interval=5.0)
    scheduler.set_handler(EventType.AGENT_TICK, lambda e, s: s.clear())
    scheduler.run_until(20.0)
    assert scheduler.pending_count == 1  # the rhythm survives a clear by its own handler
    scheduler.set_handler(EventType.AGENT_TICK, lambda e, s: s.reset(50.0))
    scheduler.process_next()
    assert scheduler.pending_count == 1
    assert scheduler.current_time == 50.0


@BOTH
@pytest.mark.parametrize("timestamp", [-1.0, float("nan"), float("inf")])
def test_scheduling_in_the_past_or_at_no_time_is_refused(kind, timestamp):
    scheduler = kind()
    event = Event(timestamp, sequence=77, event_type=EventType.CUSTOM)
    with pytest.raises(ValueError, match="time_s is"):
        scheduler.schedule(event)
    with pytest.raises(ValueError, match="time_s is"):
        scheduler.schedule_action_effect("a", 0, delay=timestamp)
    with pytest.raises(InvalidArgumentError):
        scheduler.register_agent("a", first_tick=timestamp)
    assert event.sequence == 77
    assert scheduler.pending_count == 0
    assert dict(scheduler.agent_tick_configs) == {}


@BOTH
def test_a_run_without_an_end_that_is_a_number_is_refused(kind):
    scheduler = kind()
    scheduler.register_agent("a")
    with pytest.raises(InvalidArgumentError, match="t_end is nan"):
        scheduler.run_until(float("nan"))
    assert scheduler.processed_count == 0


@BOTH
def test_slips_in_registering_say_what_was_expected(kind):
    scheduler = kind()
    with pytest.raises(ConfigError, match="tick_config="):
        scheduler.register_agent("a", TickConfig())
    with pytest.raises(ConfigError, match="dict, expected a TickConfig"):
        scheduler.register_agent("a", tick_config={"tick_interval": 1.0})
    for seed in (-1, 2**64, 1.5, None):
        with pytest.raises(ConfigError, match="seed is"):
            kind(seed=seed)
    assert scheduler.pending_count == 0


@BOTH
def test_what_is_no_event_type_or_handler_is_refused(kind):
    scheduler = kind()
    with pytest.raises(TypeError, match="expected an Event, got dict"):
        scheduler.schedule({})
    with pytest.raises(TypeError, match="EventType"):
        scheduler.schedule(Event(1.0, event_type="agent_tick"))
    with pytest.raises(TypeError, match="EventType"):
        scheduler.set_handler("agent_tick", print)
    with pytest.raises(TypeError, match="handler"):
        scheduler.set_handler(EventType.CUSTOM, 3)
    with pytest.raises(ValueError, match="32-bit"):
        scheduler.schedule(Event(1.0, 2**31))
    with pytest.raises(ValueError, match="rng="):
        scheduler.register_agent("a", tick_config=TickConfig(rng=np.random.default_rng(0)))
    assert scheduler.pending_count == 0


@BOTH
def test_agents_without_a_seed_draw_from_the_schedulers(kind):
    def ticks(seed: int) -> list[tuple]:
        scheduler = kind(seed=seed)
        scheduler.register_agent("a", tick_config=TickConfig.with_jitter())
        scheduler.register_agent("b", tick_config=TickConfig.with_jitter())
        scheduler.register_agent("own", tick_config=TickConfig.with_jitter(seed=9))
        seen = record(scheduler)
        scheduler.run_until(5.0)
        return seen

    def times(rows: list[tuple], name: str) -> list[float]:
        return [row[0] for row in rows if row[4] == name]

    assert ticks(1) == ticks(1)
    assert times(ticks(1), "a") != times(ticks(2), "a")
    assert times(ticks(1), "a") != times(ticks(1), "b")
    assert times(ticks(1), "own") == times(ticks(2), "own")


# --- core against reference -----------------------------------------------------------------

steps = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(NAMES[:3]), st.integers(0, 5)),
    st.tuples(st.just("unregister"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("custom"), st.sampled_from(NAMES), st.integers(0, 5)),
    st.tuples(st.just("tick"), st.sampled_from(NAMES[:3]), st.integers(0, 5)),
    st.tuples(st.just("effect"), st.sampled_from(NAMES), st.integers(0, 5)),
    st.tuples(st.just("message"), st.sampled_from(NAMES), st.integers(0, 5)),
    st.tuples(st.just("clear"), st.just("a"), st.just(0)),
    st.tuples(st.just("run"), st.just("a"), st.integers(0, 5)),
    st.tuples(st.just("pop"), st.just("a"), st.just(0)),
    st.tuples(st.just("reset"), st.just("a"), st.integers(0, 5)),
)


def run_program(kind, program) -> list:
    """Run the steps from outside, and again from within the handlers."""
    scheduler = kind(seed=1)
    log: list = []
    inner = list(program)

    def handler(event, scheduler):
        log.append(facts(event))
        if inner and event.event_type is not EventType.CUSTOM:
            do(inner.pop())

    def do(step) -> None:
        what, name, n = step
        now = scheduler.current_time
        if what == "register":
            jitter = list(JitterType)[n % 3]
            config = TickConfig(0.5 + n, n / 4, n / 2, 1.0, jitter, 0.3)
            scheduler.register_agent(name, tick_config=config)
        elif what == "unregister":
            scheduler.unregister_agent(name)
        elif what == "custom":
            scheduler.schedule(Event(now + n, n % 3 - 1, 0, EventType.CUSTOM, name, n))
        elif what == "tick":
            scheduler.schedule_agent_tick(name, now + n)
        elif what == "effect":
            scheduler.schedule_action_effect(name, n)
        elif what == "message":
            scheduler.schedule_message_delivery(name, "a", n)
        elif what == "clear":
            scheduler.clear()
        elif what == "run":
            log.append(scheduler.run_until(now + n, max_events=40))
        elif what == "pop":
            log.append(facts(scheduler.pop()))
        else:
            scheduler.reset(float(n))
        log.append((scheduler.current_time, scheduler.pending_count, scheduler.processed_count))
        log.append(facts(scheduler.peek()))

    for event_type in EventType:
        scheduler.set_handler(event_type, handler)
    for step in program:
        do(step)
    log.append(scheduler.run_until(scheduler.current_time + 10.0, max_events=100))
    return log


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=25))
def test_core_and_reference_run_every_program_alike(program):
    assert run_program(EventScheduler, program) == run_program(ReferenceScheduler, program)


# --- lifetime -------------------------------------------------------------------------------


def test_a_scheduler_in_a_cycle_with_its_handlers_and_events_is_collected():
    def make() -> weakref.ref:
        scheduler = EventScheduler()
        scheduler.register_agent("a")
        scheduler.set_handler(EventType.CUSTOM, lambda e, s: scheduler)
        scheduler.schedule(Event(5.0, payload={"scheduler": scheduler}))
        return weakref.ref(scheduler)

    alive = make()
    gc.collect()
    assert alive() is None


def test_handled_events_and_their_payloads_are_let_go():
    class Payload:
        pass

    scheduler = EventScheduler()
    scheduler.set_handler(EventType.CUSTOM, lambda e, s: None)
    payloads = [Payload() for _ in range(3)]
    alive = [weakref.ref(p) for p in payloads]
    for timestamp, payload in enumerate(payloads):
        scheduler.schedule(Event(timestamp, event_type=EventType.CUSTOM, payload=payload))
    del payloads, payload
    scheduler.run_until(0.5)
    assert [ref() is None for ref in alive] == [True, False, False]
    scheduler.clear()
    assert all(ref() is None for ref in alive)


def test_a_million_events_leave_memory_flat():
    scheduler = EventScheduler()
    for agent in range(100):
        scheduler.register_agent(f"a{agent}", tick_config=TickConfig.with_jitter(act_delay=0.1))
    scheduler.set_handler(
        EventType.AGENT_TICK, lambda e, s: s.schedule_action_effect(e.agent_id, e.timestamp)
    )
    scheduler.set_handler(EventType.ACTION_EFFECT, lambda e, s: None)
    scheduler.run_steps(10_000)
    before = resident_bytes()
    assert scheduler.run_steps(1_000_000) == 1_000_000
    # An event that stayed would cost more than 100 bytes.
    assert resident_bytes() - before < 4_000_000


@pytest.mark.parametrize("hash_seeds", [("0", "1", "31")])
def test_the_order_of_events_is_the_same_under_any_hash_seed(hash_seeds):
    code = (
        "from heron.scheduling import EventScheduler, EventType, TickConfig\n"
        "scheduler, seen = EventScheduler(), []\n"
        "for name in ('MG1', 'MG2', 'dso', 'ess1', 'gen1'):\n"
        "    scheduler.register_agent(name, tick_config=TickConfig.with_jitter(5.0))\n"
        "handler = lambda e, s: seen.append((e.agent_id, e.timestamp))\n"
        "scheduler.set_handler(EventType.AGENT_TICK, handler)\n"
        "scheduler.run_until(60.0)\n"
        "scheduler.reset()\n"
        "scheduler.run_until(60.0)\n"
        "print(seen)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in hash_seeds
    }
    assert len(outputs) == 1
    assert outputs.pop().count("MG1") > 10


# --- priorities -----------------------------------------------------------------------------


@BOTH
def test_ticks_have_the_priority_of_their_agent(kind):
    scheduler = kind()
    for agent, priority in (("field", 4), ("plain", None), ("system", 2)):
        scheduler.register_agent(agent, tick_interval=10.0, tick_priority=priority)
    seen = record(scheduler, EventType.AGENT_TICK)
    scheduler.schedule_agent_tick("field", 10.0)
    scheduler.schedule_agent_tick("system", 10.0)
    scheduler.run_until(10.0)
    assert [(e[0], e[4], e[1]) for e in seen] == [
        (0.0, "plain", 0), (0.0, "system", 2), (0.0, "field", 4),
        (10.0, "plain", 0), (10.0, "system", 2), (10.0, "system", 2),
        (10.0, "field", 4), (10.0, "field", 4),
    ]  # fmt: skip


@BOTH
def test_a_second_registration_keeps_the_priority_unless_it_gives_one(kind):
    scheduler = kind()
    scheduler.register_agent("a", tick_priority=4)
    scheduler.register_agent("a", tick_interval=2.0)
    assert scheduler.peek().priority == 4
    scheduler.register_agent("a", tick_priority=2)
    assert scheduler.peek().priority == 2


@BOTH
@pytest.mark.parametrize("priority", [2**31, -(2**31) - 1])
def test_a_priority_beyond_32_bits_is_refused(kind, priority):
    scheduler = kind()
    with pytest.raises(InvalidArgumentError, match="expected a 32-bit integer"):
        scheduler.register_agent("a", tick_priority=priority)
    assert scheduler.peek() is None


@BOTH
def test_an_effect_may_be_given_a_priority(kind):
    scheduler = kind()
    scheduler.register_agent("a", first_tick=50.0)
    scheduler.schedule_action_effect("a", "late", delay=1.0, priority=5)
    scheduler.schedule_action_effect("a", "early", delay=1.0)
    assert [scheduler.pop().payload["action"] for _ in range(2)] == ["early", "late"]


def test_the_priorities_of_an_instant_go_from_the_top_down():
    order = [
        of_instant.ENV_UPDATE,
        of_instant.MESSAGE_DELIVERY,
        *(of_instant.tick_priority(level) for level in (3, 2, 1)),
        of_instant.ACTION_EFFECT,
    ]
    assert order == [0, 1, 2, 3, 4, 5]
    assert of_instant.tick_priority(4) == 2
    assert of_instant.tick_priority(0) == 4
