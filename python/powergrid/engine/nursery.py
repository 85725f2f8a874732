"""Where episodes begin: some lanes start anew while their neighbours go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from powergrid.engine.lane_state import transplant

if TYPE_CHECKING:
    from powergrid.engine.engine import Engine

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

    def start(
        self,
        lanes: Sequence[int],
        days: Sequence[int],
        noise_seeds: Sequence[int | None],
        disturbance_seeds: Sequence[int | None],
    ) -> list[int]:
        """Begin an episode in each of the lanes; return those whose power flow found no solution.

        Parameters
        ----------
        days, noise_seeds, disturbance_seeds : sequence
            As for `Engine.start`.
        """
        failed: list[int] = []
        small = self._small
        for begin in range(0, len(lanes), small.n_lane):
            part = slice(begin, min(begin + small.n_lane, len(lanes)))
            here = lanes[part]
            n = len(here)
            small.parameters.copy_staged(self._engine.parameters, here)
            small.start(
                0, n, days[part], noise_seeds[part], disturbance_seeds=disturbance_seeds[part]
            )
            status = small.status[:n].tolist()
            failed += [lane for lane, of_lane in zip(here, status, strict=True) if of_lane != 0]
            transplant(small, self._engine, here)
        return failed
