"""What the core is compared with: the same work written well in plain Python.

A peer does no more than its name says and takes every short cut that its semantics allow, so that
it is the best an able programmer would write without a compiler, and not a straw man.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from itertools import cycle, repeat
from random import Random
from typing import Any

from heron.errors import InvalidArgumentError
from heron.messaging import Message
from heron.scheduling import EventType

__all__ = [
    "DequeBroker",
    "HeapqLoop",
    "HeapqScheduler",
    "OrderedHeapqLoop",
    "PeerEvent",
    "SimPyLoop",
    "first_ticks",
]

INTERVAL_S = 1.0
RATIO = 0.1  # half width of the uniform jitter
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, scatter evenly


def first_ticks(n_agent: int, jitter: str) -> list[float]:
    """Return when each agent ticks first [s]: scattered over an interval if they have jitter."""
    return [i * GOLDEN % INTERVAL_S if jitter == "uniform" else 0.0 for i in range(n_agent)]


class HeapqLoop:
    """A bare loop over a heap of (time, agent): no events, no handlers, nothing to cancel.

    Parameters
    ----------
    n_agent, jitter
        How many agents tick, and "none" or "uniform": drawn from `random` in the loop.
    replace
        Take the first entry and put the next in its place in one operation. A scheduler could not:
        between the two its handlers run and schedule.
    """

    def __init__(self, n_agent: int, jitter: str, seed: int, *, replace: bool = False) -> None:
        times = first_ticks(n_agent, jitter)
        self.heap = [(time, agent) for agent, time in enumerate(times)]
        heapify(self.heap)
        self._random = Random(seed).random
        runs = {
            ("none", False): self._run_in_step,
            ("uniform", False): self._run_jittered,
            ("uniform", True): self._replace_jittered,
        }
        self.run = runs[jitter, replace]
        """Handle n events and return n."""

    def _run_in_step(self, n: int) -> int:
        heap = self.heap
        for _ in repeat(None, n):
            time, agent = heappop(heap)
            heappush(heap, (time + INTERVAL_S, agent))
        return n

    def _run_jittered(self, n: int) -> int:
        heap, random = self.heap, self._random
        low, width = INTERVAL_S * (1.0 - RATIO), INTERVAL_S * 2.0 * RATIO
        for _ in repeat(None, n):
            time, agent = heappop(heap)
            heappush(heap, (time + (low + width * random()), agent))
        return n

    def _replace_jittered(self, n: int) -> int:
        heap, random = self.heap, self._random
        low, width = INTERVAL_S * (1.0 - RATIO), INTERVAL_S * 2.0 * RATIO
        for _ in repeat(None, n):
            time, agent = heap[0]
            heapreplace(heap, (time + (low + width * random()), agent))
        return n


class OrderedHeapqLoop:
    """A loop that does what the core's does: nothing but `heapq`, yet nothing left out.

    Events leave in the order (time, priority, sequence), each agent has an interval and a jitter of
    its own, a handler gets every event, and the loop ends at a time or after so many events.
    """

    def __init__(
        self, n_agent: int, jitter: str, seed: int, handler: Callable[[float, int], object]
    ) -> None:
        times = first_ticks(n_agent, jitter)
        self.heap = [(time, 0, agent, agent) for agent, time in enumerate(times)]
        heapify(self.heap)
        self._n_scheduled = n_agent
        self._timings = [(INTERVAL_S, RATIO if jitter == "uniform" else 0.0)] * n_agent
        self._random = Random(seed).random
        self._handler = handler

    def run(self, t_end: float, max_events: int) -> int:
        """Handle events up to and including `t_end`; return how many."""
        heap, timings, random, handler = self.heap, self._timings, self._random, self._handler
        sequence, n_event = self._n_scheduled, 0
        while n_event < max_events and heap[0][0] <= t_end:
            time, priority, _, agent = heappop(heap)
            n_event += 1
            handler(time, agent)
            interval, ratio = timings[agent]
            if ratio:
                interval *= 1.0 + ratio * (2.0 * random() - 1.0)
            heappush(heap, (time + interval, priority, sequence, agent))
            sequence += 1
        self._n_scheduled = sequence
        return n_event


class SimPyLoop:
    """One SimPy process an agent, which waits for its next tick for ever."""

    def __init__(self, n_agent: int, jitter: str, seed: int) -> None:
        import simpy  # only in the extra `bench`

        self.env = simpy.Environment()
        random = Random(seed).random
        make = self._jittered if jitter == "uniform" else self._in_step
        for first in first_ticks(n_agent, jitter):
            self.env.process(make(self.env, first, random))
        for _ in range(n_agent):  # the processes' own start, which is not a tick
            self.env.step()

    @staticmethod
    def _in_step(env: Any, first: float, _: Callable[[], float]) -> Generator[Any, None, None]:
        yield env.timeout(first)
        while True:
            yield env.timeout(INTERVAL_S)

    @staticmethod
    def _jittered(
        env: Any, first: float, random: Callable[[], float]
    ) -> Generator[Any, None, None]:
        low, width = INTERVAL_S * (1.0 - RATIO), INTERVAL_S * 2.0 * RATIO
        yield env.timeout(first)
        while True:
            yield env.timeout(low + width * random())

    def run(self, n: int) -> int:
        """Handle n events and return n."""
        step = self.env.step  # what `Environment.run` calls in its loop
        for _ in repeat(None, n):
            step()
        return n


class PeerEvent:
    """What a handler of `HeapqScheduler` gets; the fields of `heron.scheduling.Event`."""

    __slots__ = ("_payload", "agent_id", "event_type", "priority", "sequence", "timestamp")

    def __init__(
        self,
        timestamp: float,
        priority: int = 0,
        sequence: int = 0,
        event_type: EventType = EventType.AGENT_TICK,
        agent_id: str | None = None,
        payload: Any = None,
    ) -> None:
        self.timestamp = timestamp
        self.priority = priority
        self.sequence = sequence
        self.event_type = event_type
        self.agent_id = agent_id
        self._payload = payload

    @property
    def payload(self) -> Any:
        """What the event carries; an empty dict is made only for those who ask."""
        if self._payload is None:
            self._payload = {}
        return self._payload


Handler = Callable[[PeerEvent, "HeapqScheduler"], object]


class HeapqScheduler:
    """The semantics of `heron.scheduling.EventScheduler` on `heapq`, with jitter drawn beforehand.

    Events leave in the order (timestamp, priority, sequence) and go to the handler of their type;
    those of unregistered agents are counted and skipped; after the handler of an agent's tick, even
    if it raised, the next one is armed. The heap holds tuples that end with what the event is, so
    that they are compared in C; a tick's event is made only when it is handled.
    """

    def __init__(self, start_time: float = 0.0) -> None:
        self.current_time = start_time
        self.processed_count = 0
        self._heap: list[tuple[float, int, int, PeerEvent | str]] = []
        self._n_scheduled = 0
        self._next_interval: dict[str, Callable[[], float]] = {}  # of the registered agents
        self._handlers: dict[EventType, Handler] = {}

    def register_agent(
        self, agent_id: str, intervals: Sequence[float], first_tick: float | None = None
    ) -> None:
        """Let an agent tick for ever at the given intervals [s], which repeat."""
        self._next_interval[agent_id] = cycle(intervals).__next__
        self._arm(agent_id, self.current_time if first_tick is None else first_tick)

    def unregister_agent(self, agent_id: str) -> None:
        """Take an agent out."""
        self._next_interval.pop(agent_id, None)

    def set_handler(self, event_type: EventType, handler: Handler) -> None:
        """Call `handler(event, scheduler)` for every event of a type."""
        self._handlers[event_type] = handler

    def schedule(self, event: PeerEvent) -> None:
        """Add an event and assign its sequence."""
        if not self.current_time <= event.timestamp < math.inf:
            raise InvalidArgumentError(f"time {event.timestamp} is past or not finite")
        event.sequence = self._n_scheduled
        self._n_scheduled += 1
        heappush(self._heap, (event.timestamp, event.priority, event.sequence, event))

    def _arm(self, agent_id: str, time: float) -> None:
        heappush(self._heap, (time, 0, self._n_scheduled, agent_id))
        self._n_scheduled += 1

    def run_until(self, t_end: float, max_events: int | None = None) -> int:
        """Handle events up to and including `t_end`; return how many, skipped ones included."""
        heap, handlers, next_interval = self._heap, self._handlers, self._next_interval
        tick = EventType.AGENT_TICK
        n_event = 0
        while n_event != max_events and heap and heap[0][0] <= t_end:
            time, priority, sequence, what = heappop(heap)
            self.current_time = time
            self.processed_count += 1
            n_event += 1
            if isinstance(what, str):
                if what not in next_interval:
                    continue
                handler = handlers.get(tick)
                try:
                    if handler is not None:
                        handler(PeerEvent(time, priority, sequence, tick, what), self)
                finally:
                    # `_arm` written out, for the handler may have taken the agent out.
                    interval = next_interval.get(what)
                    if interval is not None:
                        heappush(heap, (time + interval(), 0, self._n_scheduled, what))
                        self._n_scheduled += 1
            elif what.agent_id is None or what.agent_id in next_interval:
                handler = handlers.get(what.event_type)
                if handler is not None:
                    handler(what, self)
        return n_event


class DequeBroker:
    """A dict of deques: what remains of a broker without bounds, locks, counters or subscribers."""

    def __init__(self) -> None:
        self._queues: defaultdict[tuple[str, str, str], deque[Message]] = defaultdict(deque)

    def publish(self, channel: str, message: Message) -> None:
        """Leave a message for its recipient."""
        self._queues[channel, message.recipient_id, message.env_id].append(message)

    def consume(self, channel: str, recipient_id: str, env_id: str) -> list[Message]:
        """Take out what waits, oldest first."""
        queue = self._queues[channel, recipient_id, env_id]
        messages = list(queue)
        queue.clear()
        return messages
