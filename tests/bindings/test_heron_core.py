"""What the compiled module of heron accepts, refuses and leaves untouched."""

from __future__ import annotations

import numpy as np
import pytest

from heron._core import EventQueue

TIMES = np.array([1.0, 2.0])
PRIORITIES = np.zeros(2, dtype=np.int32)
PAYLOADS = np.zeros(2, dtype=np.int64)


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param((TIMES.astype(np.float32), PRIORITIES, PAYLOADS), id="float32 times"),
        pytest.param((TIMES, PRIORITIES.astype(np.int64), PAYLOADS), id="int64 priorities"),
        pytest.param((TIMES, PRIORITIES, PAYLOADS.astype(np.uint64)), id="unsigned payloads"),
        pytest.param((TIMES.tolist(), PRIORITIES, PAYLOADS), id="a list"),
        pytest.param((np.arange(4.0)[::2], PRIORITIES, PAYLOADS), id="a strided view"),
        pytest.param((TIMES.reshape(1, 2), PRIORITIES, PAYLOADS), id="two dimensions"),
        pytest.param((TIMES.astype(">f8"), PRIORITIES, PAYLOADS), id="foreign byte order"),
    ],
)
def test_an_array_of_another_form_is_a_type_error_not_a_copy(batch: tuple[np.ndarray, ...]) -> None:
    queue = EventQueue()
    with pytest.raises(TypeError):
        queue.push_batch(*batch)
    assert len(queue) == 0


def test_an_unaligned_array_is_a_type_error() -> None:
    raw = np.zeros(17, dtype=np.uint8)
    times = raw[1:17].view(np.float64)
    with pytest.raises(TypeError, match="time_s is not aligned"):
        EventQueue().push_batch(times, PRIORITIES, PAYLOADS)


@pytest.mark.parametrize(("priority", "payload"), [(2**31, 0), (0, 2**63), (0.5, 0), (0, "a")])
def test_a_number_that_does_not_fit_is_a_type_error(priority: int, payload: int) -> None:
    with pytest.raises(TypeError):
        EventQueue().push(1.0, priority, payload)


def test_the_extreme_priorities_and_payloads_survive() -> None:
    queue = EventQueue()
    queue.push(0.0, -(2**31), -(2**63))
    queue.push(0.0, 2**31 - 1, 2**63 - 1)
    assert queue.pop() == (0.0, -(2**31), 0, -(2**63))
    assert queue.pop() == (0.0, 2**31 - 1, 1, 2**63 - 1)


def test_what_a_batch_returns_belongs_to_the_caller() -> None:
    queue = EventQueue()
    queue.push_batch(TIMES, PRIORITIES, PAYLOADS)
    time_s, *_ = queue.pop_until(10.0)
    del queue
    time_s += 1.0
    assert time_s.tolist() == [2.0, 3.0]


def test_positional_and_keyword_arguments_mean_the_same() -> None:
    by_position, by_keyword = EventQueue(1.0), EventQueue(start_time_s=1.0)
    by_position.push(2.0, 3, 4)
    by_keyword.push(payload=4, priority=3, time_s=2.0)
    assert by_position.pop() == by_keyword.pop()
