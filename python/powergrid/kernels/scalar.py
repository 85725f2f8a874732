"""Formulas of one value that several device kinds share.

Each has a plain Python twin of the same name, with the same operations in the same order:
`powergrid.agents.set_point`, `powergrid.utils.cost` and `powergrid.utils.safety`. A missing rating
is infinite here.
"""

from __future__ import annotations

import math

from powergrid.kernels.jit import kernel

__all__ = [
    "denormalize",
    "energy_cost",
    "loading_over_pct",
    "quadratic_cost",
    "s_over_rating",
    "soc_bounds_penalty",
    "within_rating",
]


@kernel
def denormalize(value: float, low: float, high: float) -> float:
    """Map `value` in [-1, 1] to [low, high]; values outside are clipped."""
    share = (min(max(value, -1.0), 1.0) + 1.0) / 2.0
    return low + share * (high - low)


@kernel
def within_rating(q_mvar: float, p_mw: float, s_rated_mva: float) -> float:
    """Cut reactive power to ``|Q| <= sqrt(S^2 - P^2)``: active power has priority."""
    room = math.sqrt(max(s_rated_mva * s_rated_mva - p_mw * p_mw, 0.0))
    return min(max(q_mvar, -room), room)


@kernel
def s_over_rating(p_mw: float, q_mvar: float, s_rated_mva: float) -> float:
    """Return ``max(0, |P + jQ| / S_rated - 1)``."""
    return max(0.0, math.sqrt(p_mw * p_mw + q_mvar * q_mvar) / s_rated_mva - 1.0)


@kernel
def soc_bounds_penalty(soc: float, soc_min: float, soc_max: float) -> float:
    """Return the distance of a state of charge to [`soc_min`, `soc_max`]."""
    return max(0.0, soc_min - soc) + max(0.0, soc - soc_max)


@kernel
def loading_over_pct(loading_percent: float, limit_percent: float) -> float:
    """Return one element's overload as a fraction: 130 % against 100 % gives 0.3."""
    return max(0.0, loading_percent - limit_percent) / 100.0


@kernel
def quadratic_cost(p_mw: float, a: float, b: float, c: float) -> float:
    """Return the fuel cost rate ``a P^2 + b P + c`` [$/h]."""
    return a * p_mw * p_mw + b * p_mw + c


@kernel
def energy_cost(p_mw: float, price: float, sell_ratio: float) -> float:
    """Return what a power taken from the utility costs [$/h]; negative = sold."""
    return (p_mw if p_mw >= 0.0 else sell_ratio * p_mw) * price
