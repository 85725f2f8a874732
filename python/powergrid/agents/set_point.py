"""From a number in [-1, 1] to a set-point within limits, and back."""

from __future__ import annotations

import math

__all__ = ["denormalize", "normalize", "within_rating"]


def denormalize(value: float, low: float, high: float) -> float:
    """Map `value` in [-1, 1] to [low, high]; values outside are clipped."""
    share = (min(max(float(value), -1.0), 1.0) + 1.0) / 2.0
    return low + share * (high - low)


def normalize(value: float, low: float, high: float) -> float:
    """Map `value` in [low, high] to [-1, 1]; the inverse of `denormalize`, 0 if low == high."""
    if high == low:
        return 0.0
    return min(max(2.0 * (value - low) / (high - low) - 1.0, -1.0), 1.0)


def within_rating(q_mvar: float, p_mw: float, s_rated_mva: float | None) -> float:
    """Cut reactive power to what active power, which has priority, leaves of the rating.

    The bound is ``|Q| <= sqrt(S^2 - P^2)``; without a rating there is none.
    """
    if s_rated_mva is None:
        return q_mvar
    room = math.sqrt(max(s_rated_mva * s_rated_mva - p_mw * p_mw, 0.0))
    return min(max(q_mvar, -room), room)
