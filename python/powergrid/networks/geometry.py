"""Which segments of a drawing meet a frame or a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def meets_frame(segments: Array, low: Array, high: Array) -> bool:
    """Tell whether any segment meets the upright rectangle between two corners.

    Clips each segment against the two pairs of sides (Liang and Barsky, 1984): it meets the
    frame if the parameter interval left over is not empty. Touching counts.

    Parameters
    ----------
    segments : ndarray, shape (n, 2, 2), float64
        Segment, end, coordinate; both ends may be equal.
    low, high : ndarray, shape (2,), float64
        Lower left and upper right corner.
    """
    start = segments[:, 0]
    delta = segments[:, 1] - start
    moves = delta != 0.0
    step = np.where(moves, delta, 1.0)
    t_low, t_high = (low - start) / step, (high - start) / step
    inside = (start >= low) & (start <= high)
    # Along an axis in which a segment does not move it is inside for all t or for none.
    enter = np.where(moves, np.minimum(t_low, t_high), np.where(inside, 0.0, np.inf))
    leave = np.where(moves, np.maximum(t_low, t_high), np.where(inside, 1.0, -np.inf))
    first = np.maximum(enter.max(axis=1), 0.0)
    last = np.minimum(leave.min(axis=1), 1.0)
    return bool((first <= last).any())


def count_crossed(segments: Array, a: Array, b: Array) -> int:
    """Count the segments that the line from `a` to `b` crosses or touches.

    Parameters
    ----------
    segments : ndarray, shape (n, 2, 2), float64
        Segment, end, coordinate; both ends may be equal.
    a, b : ndarray, shape (2,), float64
        Ends of the line.
    """
    p, q = segments[:, 0], segments[:, 1]
    apart = _turn(a, b, p) * _turn(a, b, q) > 0.0
    apart |= _turn(p, q, a) * _turn(p, q, b) > 0.0
    # Collinear ones pass both tests wherever they are, so their extents decide.
    apart |= (np.maximum(p, q) < np.minimum(a, b)).any(axis=1)
    apart |= (np.minimum(p, q) > np.maximum(a, b)).any(axis=1)
    return int((~apart).sum())


def _turn(a: Array, b: Array, c: Array) -> Array:
    """Return twice the signed area of the triangles a, b, c."""
    u, v = b - a, c - a
    turn: Array = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    return turn
