"""The compiled event queue and its pure-Python twin behave alike, call for call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
)

from heron.errors import HeronError, InvalidArgumentError
from heron.reference.event_queue import EventQueue as ReferenceQueue
from heron.scheduling.event_queue import EventQueue as NativeQueue

QUEUES = [NativeQueue, ReferenceQueue]

# Few distinct values, so that equal times and equal priorities are the rule.
offsets = st.sampled_from([0.0, 0.0, 0.25, 1.0, 1.0, 3.5]) | st.floats(0.0, 1e6)
priorities = st.integers(-2, 2) | st.sampled_from([-(2**31), 2**31 - 1])
payloads = st.integers(-(2**63), 2**63 - 1)
bad_times = st.sampled_from([float("nan"), float("inf"), float("-inf"), -1e9])


class QueuePrograms(RuleBasedStateMachine):
    """Run one random program on both queues and compare every answer."""

    handles = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.native = NativeQueue()
        self.reference = ReferenceQueue()

    @rule(target=handles, offset=offsets, priority=priorities, payload=payloads)
    def push(self, offset: float, priority: int, payload: int) -> tuple[int, int]:
        time_s = self.native.now_s + offset
        return (
            self.native.push(time_s, priority, payload),
            self.reference.push(time_s, priority, payload),
        )

    @rule(
        target=handles,
        events=st.lists(st.tuples(offsets, priorities, payloads), max_size=12),
    )
    def push_batch(self, events: list[tuple[float, int, int]]) -> Any:
        batch = (
            np.array([self.native.now_s + offset for offset, _, _ in events], dtype=np.float64),
            np.array([priority for _, priority, _ in events], dtype=np.int32),
            np.array([payload for _, _, payload in events], dtype=np.int64),
        )
        native = self.native.push_batch(*batch)
        reference = self.reference.push_batch(*batch)
        assert native.dtype == reference.dtype
        return multiple(*zip(native.tolist(), reference.tolist(), strict=True))

    @rule(time_s=bad_times)
    def push_at_an_impossible_time(self, time_s: float) -> None:
        for queue in (self.native, self.reference):
            with pytest.raises(InvalidArgumentError):
                queue.push(time_s, 0, 0)

    @rule(handle=handles)
    def cancel(self, handle: tuple[int, int]) -> None:
        native, reference = handle
        assert self.native.is_pending(native) == self.reference.is_pending(reference)
        assert self.native.cancel(native) == self.reference.cancel(reference)

    @rule()
    def pop(self) -> None:
        assert self.native.pop() == self.reference.pop()

    @rule(offset=offsets, max_events=st.none() | st.integers(0, 5))
    def pop_until(self, offset: float, max_events: int | None) -> None:
        t_end_s = self.native.now_s + offset
        native = self.native.pop_until(t_end_s, max_events)
        reference = self.reference.pop_until(t_end_s, max_events)
        for ours, theirs in zip(native, reference, strict=True):
            assert ours.dtype == theirs.dtype
            assert ours.tolist() == theirs.tolist()

    @rule()
    def clear(self) -> None:
        self.native.clear()
        self.reference.clear()

    @rule(start_time_s=st.sampled_from([0.0, 5.0]))
    def reset(self, start_time_s: float) -> None:
        self.native.reset(start_time_s)
        self.reference.reset(start_time_s)

    @invariant()
    def agrees(self) -> None:
        assert len(self.native) == len(self.reference)
        assert self.native.peek() == self.reference.peek()
        assert self.native.now_s == self.reference.now_s

    def teardown(self) -> None:
        while (event := self.native.pop()) is not None:
            assert event == self.reference.pop()
        assert self.reference.pop() is None


TestQueuePrograms = QueuePrograms.TestCase
TestQueuePrograms.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


@given(events=st.lists(st.tuples(offsets, priorities), max_size=200))
@settings(max_examples=50, deadline=None)
def test_events_leave_as_a_stable_sort_would_order_them(events: list[tuple[float, int]]) -> None:
    queue = NativeQueue()
    for payload, (time_s, priority) in enumerate(events):
        queue.push(time_s, priority, payload)
    order = sorted(range(len(events)), key=lambda payload: events[payload])
    _, _, sequence, payload = queue.pop_until(np.inf)
    assert payload.tolist() == order
    assert sequence.tolist() == order


@pytest.mark.parametrize("queue_class", QUEUES)
def test_equal_times_leave_in_insertion_order(queue_class: type[Any]) -> None:
    queue = queue_class()
    for payload in range(10):
        queue.push(1.0, 0, payload)
    assert [queue.pop()[3] for _ in range(10)] == list(range(10))


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_smaller_priority_leaves_first(queue_class: type[Any]) -> None:
    queue = queue_class()
    queue.push(1.0, priority=1, payload=1)
    queue.push(1.0, priority=0, payload=2)
    assert queue.pop() == (1.0, 0, 1, 2)


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_time_in_the_past_is_refused_and_changes_nothing(queue_class: type[Any]) -> None:
    queue = queue_class(start_time_s=10.0)
    with pytest.raises(ValueError, match=r"time_s is 9\.5, in the past: .* 10"):
        queue.push(9.5)
    assert len(queue) == 0


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_nan_time_raises_the_package_error(queue_class: type[Any]) -> None:
    queue = queue_class()
    with pytest.raises(HeronError, match="time_s is nan, expected a finite number"):
        queue.push(float("nan"))
    with pytest.raises(HeronError, match="start_time_s is inf"):
        queue.reset(float("inf"))
    with pytest.raises(HeronError, match="start_time_s is nan"):
        queue_class(float("nan"))


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_batch_with_one_bad_time_adds_nothing(queue_class: type[Any]) -> None:
    queue = queue_class()
    with pytest.raises(InvalidArgumentError):
        queue.push_batch(
            np.array([1.0, np.nan]), np.zeros(2, dtype=np.int32), np.zeros(2, dtype=np.int64)
        )
    assert len(queue) == 0
    queue.push(1.0)
    assert queue.peek() == (1.0, 0, 0, 0)


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_batch_of_unequal_lengths_names_them(queue_class: type[Any]) -> None:
    queue = queue_class()
    with pytest.raises(InvalidArgumentError, match="time_s has 2, priority 3, payload 2"):
        queue.push_batch(np.zeros(2), np.zeros(3, dtype=np.int32), np.zeros(2, dtype=np.int64))


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_used_handle_stays_dead_after_a_reset(queue_class: type[Any]) -> None:
    queue = queue_class()
    old = queue.push(1.0)
    queue.reset()
    young = queue.push(1.0)
    assert not queue.cancel(old)
    assert queue.is_pending(young)


@pytest.mark.parametrize("queue_class", QUEUES)
def test_a_handle_that_was_never_given_cancels_nothing(queue_class: type[Any]) -> None:
    queue = queue_class()
    queue.push(1.0)
    assert not queue.cancel(12345)
    assert len(queue) == 1


@pytest.mark.parametrize("queue_class", QUEUES)
def test_pop_until_includes_its_end(queue_class: type[Any]) -> None:
    queue = queue_class()
    for time_s in (1.0, 2.0, 2.0, 3.0):
        queue.push(time_s)
    time_s, *_ = queue.pop_until(2.0)
    assert time_s.tolist() == [1.0, 2.0, 2.0]
    assert queue.now_s == 2.0
