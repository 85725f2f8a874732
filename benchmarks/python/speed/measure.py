"""Timing in turns: whoever is compared runs in the same minute, on the same core."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Case", "Measurement", "WrongAnswerError", "check_equal", "pin", "take_turns", "timed"]


class WrongAnswerError(AssertionError):
    """What was to be timed does something else than it should."""


@dataclass(frozen=True)
class Case:
    """One thing to be timed.

    Attributes
    ----------
    what
        What it is, in words.
    key
        What tells it from others of its kind, such as ``{"n": 1000, "jitter": "uniform"}``.
    run
        Does a number of units of work and returns the processor time it took [s].
    n
        Units of work in a turn.
    n_warm_up
        Units of work before the first turn, if more than one turn.
    """

    what: str
    key: dict[str, int | str]
    run: Callable[[int], float]
    n: int
    n_warm_up: int = 0


@dataclass(frozen=True)
class Measurement:
    """How long a unit of work of one case took, turn by turn."""

    what: str
    key: dict[str, int | str]
    unit: str
    n: int  # units of work in a turn
    turns_ns: list[float] = field(default_factory=list)  # a unit [ns]

    @property
    def ns(self) -> float:
        """Median time of a unit of work [ns]."""
        return statistics.median(self.turns_ns)


def take_turns(unit: str, cases: Iterable[Case], n_turn: int) -> list[Measurement]:
    """Time all cases in turns, after a warm-up of each."""
    cases = list(cases)
    results = [Measurement(case.what, case.key, unit, case.n) for case in cases]
    for case in cases:
        case.run(max(case.n, case.n_warm_up))
    for _ in range(n_turn):
        for case, result in zip(cases, results, strict=True):
            result.turns_ns.append(case.run(case.n) / case.n * 1e9)
    return results


def timed(work: Callable[[int], int]) -> Callable[[int], float]:
    """Make `Case.run` of a function that does n units of work and returns how many it did."""

    def run(n: int) -> float:
        # Processor time, so that what else the machine does counts less.
        began = time.process_time_ns()
        n_done = work(n)
        seconds = (time.process_time_ns() - began) * 1e-9
        check_equal(n_done, n, "units of work done")
        return seconds

    return run


def check_equal(got: object, expected: object, what: str) -> None:
    """Refuse to go on with a wrong answer."""
    if got == expected:
        return
    if isinstance(got, Sequence) and isinstance(expected, Sequence):
        pairs = enumerate(zip(got, expected, strict=False))
        first = next((i for i, (a, b) in pairs if a != b), min(len(got), len(expected)))
        got, expected = got[first : first + 3], expected[first : first + 3]
        what = f"{what}, from number {first} on"
    raise WrongAnswerError(f"{what}: got {got!r}, expected {expected!r}")


def pin() -> None:
    """Keep this process, and those it starts, on one core, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
