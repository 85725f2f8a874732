"""Threads that share the lanes of a program."""

from __future__ import annotations

from powergrid import _core
from powergrid.engine.program import NativePart, Program

__all__ = ["Crew"]

# Lanes that go through the stages together: whole cache lines, so many that calls cost little and
# regulators that move fill vectors, so few that threads end at about the same time.
LEAST, MOST = 8, 256
TURNS = 8  # blocks of a thread, as far as lanes go, if there are several threads


class Crew:
    """Threads that run the native parts of programs, a block of lanes at a time.

    Whoever has done its share helps the others with theirs, so that nobody waits long. What a lane
    gets does not depend on who does it.

    Parameters
    ----------
    n_thread : int
        With the caller's.
    """

    def __init__(self, n_thread: int) -> None:
        self.n_thread = n_thread
        self._core = _core.StageCrew(n_thread)
        self._at_work: tuple[NativePart, int, int] | None = None

    def run(self, program: Program, first: int, last: int) -> int:
        """Run a program on lanes `first` to `last`; return the solves, as `LaneFlow.settle`."""
        return self.begin(program, first, last) + self.finish()

    def begin(self, program: Program, first: int, last: int) -> int:
        """Do all but the last part, and let the others begin with that if it is native.

        Waits for the program before. Whatever the caller does meanwhile must not touch what this
        one does. Return this program's solves so far.
        """
        self.finish()
        n_solve = 0
        for part in program.parts:
            n_solve += self.finish()
            if isinstance(part, NativePart):
                solvers = [part.solver(worker) for worker in range(self.n_thread)]
                self._core.begin(part.program, first, last, self._block(last - first), solvers)
                self._at_work = part, first, last
            else:
                n_solve += part(first, last, 0)
        return n_solve

    def finish(self) -> int:
        """Join the others until all lanes are done; return the solves since `begin`."""
        if self._at_work is None:
            return 0
        (part, first, last), self._at_work = self._at_work, None
        return part.checked(self._core.finish(), first, last)

    def _block(self, n_lane: int) -> int:
        """Return how many lanes are to go through the stages together."""
        share = n_lane // (TURNS * self.n_thread) if self.n_thread > 1 else n_lane
        return min(max(share - share % LEAST, LEAST), MOST)
