"""Seeds of the environments that RLlib's workers hold."""

from __future__ import annotations

import numpy as np

__all__ = ["WorkerSeed"]


class WorkerSeed:
    """What becomes of the seeds that an RLlib worker gives its environment.

    RLlib gives neighbouring workers overlapping seeds, which would make them sample the same
    episodes: in a worker (1 and up) a seed is mixed with the worker's number. And at every call
    that samples whole episodes it gives the same seed again, which would make it sample the same
    episodes for ever: a seed counts once.

    Parameters
    ----------
    worker_index : int
        The worker's number; 0 is the process that trains.

    Examples
    --------
    >>> first, second = WorkerSeed(0), WorkerSeed(1)
    >>> first(7), first(7), first(8)
    (7, None, 8)
    >>> second(7) in (None, 7)
    False
    """

    def __init__(self, worker_index: int) -> None:
        self.worker_index = worker_index
        self._last: int | None = None

    def __call__(self, seed: int | None) -> int | None:
        """Return the seed to use; None leaves the environment's generator where it stands."""
        if seed is None or seed == self._last:
            return None
        self._last = seed
        return self.of_worker(seed)

    def of_worker(self, seed: int) -> int:
        """Return the seed that a seed becomes in this worker."""
        if not self.worker_index:
            return seed
        return int(np.random.SeedSequence([seed, self.worker_index]).generate_state(1)[0])
