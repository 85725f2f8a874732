"""Convex cost curves as the largest of a few straight lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergrid.utils.cost import cost_from_curve

__all__ = ["chords_below_or_on", "tangents_below"]


def chords_below_or_on(
    coefs: Sequence[float], p_min_mw: float, p_max_mw: float, n_segment: int = 8
) -> np.ndarray:
    """Return the lines through neighbouring points of a cost curve's lower convex hull.

    Their maximum equals a convex curve at the points and lies on or above it between them, so it is
    what a plan should count with. Of a curve that is not convex it is the hull through the points.

    Returns
    -------
    ndarray, (n_line, 2)
        Slope [$/MWh] and intercept [$/h] of each line.
    """
    return _lines_through(_lower_hull(_points(coefs, p_min_mw, p_max_mw, n_segment)))


def tangents_below(
    coefs: Sequence[float], p_min_mw: float, p_max_mw: float, n_tangent: int = 9
) -> np.ndarray:
    """Return lines that nowhere lie above a cost curve between `p_min_mw` and `p_max_mw`.

    Tangents of a convex parabola; the hull of a piecewise linear curve's points, which is exact
    where the curve is convex; the chord of a concave parabola. So a plan that counts with their
    maximum underestimates the cost.

    Returns
    -------
    ndarray, (n_line, 2)
        Slope [$/MWh] and intercept [$/h] of each line.
    """
    if len(coefs) == 3 and coefs[0] > 0.0 and p_max_mw > p_min_mw:
        a, b, c = coefs
        at = np.linspace(p_min_mw, p_max_mw, n_tangent)
        return np.column_stack([2.0 * a * at + b, c - a * at * at])
    return _lines_through(_lower_hull(_points(coefs, p_min_mw, p_max_mw, 1)))


def _points(coefs: Sequence[float], p_min_mw: float, p_max_mw: float, n_segment: int) -> np.ndarray:
    """Return (power, cost) at the ends, at `n_segment` - 1 powers between, and at every kink."""
    powers = set(np.linspace(p_min_mw, p_max_mw, n_segment + 1).tolist())
    if len(coefs) > 3:
        powers |= {p for p in coefs[0::2] if p_min_mw < p < p_max_mw}
    return np.array([(p, cost_from_curve(p, coefs)) for p in sorted(powers)])


def _lower_hull(points: np.ndarray) -> np.ndarray:
    """Return those points, ordered by power, that lie on the lower convex hull."""
    hull: list[np.ndarray] = []
    for point in points:
        while len(hull) >= 2 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return np.array(hull)


def _turns_down(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> bool:
    (x1, y1), (x2, y2), (x3, y3) = first, second, third
    return bool((y2 - y1) * (x3 - x2) >= (y3 - y2) * (x2 - x1))


def _lines_through(hull: np.ndarray) -> np.ndarray:
    if len(hull) == 1:
        return np.array([[0.0, hull[0, 1]]])
    slope = np.diff(hull[:, 1]) / np.diff(hull[:, 0])
    return np.column_stack([slope, hull[:-1, 1] - slope * hull[:-1, 0]])
