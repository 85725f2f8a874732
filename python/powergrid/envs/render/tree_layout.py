"""Coordinates for a network that has none: a tree from its sources, left to right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["tree_layout"]


def tree_layout(
    n_bus: int, pairs: Sequence[tuple[int, int]], sources: Sequence[int]
) -> NDArray[np.float64]:
    """Place buses by their distance from a source, and branches of the tree in lanes.

    Parameters
    ----------
    n_bus : int
    pairs : sequence of (row, row)
        Branches.
    sources : sequence of int
        Roots, drawn at the left; parts of the network without one start from their first bus.

    Returns
    -------
    ndarray, (n_bus, 2), float64
        x is the number of branches from the root, y falls by one for each further leaf.
    """
    neighbours: list[list[int]] = [[] for _ in range(n_bus)]
    for a, b in pairs:
        neighbours[a].append(b)
        neighbours[b].append(a)
    xy = np.full((n_bus, 2), np.nan)
    lane = 0
    for root in [*sources, *range(n_bus)]:
        if not np.isnan(xy[root, 0]):
            continue
        # Depth first: a branch keeps its parent's lane, every further one opens a new lane.
        xy[root] = (0.0, -lane)
        stack = [root]
        is_new_lane = False
        while stack:
            bus = stack[-1]
            free = [n for n in neighbours[bus] if np.isnan(xy[n, 0])]
            if not free:
                stack.pop()
                is_new_lane = True
                continue
            lane += is_new_lane
            is_new_lane = False
            xy[free[0]] = (xy[bus, 0] + 1.0, -lane)
            stack.append(free[0])
        lane += 1
    return xy
