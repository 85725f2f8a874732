"""What is timed: one way to step environments."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from speed.measure import Case

__all__ = ["Subject", "to_case"]


@dataclass(frozen=True)
class Subject:
    """One way to step environments.

    Attributes
    ----------
    what
        What steps, in words.
    play
        ``play(n)`` lives through n steps of one environment (of all lanes together), with the
        resets that come in between, and returns the nanoseconds that do not count.
    unit
        `play` takes multiples of it: a whole episode of every lane.
    n_agent, n_lane, n_thread
        Agents of an environment, environments, and threads that share them.
    error
        How far its answers were from those it was checked against, as a multiple of what is
        allowed; 0 if they had to be the same to the last bit. None: it has no twin.
    """

    what: str
    play: Callable[[int], int]
    unit: int
    n_agent: int
    n_lane: int = 1
    n_thread: int = 1
    error: float | None = None

    def key(self) -> dict[str, int | str]:
        """Return what tells it from others of the same name."""
        return {"lanes": self.n_lane, "threads": self.n_thread, "agents": self.n_agent}


def to_case(subject: Subject, seconds: float, *, on_wall: bool = False) -> Case:
    """Make a case whose turn takes about so many seconds, and at least one episode."""
    # Processor time, so that what else the machine does counts less; of threads it is a sum.
    clock = time.perf_counter_ns if on_wall else time.process_time_ns

    def run(n: int) -> float:
        began = clock()
        left_out = subject.play(n)
        return (clock() - began - left_out) * 1e-9

    once = run(subject.unit)
    if once < seconds:  # the first time pays for what is made at first use
        once = run(subject.unit)
    n_unit = max(1, round(seconds / once))
    return Case(subject.what, subject.key(), run, n_unit * subject.unit)
