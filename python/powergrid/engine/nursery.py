"""Where episodes begin: some lanes start anew while their neighbours go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from powergrid.engine.program import Program
from powergrid.kernels.lanes import put_lanes

if TYPE_CHECKING:
    from powergrid.engine.crew import Crew
    from powergrid.engine.engine import Engine
    from powergrid.engine.step_programs import StepPrograms

__all__ = ["Nursery"]

N_LANE = 64  # lanes that start together; more of them go in turns


class Nursery:
    """A small engine of the same environment, in which lanes start side by side.

    Kernels run over lanes that lie together, and lanes whose episodes end do not. They start here,
    and are then put in their places.

    Parameters
    ----------
    engine : Engine
        Whose lanes are to start; all its devices run by kernels.
    make : callable
        ``make(n_lane)`` returns an engine of the same environment.
    """

    def __init__(self, engine: Engine, make: Callable[[int], Engine]) -> None:
        self._engine = engine
        self._small = make(min(engine.n_lane, N_LANE))
        self._small.network.flow.share_solvers(engine.network.flow)  # one starts, or steps
        if not engine.programs.is_native:
            self._small.run_by_stages()
        self._at = np.zeros(self._small.n_lane, np.intp)  # where each of its lanes goes
        self._fetching = Program([self._fetch], is_native=engine.programs.is_native)
        self._moving = self._make_program()

    def _fetch(self, first: int, last: int) -> None:
        """Take over the parameters that lanes are to start with."""
        self._small.parameters.copy_staged(self._engine.parameters, self._at, first, last)

    def _make_program(self) -> tuple[StepPrograms, Program]:
        """Return what moves lanes, and the programs of the arrays they go to."""
        programs = self._engine.programs
        return programs, Program([self._move], is_native=programs.is_native)

    def _move(self, first: int, last: int) -> None:
        """Put lanes of the small engine in their places; neither engine has Python hooks."""
        small, engine, at = self._small, self._engine, self._at
        for rows, theirs in zip(engine.played_rows, small.played_rows, strict=True):
            put_lanes(rows, at, theirs, first, last)
        # without hooks, the same rows in both
        put_lanes(engine.books.part, at, small.books.part, first, last)

    def start(
        self,
        lanes: Sequence[int],
        days: Sequence[int],
        noise_seeds: Sequence[int | None],
        disturbance_seeds: Sequence[int | None],
        crew: Crew,
    ) -> list[int]:
        """Begin an episode in each of the lanes; return those whose power flow found no solution.

        Parameters
        ----------
        days, noise_seeds, disturbance_seeds : sequence
            As for `Engine.start`.
        crew : Crew
            May be at work on the lanes until they are put in their places.
        """
        failed: list[int] = []
        small = self._small
        for begin in range(0, len(lanes), small.n_lane):
            part = slice(begin, min(begin + small.n_lane, len(lanes)))
            here = lanes[part]
            n = len(here)
            self._at[:n] = here
            if not self._engine.parameters.is_plain:
                small.parameters.is_plain = False
                self._fetching.run(0, n)
            small.start(0, n, days[part], noise_seeds[part], crew, disturbance_seeds[part])
            failed += [here[k] for k in np.flatnonzero(small.status[:n]).tolist()]
            if self._moving[0] is not self._engine.programs:  # its arrays are others by now
                self._moving = self._make_program()
            crew.run(self._moving[1], 0, n)
            if self._engine.disturbances is not None:
                self._engine.disturbances.find(self._at[:n])
        return failed
