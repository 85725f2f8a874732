"""The event loop with a Python handler, against the same program on a pure-Python scheduler."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from peers import HeapqScheduler, PeerEvent, first_ticks

from heron import _core
from heron.reference import event_scheduler as reference
from heron.scheduling import Event, EventScheduler, EventType, JitterType, Stream, TickConfig
from speed.measure import Case, Measurement, check_equal, take_turns, timed

__all__ = ["COMPILED", "PEER", "REFERENCE", "check_handlers", "measure_handlers"]

SEED = 2024
COMPILED = "EventScheduler, Python handler"
PEER = "the same program on heapq, jitter drawn beforehand"
REFERENCE = "heron.reference.event_scheduler"
JITTERS = ("none", "uniform")
N_EVENT = {COMPILED: 400_000, PEER: 100_000, REFERENCE: 5_000}
MOST_FOR_REFERENCE = 1_000  # agents; it looks their names up one by one


def check_handlers(n_agent: int = 20, n_event: int = 3_000) -> None:
    """Check that all schedulers call the handlers with the same events at the same times."""
    for jitter in JITTERS:
        expected = _events_of(reference.EventScheduler(seed=SEED), Event, n_agent, jitter, n_event)
        for what, scheduler, event in (
            (COMPILED, EventScheduler(seed=SEED), Event),
            (PEER, HeapqScheduler(), PeerEvent),
        ):
            got = _events_of(scheduler, event, n_agent, jitter, n_event)
            check_equal(got, expected, f"events of {what}, jitter {jitter}")


def measure_handlers(sizes: Sequence[int], share: float, n_turn: int) -> list[Measurement]:
    """Time an event with each number of agents, with and without jitter."""
    results = []
    for n_agent in sizes:
        for jitter in JITTERS:
            kinds: dict[str, Callable[[], Any]] = {
                COMPILED: partial(EventScheduler, seed=SEED),
                PEER: HeapqScheduler,
            }
            if n_agent <= MOST_FOR_REFERENCE:
                kinds[REFERENCE] = partial(reference.EventScheduler, seed=SEED)
            cases = []
            for what, make in kinds.items():
                scheduler = _fill(make(), n_agent, jitter)
                n = int(share * N_EVENT[what])
                key: dict[str, int | str] = {"n": n_agent, "jitter": jitter}
                cases.append(Case(what, key, timed(counting(scheduler)), n, 2 * n_agent))
            results += take_turns("event", cases, n_turn)
    return results


def counting(scheduler: Any) -> Callable[[int], int]:
    """Give the scheduler a handler that reads its event and counts; return what runs it."""
    n_tick = 0
    last: tuple[str, float] | None = None

    def on_tick(event: Any, scheduler: Any) -> None:
        nonlocal n_tick, last
        n_tick += 1
        last = event.agent_id, event.timestamp

    def run(n_event: int) -> int:
        nonlocal n_tick
        n_tick = 0
        check_equal(scheduler.run_until(math.inf, n_event), n_event, "events")
        assert last is not None
        check_equal(last[1], scheduler.current_time, "time of the last event")
        return n_tick

    scheduler.set_handler(EventType.AGENT_TICK, on_tick)
    return run


def _fill(scheduler: Any, n_agent: int, jitter: str) -> Any:
    names = [f"agent_{i}" for i in range(n_agent)]
    times = first_ticks(n_agent, jitter)
    config = TickConfig(jitter_type=JitterType(jitter))
    if isinstance(scheduler, HeapqScheduler):
        n_drawn = 1 if jitter == "none" else max(16, 200_000 // n_agent)
        drawn = drawn_intervals(config, n_agent, n_drawn)
        for name, intervals, time in zip(names, drawn, times, strict=True):
            scheduler.register_agent(name, intervals, time)
    else:
        for name, time in zip(names, times, strict=True):
            scheduler.register_agent(name, first_tick=time, tick_config=config)
    return scheduler


def drawn_intervals(config: TickConfig, n_agent: int, n_drawn: int) -> list[list[float]]:
    """Return the intervals [s] that the core draws for each agent: its first n_drawn ones."""
    scheduler = _core.TickScheduler(1, SEED)
    for _ in range(n_agent):
        scheduler.register_agent(config)
    lane, agent = np.zeros(n_agent, np.int32), np.arange(n_agent, dtype=np.int32)
    stream = Stream.TICK_INTERVAL.value
    rows = [scheduler.draw_batch(stream, lane, agent) for _ in range(n_drawn)]
    drawn: list[list[float]] = np.stack(rows, axis=1).tolist()
    return drawn


def _events_of(
    scheduler: Any, make_event: Any, n_agent: int, jitter: str, n_event: int
) -> list[tuple[Any, ...]]:
    """Run a program with all that the peer promises; return what the handlers saw."""
    seen: list[tuple[Any, ...]] = []

    def on_event(event: Any, scheduler: Any) -> None:
        kind, number = event.event_type, len(seen)
        seen.append((event.timestamp, event.priority, event.sequence, kind, event.agent_id))
        check_equal(event.timestamp, scheduler.current_time, "present time")
        if kind is EventType.AGENT_TICK and number % 7 == 0:
            for priority, agent_id in ((1, event.agent_id), (-1, None), (0, "nobody")):
                later = event.timestamp + 0.25 * (number % 3)
                kind = EventType.MESSAGE_DELIVERY
                scheduler.schedule(make_event(later, priority, 0, kind, agent_id, {"n": number}))
        if number == n_event // 2:
            scheduler.unregister_agent(event.agent_id or "agent_1")

    _fill(scheduler, n_agent, jitter)
    for kind in (EventType.AGENT_TICK, EventType.MESSAGE_DELIVERY):
        scheduler.set_handler(kind, on_event)
    n = scheduler.run_until(10.0)
    n += scheduler.run_until(math.inf, n_event)
    seen.append((n, scheduler.processed_count, scheduler.current_time))
    return seen
