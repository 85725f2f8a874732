"""The loop of periodic agents: the core's, and those of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from peers import HeapqLoop, OrderedHeapqLoop, SimPyLoop, first_ticks

from heron import _core
from heron.reference import tick_scheduler as reference
from heron.scheduling import JitterType, TickConfig
from speed.measure import Case, Measurement, check_equal, take_turns, timed
from speed.native import NativeProgram, trace

__all__ = [
    "BARE_HEAPQ",
    "NATIVE",
    "ORDERED_HEAPQ",
    "QUEUE_ALONE",
    "REFERENCE",
    "SIMPY",
    "check_loops",
    "has_simpy",
    "measure_growth",
    "measure_loops",
]

SEED = 2024  # as in event_loop.cpp
JITTERS = ("none", "uniform")

NATIVE = "TickScheduler, handler in C++"
FROM_PYTHON = "TickScheduler.run_until from Python, no handler"
QUEUE_ALONE = "EventQueue alone: pop and push"
BARE_HEAPQ = "bare heapq loop"
HEAPREPLACE = "bare heapq loop with heapreplace"
ORDERED_HEAPQ = "heapq loop with order, timings and handler"
SIMPY = "SimPy"
REFERENCE = "heron.reference.tick_scheduler"

# Events in a turn, for about a quarter of a second.
N_EVENT = {
    NATIVE: 2_000_000,
    FROM_PYTHON: 2_000_000,
    QUEUE_ALONE: 4_000_000,
    BARE_HEAPQ: 200_000,
    HEAPREPLACE: 200_000,
    ORDERED_HEAPQ: 200_000,
    SIMPY: 100_000,
    REFERENCE: 10_000,
}


def has_simpy() -> bool:
    """Tell whether SimPy is installed."""
    try:
        import simpy  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def check_loops(program: Path, n_agent: int = 50, n_event: int = 2_000) -> None:
    """Check that all loops handle the same events in the same order.

    Those with the core's generator must equal the reference, those with `random` each other; and
    without jitter, all.
    """
    for jitter in JITTERS:
        expected = _trace_scheduler(
            _fill(reference.TickScheduler(1, SEED), n_agent, jitter), n_event
        )
        got = _trace_scheduler(_fill(_core.TickScheduler(1, SEED), n_agent, jitter), n_event)
        check_equal(got, expected, f"events of {FROM_PYTHON}, jitter {jitter}")
        got = trace(program, n_agent, jitter, n_event)
        check_equal(got, expected, f"events of {NATIVE}, jitter {jitter}")
        bare = _trace_heapq(HeapqLoop(n_agent, jitter, SEED), n_event)
        if jitter == "none":
            check_equal(bare, expected, f"events of the {BARE_HEAPQ}")
        else:
            got = _trace_heapq(HeapqLoop(n_agent, jitter, SEED, replace=True), n_event)
            check_equal(got, bare, f"events of the {HEAPREPLACE}")
        _check_ordered(jitter, bare, n_agent)
        if has_simpy():
            times = _trace_simpy(SimPyLoop(n_agent, jitter, SEED), n_event)
            check_equal(times, [time for time, _ in bare], f"times of {SIMPY}, jitter {jitter}")


def _check_ordered(jitter: str, bare: list[tuple[float, int]], n_agent: int) -> None:
    got: list[tuple[float, int]] = []
    loop = OrderedHeapqLoop(n_agent, jitter, SEED, lambda time, agent: got.append((time, agent)))
    t_end = bare[len(bare) // 2][0]
    n_event = loop.run(t_end, len(bare))
    check_equal(n_event, sum(time <= t_end for time, _ in bare), f"events up to {t_end}")
    loop.run(math.inf, len(bare) - n_event)
    check_equal([agent for _, agent in got], [agent for _, agent in bare], "agents in order")
    # The jitter is the same, but rounded in another order.
    is_close = all(abs(a - b) < 1e-9 for (a, _), (b, _) in zip(got, bare, strict=True))
    check_equal(is_close, True, f"times of the {ORDERED_HEAPQ} are right")


def measure_loops(
    program: Path, sizes: Sequence[int], share: float, n_turn: int
) -> list[Measurement]:
    """Time every loop with each number of agents, with and without jitter."""
    results = []
    for n_agent in sizes:
        for jitter in JITTERS:
            kinds = list(N_EVENT)
            if jitter == "none":
                kinds.remove(HEAPREPLACE)
            if not has_simpy():
                kinds.remove(SIMPY)
            results += _measure(program, kinds, n_agent, jitter, share, n_turn)
    return results


def measure_growth(
    program: Path, sizes: Sequence[int], share: float, n_turn: int
) -> list[Measurement]:
    """Time how the cost of an event grows with the number of pending ones."""
    results = []
    for n_pending in sizes:
        results += _measure(program, [NATIVE], n_pending, "none", share, n_turn)
        kinds = [NATIVE, QUEUE_ALONE, BARE_HEAPQ]
        results += _measure(program, kinds, n_pending, "uniform", share, n_turn)
    return results


def _measure(
    program: Path, kinds: Sequence[str], n_agent: int, jitter: str, share: float, n_turn: int
) -> list[Measurement]:
    with ExitStack() as programs:

        def case(what: str) -> Case:
            if what in (NATIVE, QUEUE_ALONE):
                name = "loop" if what == NATIVE else "queue"
                native = NativeProgram(program, name, n_agent, jitter)
                run: Callable[[int], float] = programs.enter_context(native).run
            else:
                run = timed(_work(what, n_agent, jitter))
            key: dict[str, int | str] = {"n": n_agent, "jitter": jitter}
            # Two ticks of every agent bring order and memory into the state in which they stay.
            return Case(what, key, run, int(share * N_EVENT[what]), 2 * n_agent)

        return take_turns("event", [case(what) for what in kinds], n_turn)


def _work(what: str, n_agent: int, jitter: str) -> Any:
    if what == SIMPY:
        return SimPyLoop(n_agent, jitter, SEED).run
    if what in (BARE_HEAPQ, HEAPREPLACE):
        return HeapqLoop(n_agent, jitter, SEED, replace=what == HEAPREPLACE).run
    if what == ORDERED_HEAPQ:
        return _counted(n_agent, jitter)
    make = _core.TickScheduler if what == FROM_PYTHON else reference.TickScheduler
    scheduler = _fill(make(1, SEED), n_agent, jitter)
    return lambda n: scheduler.run_until(0, math.inf, n)


def _counted(n_agent: int, jitter: str) -> Any:
    n_handled = 0

    def on_tick(time: float, agent: int) -> None:
        nonlocal n_handled
        n_handled += 1

    def work(n_event: int) -> int:
        nonlocal n_handled
        n_handled = 0
        loop.run(math.inf, n_event)
        return n_handled

    loop = OrderedHeapqLoop(n_agent, jitter, SEED, on_tick)
    return work


def _fill(scheduler: Any, n_agent: int, jitter: str) -> Any:
    config = TickConfig(jitter_type=JitterType(jitter))
    for first in first_ticks(n_agent, jitter):
        scheduler.register_agent(config, first)
    return scheduler


def _trace_scheduler(scheduler: Any, n_event: int) -> list[tuple[float, int]]:
    events = []
    for _ in range(n_event):
        event = scheduler.next(0)
        scheduler.finish(event)
        events.append((event[0], event[6]))
    return events


def _trace_heapq(loop: HeapqLoop, n_event: int) -> list[tuple[float, int]]:
    events = []
    for _ in range(n_event):
        events.append(loop.heap[0])
        loop.run(1)
    return events


def _trace_simpy(loop: SimPyLoop, n_event: int) -> list[float]:
    times = []
    for _ in range(n_event):
        times.append(loop.env.peek())
        loop.run(1)
    return times
