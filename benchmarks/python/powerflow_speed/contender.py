"""What is timed: one way to solve one network again and again, each time with other loads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from speed.measure import Case, WrongAnswerError

from powerflow_speed.problems import Problem

__all__ = ["Contender", "check", "to_case"]


@dataclass(frozen=True)
class Contender:
    """One way to solve.

    Attributes
    ----------
    what
        Who solves and how, in words.
    problem
        What is solved.
    solve
        Writes the loads of a block of `n_lane` scenarios and solves them all.
    voltages
        Returns the bus voltages of a lane of the last block [p.u.], (n_bus,), complex.
    n_lane
        Scenarios a block.
    start
        "warm" (from the last solution) or "cold".
    n_thread
        Threads that solve.
    bound_pu
        How near to pandapower's voltages it must be [p.u.].
    iterations
        Returns the mean number of iterations of the last block; None where nobody tells.
    converged
        Tells whether every lane of the last block has a solution, where `solve` does not raise.
    """

    what: str
    problem: Problem
    solve: Callable[[int], None]
    voltages: Callable[[int], NDArray[np.complex128]]
    n_lane: int = 1
    start: str = "warm"
    n_thread: int = 1
    bound_pu: float = 1e-6
    iterations: Callable[[], float | None] = lambda: None
    converged: Callable[[], bool] = lambda: True

    def key(self) -> dict[str, int | str]:
        """Return what tells it from others of the same name."""
        return {
            "network": self.problem.name,
            "lanes": self.n_lane,
            "start": self.start,
            "threads": self.n_thread,
        }


def check(contender: Contender) -> float:
    """Return the largest difference of a voltage from pandapower's [p.u.].

    Raises
    ------
    WrongAnswerError
        If it is beyond the contender's bound.
    """
    problem, n_lane = contender.problem, contender.n_lane
    worst = 0.0
    for block in (0, 1):
        contender.solve(block)
        for lane in sorted({0, n_lane // 2, n_lane - 1}):
            expected = problem.reference(problem.scenario(block, lane, n_lane))
            wrong = np.abs(contender.voltages(lane) - expected).max()
            if not wrong <= contender.bound_pu:
                raise WrongAnswerError(
                    f"{contender.what}, {problem.name}, lane {lane} of {n_lane}: voltages differ "
                    f"from pandapower's by {wrong:.1e} p.u., expected {contender.bound_pu:.0e}"
                )
            worst = max(worst, float(wrong))
    return worst


def to_case(contender: Contender, seconds: float, *, on_wall: bool = False) -> Case:
    """Make a case whose turn takes about so many seconds."""
    blocks = count()
    # Processor time, so that what else the machine does counts less; of threads it is a sum.
    clock = time.perf_counter_ns if on_wall else time.process_time_ns

    def run(n: int) -> float:
        n_block = n // contender.n_lane
        solve = contender.solve
        began = clock()
        for _ in range(n_block):
            solve(next(blocks))
        seconds = (clock() - began) * 1e-9
        if not contender.converged():
            raise WrongAnswerError(f"{contender.what}, {contender.problem.name}: no solution")
        return seconds

    n_lane = contender.n_lane
    run(n_lane)
    once = run(n_lane)
    if once < 0.01:
        once = run(20 * n_lane) / 20
    n_block = max(1, round(seconds / once))
    return Case(contender.what, contender.key(), run, n_block * n_lane)
