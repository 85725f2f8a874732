"""Decisions that are on their way: flat actions by the number under which they travel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decisions"]

FIRST_CAPACITY = 1024  # a power of two


class Decisions:
    """A ring of flat actions; a number is good as long as somebody may still obey it.

    Parameters
    ----------
    n_entry : int
        Entries of a flat action.
    oldest : callable
        Returns the smallest number that is still on its way, or any that is larger if none is.

    Attributes
    ----------
    flat : ndarray, (capacity, n_entry)
        Where `row` says.
    """

    def __init__(self, n_entry: int, oldest: Callable[[], int]) -> None:
        self.flat = np.zeros((FIRST_CAPACITY, n_entry))
        self._oldest, self._next, self._known_oldest = oldest, 0, 0

    def __len__(self) -> int:
        """Return how many were ever added: the next number."""
        return self._next

    def add(self, actions: NDArray[np.floating]) -> NDArray[np.int64]:
        """Keep actions, (n, n_entry), and return the numbers that they get."""
        n = len(actions)
        if self._next + n - self._known_oldest > len(self.flat):
            self._known_oldest = min(self._oldest(), self._next)
            while self._next + n - self._known_oldest > len(self.flat):
                self._grow()
        numbers = np.arange(self._next, self._next + n, dtype=np.int64)
        start = self._next % len(self.flat)
        n_before = min(n, len(self.flat) - start)  # what comes before the ring's end
        self.flat[start : start + n_before] = actions[:n_before]
        self.flat[: n - n_before] = actions[n_before:]
        self._next += n
        return numbers

    def row(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of `flat` in which actions of these numbers are."""
        return numbers & (len(self.flat) - 1)

    def _grow(self) -> None:
        alive = np.arange(self._known_oldest, self._next, dtype=np.int64)
        old = self.flat[self.row(alive)]
        self.flat = np.zeros((2 * len(self.flat), self.flat.shape[1]))
        self.flat[self.row(alive)] = old
