"""Where labels go so that they hide neither the network nor each other.

Everything is in pixels, y upwards. Labels are placed one after another; each takes the cheapest of
its candidate places, by distance, by how much of the network it covers, and by overlap with what
is placed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "around", "sample"]

Array = NDArray[np.float64]

SAMPLE_PX = 4.0  # branches count as points this far apart
COVER_COST = 3.0  # of a point under a label, in pixels of distance
OVERLAP_COST = 1000.0  # of any overlap with another label; never worth it if there is free room
TOLERATED_COVER = 1  # points of the network that an optional label may hide


def sample(path: Array) -> Array:
    """Return points along a polyline, (n, 2), about `SAMPLE_PX` apart."""
    pieces = []
    for start, end in zip(path[:-1], path[1:], strict=True):
        n = max(int(np.hypot(*(end - start)) / SAMPLE_PX), 1) + 1
        pieces.append(start + np.linspace(0.0, 1.0, n)[:, None] * (end - start))
    return np.concatenate(pieces) if pieces else np.zeros((0, 2))


def around(
    size: tuple[float, float], gaps: Sequence[float], n_direction: int = 8
) -> tuple[Array, Array]:
    """Return candidate centres of a box of `size` beside a point, and their costs.

    Parameters
    ----------
    size : (width, height)
    gaps : sequence of float
        Distances between the point and the box.
    n_direction : int
        Directions on each distance, beginning at the upper right.

    Returns
    -------
    offsets : ndarray, (n, 2)
    costs : ndarray, (n,)
        Distance, and a little for leaving the preferred directions.
    """
    angles = np.pi / 4 + 2.0 * np.pi * np.arange(n_direction) / n_direction
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    half = np.array(size) / 2.0
    # The box touches the circle of radius `gap` with the corner or side that faces the point.
    side = np.where(np.abs(unit) > 0.3, np.sign(unit), unit)
    offsets = np.concatenate([gap * unit + half * side for gap in gaps])
    taste = 0.15 * np.arange(n_direction)
    costs = np.concatenate([gap + taste for gap in gaps])
    return offsets, costs


@dataclass
class Canvas:
    """What is taken on a drawing of `width` x `height` pixels."""

    width: float
    height: float
    boxes: Array = field(default_factory=lambda: np.zeros((0, 4)))  # x0, y0, x1, y1, (n, 4)
    points: Array = field(default_factory=lambda: np.zeros((0, 2)))  # of branches, (n, 2)

    def block_points(self, points: Array) -> None:
        """Mark points that labels had better not cover."""
        self.points = np.concatenate([self.points, points])

    def block_box(self, centre: Array, size: tuple[float, float]) -> None:
        """Mark a box that labels must not overlap."""
        half = np.array(size) / 2.0
        box = np.concatenate([centre - half, centre + half])
        self.boxes = np.concatenate([self.boxes, box[None]])

    def place(
        self,
        anchor: Array,
        size: tuple[float, float],
        candidates: tuple[Array, Array],
        *,
        is_required: bool,
        has_leader: bool = False,
    ) -> Array | None:
        """Take the best place for a box beside a point.

        Parameters
        ----------
        anchor : ndarray, (2,)
        size : (width, height)
        candidates : offsets (n, 2) and costs (n,)
            From `around`.
        is_required : bool
            Place it even where it hides something; otherwise None is returned then.
        has_leader : bool
            A line will join anchor and box, which had better not run across other boxes.

        Returns
        -------
        ndarray, (2,), or None
            Centre of the box, which is taken from now on.
        """
        offsets, costs = candidates
        centres = anchor + offsets
        half = np.array(size) / 2.0
        low, high = centres - half, centres + half
        total = costs.copy()
        outside = (low < 0.0).any(axis=1) | (high > [self.width, self.height]).any(axis=1)
        total[outside] += 10.0 * OVERLAP_COST
        overlap = _overlaps(low, high, self.boxes)
        total += OVERLAP_COST * overlap
        covered = _n_inside(self.points, low, high)
        total += COVER_COST * covered
        if has_leader:
            total += [_n_boxes_met(anchor, centre, self.boxes) for centre in centres]
        best = int(np.argmin(total))
        hides = outside[best] or overlap[best] > 0.0 or covered[best] > TOLERATED_COVER
        if hides and not is_required:
            return None
        centre: Array = centres[best]
        self.block_box(centre, size)
        if has_leader:
            self.block_points(sample(np.stack([anchor, centre])))
        return centre


def _overlaps(low: Array, high: Array, boxes: Array) -> Array:
    """Return for each candidate the share of its area under other boxes, at most a sum of 1s."""
    if not len(boxes):
        return np.zeros(len(low))
    width = np.minimum(high[:, None], boxes[None, :, 2:]) - np.maximum(
        low[:, None], boxes[None, :, :2]
    )
    area = np.clip(width, 0.0, None).prod(axis=2)
    shares: Array = area.sum(axis=1) / (high - low).prod(axis=1)
    return np.where(shares > 0.0, 0.05 + shares, 0.0)


def _n_inside(points: Array, low: Array, high: Array) -> Array:
    """Return for each box how many points lie in it."""
    inside = (points[None] >= low[:, None]) & (points[None] <= high[:, None])
    counts: Array = inside.all(axis=2).sum(axis=1).astype(np.float64)
    return counts


def _n_boxes_met(start: Array, end: Array, boxes: Array) -> float:
    """Return a cost for each sampled point of a leader that lies in a box not at its start."""
    points = sample(np.stack([start, end]))
    others = boxes[~((boxes[:, :2] <= start) & (boxes[:, 2:] >= start)).all(axis=1)]
    if not len(others):
        return 0.0
    return 20.0 * float(_n_inside(points, others[:, :2], others[:, 2:]).sum())
