"""How branches run on a drawing."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

__all__ = ["along", "moved_apart", "route"]

Array = NDArray[np.float64]


def moved_apart(xy: Array, pairs: list[tuple[int, int]]) -> Array:
    """Move apart buses that lie on one point, such as the two sides of a regulator.

    A bus that leads nowhere else steps back, against the longest branch that leaves the point;
    otherwise the bus at the near end of that branch moves half-way along it.

    Parameters
    ----------
    xy : ndarray, (n_bus, 2)
    pairs : list of (row, row)
        Ends of the branches.
    """
    xy = xy.copy()
    for row in range(len(xy)):
        while True:
            here = np.flatnonzero((xy == xy[row]).all(axis=1)).tolist()
            ways = [
                (float(np.hypot(*(xy[far] - xy[near]))), near, far)
                for a, b in pairs
                for near, far in ((a, b), (b, a))
                if near in here and far not in here
            ]
            if len(here) == 1 or not ways:
                break
            _, near, far = max(ways, key=lambda way: way[0])
            step = (xy[far] - xy[near]) / 2.0
            dead_ends = sorted(set(here) - {way[1] for way in ways})
            if dead_ends:
                xy[dead_ends[0]] -= step
            else:
                xy[near] += step
    return xy


def _bent(straight: Array, ends: tuple[int, int], xy: Array) -> Array:
    """Bend a branch aside if it would run through the point of a third bus."""
    start, end = straight
    way = end - start
    length = float(np.hypot(*way))
    others = np.delete(xy, list(ends), axis=0)
    if length == 0.0 or not len(others):
        return straight
    along = (others - start) @ way / length**2
    aside = np.abs((others - start) @ np.array([-way[1], way[0]])) / length
    if not ((along > 0.0) & (along < 1.0) & (aside < 0.01 * length)).any():
        return straight
    middle = (start + end) / 2.0 + 0.12 * np.array([-way[1], way[0]])
    return np.stack([start, middle, end])


def along(path: Array, share: float) -> Array:
    """Return the point at a share of the length of a polyline, (2,)."""
    lengths = np.hypot(*np.diff(path, axis=0).T)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    at = share * reached[-1]
    return np.array([np.interp(at, reached, path[:, 0]), np.interp(at, reached, path[:, 1])])


def route(geo: object, ends: tuple[int, int], xy: Array) -> Array:
    """Return the drawn way of a branch: its own GeoJSON coordinates if it has any."""
    straight = xy[list(ends)]
    if not isinstance(geo, str):
        return _bent(straight, ends, xy)
    points = np.array([point[:2] for point in json.loads(geo)["coordinates"]], dtype=np.float64)
    return np.concatenate([straight[:1], points[1:-1], straight[1:]])
