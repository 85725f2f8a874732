"""Operating cost formulas.

Powers are in MW (positive = injection), energy prices in $/MWh. Functions of a power return a rate
in $/h; functions of a change (switching, taps, ramping) return $ per event.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "cost_from_curve",
    "energy_cost",
    "piecewise_linear_cost",
    "quadratic_cost",
    "ramping_cost",
    "switching_cost",
    "tap_change_cost",
]


def quadratic_cost(p_mw: float, a: float, b: float, c: float) -> float:
    """Return the fuel cost rate ``a P^2 + b P + c`` in $/h.

    Parameters
    ----------
    p_mw : float
        Active power [MW].
    a, b, c : float
        Coefficients [$/MW^2/h, $/MWh, $/h].
    """
    return a * p_mw * p_mw + b * p_mw + c


def piecewise_linear_cost(p_mw: float, p_points: Sequence[float], costs: Sequence[float]) -> float:
    """Interpolate a cost curve given by its break points, in $/h.

    Parameters
    ----------
    p_mw : float
        Active power [MW]; outside the points the first or last segment is continued.
    p_points : sequence of float, (n,)
        Break points [MW], strictly increasing, n >= 2.
    costs : sequence of float, (n,)
        Cost rate at each break point [$/h].

    Raises
    ------
    ValueError
        If the two sequences differ in length, have fewer than two points, or do not increase.
    """
    p = np.asarray(p_points, dtype=np.float64)
    cost = np.asarray(costs, dtype=np.float64)
    if p.shape != cost.shape or p.ndim != 1 or p.size < 2:
        raise ValueError(
            f"a piecewise curve needs as many costs as powers, at least 2 of each: "
            f"got {p.size} powers and {cost.size} costs"
        )
    if not np.all(np.diff(p) > 0):
        raise ValueError(f"break points must increase strictly, got {p.tolist()}")
    segment = int(np.clip(np.searchsorted(p, p_mw, side="right") - 1, 0, p.size - 2))
    slope = (cost[segment + 1] - cost[segment]) / (p[segment + 1] - p[segment])
    return float(cost[segment] + slope * (p_mw - p[segment]))


def cost_from_curve(p_mw: float, coefs: Sequence[float]) -> float:
    """Evaluate a cost curve in either of the two usual notations, in $/h.

    Three coefficients are ``(a, b, c)`` of :func:`quadratic_cost`. An even number, four or more, is
    a list of points ``(p0, cost0, p1, cost1, ...)`` of :func:`piecewise_linear_cost`.

    Raises
    ------
    ValueError
        If the number of coefficients is neither.
    """
    if len(coefs) == 3:
        return quadratic_cost(p_mw, *coefs)
    if len(coefs) >= 4 and len(coefs) % 2 == 0:
        return piecewise_linear_cost(p_mw, coefs[0::2], coefs[1::2])
    raise ValueError(
        f"a cost curve has 3 coefficients (a, b, c) or an even number of at least 4 "
        f"(p0, cost0, p1, cost1, ...), got {len(coefs)}"
    )


def ramping_cost(p_mw: float, previous_p_mw: float, cost_per_mw: float) -> float:
    """Return ``cost_per_mw * |P - P_previous|`` in $."""
    return cost_per_mw * abs(p_mw - previous_p_mw)


def switching_cost(
    is_on: bool, was_on: bool, startup_cost: float, shutdown_cost: float = 0.0
) -> float:
    """Return the cost of a start or a stop in $; 0 if the status did not change."""
    if is_on == was_on:
        return 0.0
    return startup_cost if is_on else shutdown_cost


def tap_change_cost(tap: float, previous_tap: float, cost_per_step: float) -> float:
    """Return the wear of moving a tap changer in $, proportional to the steps moved."""
    return cost_per_step * abs(tap - previous_tap)


def energy_cost(p_mw: float, price: float, dt: float = 1.0, *, sell_ratio: float = 1.0) -> float:
    """Return what exchanging energy with the utility costs, in $.

    Parameters
    ----------
    p_mw : float
        Power taken from the utility [MW]; negative = sold.
    price : float
        Market price [$/MWh].
    dt : float
        Duration [h].
    sell_ratio : float
        Share of the price that is paid for energy sold.
    """
    return (p_mw if p_mw >= 0.0 else sell_ratio * p_mw) * price * dt
