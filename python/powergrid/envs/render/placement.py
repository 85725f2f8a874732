"""Where labels go so that they hide neither the network nor each other.

All lengths are in units of the drawing, y upwards. Labels are placed one after another; each takes
the cheapest of its candidate places, by distance, by how much of the network it covers, and by
overlap with what is placed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Candidates", "Canvas", "around", "callouts", "sample"]

Array = NDArray[np.float64]
Size = tuple[float, float]  # width, height

SAMPLE = 4.0  # branches count as points this far apart
COVER_COST = 3.0  # of a point under a label, in units of distance
CROSSING_COST = 20.0  # of a point of a leader inside another box
OVERLAP_COST = 1000.0  # of overlap with another label; never worth it if there is free room
TOLERATED_COVER = 1  # points of the network that an optional label may hide


@dataclass(frozen=True)
class Candidates:
    """Places that a box beside a point may take."""

    size: Size
    offsets: Array  # centre of the box from the point, (n, 2)
    costs: Array  # (n,)


def around(size: Size, gaps: Sequence[float], directions: Sequence[float]) -> Candidates:
    """Return places of a box that touches a square around the point with its side or corner.

    Parameters
    ----------
    size : (width, height)
    gaps : sequence of float
        Half the sides of the squares; they are the cost.
    directions : sequence of float
        Angles [degree], the preferred first: each later one costs a little more.
    """
    unit = _unit(directions)
    unit /= np.abs(unit).max(axis=1, keepdims=True)
    half = np.array(size) / 2.0
    # Along an axis the side faces the point, elsewhere the corner.
    facing = np.where(np.abs(unit) > 0.3, np.sign(unit), unit)
    offsets = np.concatenate([gap * unit + half * facing for gap in gaps])
    return Candidates(size, offsets, _costs(gaps, len(directions)))


def callouts(
    symbol: float, text: Size, gaps: Sequence[float], directions: Sequence[float]
) -> tuple[Candidates, float]:
    """Return places of a square symbol near the point with a text on its right or left.

    The first half of the places has the text on the right, the second half on the left.

    Parameters
    ----------
    symbol : float
        Side of the symbol, which stays `gaps` away from the point in one of the `directions`.
    text : (width, height)

    Returns
    -------
    candidates : Candidates
    shift : float
        Distance between the centre of the box and the centre of the symbol in it, along x.
    """
    space = 3.0
    size = (symbol + space + text[0], max(symbol, text[1]))
    shift = (size[0] - symbol) / 2.0
    unit = _unit(directions)
    symbols = np.concatenate([(gap + symbol / 2.0) * unit for gap in gaps])
    costs = _costs(gaps, len(directions))
    aside = np.array([shift, 0.0])
    offsets = np.concatenate([symbols + aside, symbols - aside])
    return Candidates(size, offsets, np.concatenate([costs, costs + 0.05])), shift


def sample(path: Array) -> Array:
    """Return points along a polyline, (n, 2), about `SAMPLE` apart."""
    pieces = []
    for start, end in pairwise(path):
        n = max(int(np.hypot(*(end - start)) / SAMPLE), 1) + 1
        pieces.append(start + np.linspace(0.0, 1.0, n)[:, None] * (end - start))
    return np.concatenate(pieces) if pieces else np.zeros((0, 2))


@dataclass
class Canvas:
    """What is taken on a drawing of `width` x `height`."""

    width: float
    height: float
    boxes: Array = field(default_factory=lambda: np.zeros((0, 4)))  # x0, y0, x1, y1, (n, 4)
    points: Array = field(default_factory=lambda: np.zeros((0, 2)))  # of branches, (n, 2)

    def block_points(self, points: Array) -> None:
        """Mark points that labels had better not cover."""
        self.points = np.concatenate([self.points, points])

    def block_box(self, centre: Array, size: Size) -> None:
        """Mark a box that labels must not overlap."""
        half = np.array(size) / 2.0
        box = np.concatenate([centre - half, centre + half])
        self.boxes = np.concatenate([self.boxes, box[None]])

    def place(
        self, anchor: Array, candidates: Candidates, *, has_leader: bool = False
    ) -> tuple[Array, int]:
        """Take the best place for a box beside a point, even where that hides something.

        Parameters
        ----------
        anchor : ndarray, (2,)
        candidates : Candidates
        has_leader : bool
            A line will join anchor and box, which had better not run across other boxes.

        Returns
        -------
        centre : ndarray, (2,)
            Of the box, which is taken from now on.
        index : int
            Which candidate it is.
        """
        best, _ = self._best(anchor, candidates, has_leader)
        centre: Array = anchor + candidates.offsets[best]
        self.block_box(centre, candidates.size)
        if has_leader:
            self.block_points(sample(np.stack([anchor, centre])))
        return centre, best

    def place_if_free(self, anchor: Array, candidates: Candidates) -> Array | None:
        """Take the best place for a box if it hides nothing there; else return None."""
        best, hides = self._best(anchor, candidates, has_leader=False)
        if hides:
            return None
        centre: Array = anchor + candidates.offsets[best]
        self.block_box(centre, candidates.size)
        return centre

    def _best(self, anchor: Array, candidates: Candidates, has_leader: bool) -> tuple[int, bool]:
        centres = anchor + candidates.offsets
        half = np.array(candidates.size) / 2.0
        low, high = centres - half, centres + half
        beyond = np.concatenate([low < 0.0, high > [self.width, self.height]], axis=1)
        outside = np.asarray(beyond.any(axis=1))
        overlap = _overlaps(low, high, self.boxes)
        covered = _n_inside(self.points, low, high)
        total = candidates.costs + COVER_COST * covered + OVERLAP_COST * overlap
        total[outside] += 10.0 * OVERLAP_COST
        best = self._best_leader(anchor, centres, total) if has_leader else int(np.argmin(total))
        hides = outside[best] or overlap[best] > 0.0 or covered[best] > TOLERATED_COVER
        return best, bool(hides)

    def _best_leader(self, anchor: Array, centres: Array, costs: Array) -> int:
        """Return the cheapest place when the cost of its leader is added."""
        is_away = ((self.boxes[:, :2] > anchor) | (self.boxes[:, 2:] < anchor)).any(axis=1)
        others = self.boxes[np.flatnonzero(is_away)]
        best, cheapest = 0, np.inf
        for i in np.argsort(costs, kind="stable"):
            if costs[i] >= cheapest:  # a leader never makes a place cheaper
                break
            total = float(costs[i]) + _crossing_cost(anchor, centres[i], others)
            if total < cheapest:
                best, cheapest = int(i), total
        return best


def _unit(directions: Sequence[float]) -> Array:
    angles = np.deg2rad(np.asarray(directions, dtype=np.float64))
    return np.round(np.stack([np.cos(angles), np.sin(angles)], axis=1), 12)


def _costs(gaps: Sequence[float], n_direction: int) -> Array:
    taste = 0.15 * np.arange(n_direction)
    return np.concatenate([gap + taste for gap in gaps])


def _overlaps(low: Array, high: Array, boxes: Array) -> Array:
    """Return for each candidate 0 if it is free, else more for more overlap, (n,)."""
    if not len(boxes):
        return np.zeros(len(low))
    shared = np.minimum(high[:, None], boxes[:, 2:]) - np.maximum(low[:, None], boxes[:, :2])
    area = np.clip(shared, 0.0, None).prod(axis=2).sum(axis=1)
    shares: Array = area / (high - low).prod(axis=1)
    return np.where(shares > 0.0, 0.05 + shares, 0.0)


def _n_inside(points: Array, low: Array, high: Array) -> Array:
    """Return for each box how many points lie in it, (n,)."""
    lowest, highest = low.min(axis=0), high.max(axis=0)
    near = points[np.all((points >= lowest) & (points <= highest), axis=1)]
    inside = (near >= low[:, None]) & (near <= high[:, None])
    counts: Array = inside.all(axis=2).sum(axis=1).astype(np.float64)
    return counts


def _crossing_cost(start: Array, end: Array, boxes: Array) -> float:
    points = sample(np.stack([start, end]))
    inside = (points[:, None] >= boxes[:, :2]) & (points[:, None] <= boxes[:, 2:])
    return CROSSING_COST * float(inside.all(axis=2).sum())
