"""Index lists that say which row goes where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pairs", "pairs", "runs"]


@dataclass(frozen=True)
class Pairs:
    """Rows of one array and where they go in another, int32."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]


def pairs(of: Sequence[tuple[int, int]]) -> Pairs:
    """Return (source, target) pairs as two lists."""
    source, target = np.array(of, dtype=np.int32).reshape(-1, 2).T
    return Pairs(np.ascontiguousarray(source), np.ascontiguousarray(target))


def runs(numbers: Sequence[int], longest: int | None = None) -> list[tuple[int, int]]:
    """Return [begin, end) of the runs of consecutive numbers, none longer than `longest`."""
    found, begin = [], 0
    for k in range(1, len(numbers) + 1):
        if k == len(numbers) or numbers[k] != numbers[k - 1] + 1 or k - begin == longest:
            found.append((begin, k))
            begin = k
    return found
