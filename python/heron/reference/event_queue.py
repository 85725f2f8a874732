"""The event queue in pure Python: the definition of what the compiled one does."""

from __future__ import annotations

import heapq
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError

__all__ = ["Event", "EventBatch", "EventQueue"]

Event: TypeAlias = tuple[float, int, int, int]
"""One event: (time_s, priority, sequence, payload)."""

EventBatch: TypeAlias = tuple[
    NDArray[np.float64], NDArray[np.int32], NDArray[np.uint64], NDArray[np.int64]
]
"""Events side by side: time_s, priority, sequence and payload, each of shape (n_event,)."""


class EventQueue:
    """Hold future events in the total order (time, priority, sequence).

    Equal times leave by priority, smaller first, and then in the order in which they were pushed.
    The queue remembers the time of the last event taken, `now_s`, and refuses earlier ones.
    A handle names one event for good: cancelling it after it has left does nothing.

    Parameters
    ----------
    start_time_s
        Simulated time at which the queue starts [s], finite.

    Raises
    ------
    InvalidArgumentError
        If a time is NaN, infinite or in the past, or if arrays differ in length. The queue is
        then as it was before.

    Examples
    --------
    >>> queue = EventQueue()
    >>> late, early = queue.push(2.0, payload=7), queue.push(1.0, payload=8)
    >>> queue.pop()
    (1.0, 0, 1, 8)
    >>> queue.cancel(late), queue.cancel(early), len(queue)
    (True, False, 0)
    """

    def __init__(self, start_time_s: float = 0.0) -> None:
        self._check_finite("start_time_s", start_time_s)
        self._heap: list[tuple[float, int, int]] = []  # (time, priority, sequence)
        self._pending: dict[int, tuple[int, int]] = {}  # sequence -> (handle, payload)
        self._sequence_of: dict[int, int] = {}  # handle -> sequence
        self._next_sequence = 0
        self._next_handle = 0  # never starts again, so that old handles stay dead
        self._now_s = float(start_time_s)

    def push(self, time_s: float, priority: int = 0, payload: int = 0) -> int:
        """Add one event and return its handle; `payload` is the caller's own number."""
        self.check_time(time_s)
        handle, sequence = self._next_handle, self._next_sequence
        self._next_handle += 1
        self._next_sequence += 1
        heapq.heappush(self._heap, (float(time_s) + 0.0, priority, sequence))  # -0.0 leaves as 0.0
        self._pending[sequence] = (handle, payload)
        self._sequence_of[handle] = sequence
        return handle

    def push_batch(
        self,
        time_s: NDArray[np.float64],
        priority: NDArray[np.int32],
        payload: NDArray[np.int64],
    ) -> NDArray[np.uint64]:
        """Add all events in index order, or none; return their handles, shape (n_event,)."""
        lengths = {len(time_s), len(priority), len(payload)}
        if len(lengths) != 1:
            raise InvalidArgumentError(
                f"a batch needs arrays of one length, one value per event: time_s has "
                f"{len(time_s)}, priority {len(priority)}, payload {len(payload)}"
            )
        for time in time_s.tolist():
            self.check_time(time)
        events = zip(time_s.tolist(), priority.tolist(), payload.tolist(), strict=True)
        return np.array([self.push(*event) for event in events], dtype=np.uint64)

    def cancel(self, handle: int) -> bool:
        """Take a pending event out; return False if it has left before."""
        sequence = self._sequence_of.pop(handle, None)
        if sequence is None:
            return False
        del self._pending[sequence]
        self._drop_cancelled()
        return True

    def is_pending(self, handle: int) -> bool:
        """Tell whether the event is still to come."""
        return handle in self._sequence_of

    def peek(self) -> Event | None:
        """Return the next event without taking it, or None if there is none."""
        if not self._heap:
            return None
        time_s, priority, sequence = self._heap[0]
        return time_s, priority, sequence, self._pending[sequence][1]

    def pop(self) -> Event | None:
        """Take the next event and move `now_s` to its time, or return None if there is none."""
        event = self.peek()
        if event is None:
            return None
        heapq.heappop(self._heap)
        handle, _ = self._pending.pop(event[2])
        del self._sequence_of[handle]
        self._drop_cancelled()
        self._now_s = event[0]
        return event

    def pop_until(self, t_end_s: float, max_events: int | None = None) -> EventBatch:
        """Take the events up to and including `t_end_s`, at most `max_events` of them."""
        events: list[Event] = []
        while max_events is None or len(events) < max_events:
            event = self.peek()
            if event is None or not event[0] <= t_end_s:
                break
            self.pop()
            events.append(event)
        time_s, priority, sequence, payload = zip(*events, strict=True) if events else ((),) * 4
        return (
            np.array(time_s, dtype=np.float64),
            np.array(priority, dtype=np.int32),
            np.array(sequence, dtype=np.uint64),
            np.array(payload, dtype=np.int64),
        )

    def clear(self) -> None:
        """Drop every pending event; time and sequence numbers go on."""
        self._heap.clear()
        self._pending.clear()
        self._sequence_of.clear()

    def reset(self, start_time_s: float = 0.0) -> None:
        """Drop every pending event and start again at `start_time_s` with sequence number 0."""
        self._check_finite("start_time_s", start_time_s)
        self.clear()
        self._next_sequence = 0
        self._now_s = float(start_time_s)

    def reserve(self, n_event: int) -> None:
        """Accept the size hint of the compiled queue; lists and dicts grow by themselves."""

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def now_s(self) -> float:
        """Time of the last event taken, or the start [s]."""
        return self._now_s

    @property
    def next_sequence(self) -> int:
        """The sequence number that the next push will get."""
        return self._next_sequence

    def check_time(self, time_s: float) -> None:
        """Raise if `push` would refuse the time."""
        self._check_finite("time_s", time_s)
        if time_s < self._now_s:
            raise InvalidArgumentError(
                f"time_s is {time_s}, in the past: expected at least the time of the last event, "
                f"{self._now_s}"
            )

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0][2] not in self._pending:
            heapq.heappop(self._heap)

    @staticmethod
    def _check_finite(name: str, time_s: float) -> None:
        if not math.isfinite(time_s):
            raise InvalidArgumentError(f"{name} is {time_s}, expected a finite number of seconds")
