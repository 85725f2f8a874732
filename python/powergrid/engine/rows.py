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


def runs(chosen: NDArray[np.uint8]) -> list[slice]:
    """Return the runs of rows where `chosen` is not 0."""
    ends = np.flatnonzero(np.diff(chosen != 0, prepend=False, append=False)).reshape(-1, 2)
    return [slice(first, last) for first, last in ends.tolist()]
