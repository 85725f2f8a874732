"""Measures of limit violations: dimensionless, zero inside the limits, growing outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "SafetySpec",
    "loading_over_pct",
    "pf_penalty",
    "rate_of_change_penalty",
    "s_over_rating",
    "soc_bounds_penalty",
    "total_safety",
    "voltage_deviation",
]


def s_over_rating(p_mw: float, q_mvar: float, s_rated_mva: float | None) -> float:
    """Return ``max(0, |P + jQ| / S_rated - 1)``; 0 without a rating.

    The result is a fraction of the rating.
    """
    if not s_rated_mva:
        return 0.0
    return max(0.0, math.sqrt(p_mw * p_mw + q_mvar * q_mvar) / s_rated_mva - 1.0)


def pf_penalty(p_mw: float, q_mvar: float, pf_min: float) -> float:
    """Return by how much the power factor ``|P| / |S|`` falls short of `pf_min`; 0 at no load."""
    s = float(np.hypot(p_mw, q_mvar))
    return 0.0 if s == 0.0 else max(0.0, pf_min - abs(p_mw) / s)


def voltage_deviation(vm_pu: ArrayLike, v_min: float = 0.95, v_max: float = 1.05) -> float:
    """Return the sum over buses of the p.u. distance to the band [`v_min`, `v_max`]."""
    vm = np.asarray(vm_pu, dtype=np.float64)
    return float(np.sum(np.maximum(0.0, v_min - vm)) + np.sum(np.maximum(0.0, vm - v_max)))


def soc_bounds_penalty(soc: float, soc_min: float, soc_max: float) -> float:
    """Return the distance of a state of charge to [`soc_min`, `soc_max`]."""
    return max(0.0, soc_min - soc) + max(0.0, soc - soc_max)


def loading_over_pct(loading_percent: ArrayLike, limit_percent: float = 100.0) -> float:
    """Return the sum of overloads as a fraction: 130 % and 90 % against 100 % give 0.3."""
    loading = np.asarray(loading_percent, dtype=np.float64)
    return float(np.sum(np.maximum(0.0, loading - limit_percent))) / 100.0


def rate_of_change_penalty(value: float, previous: float, max_change: float) -> float:
    """Return by how much ``|value - previous|`` exceeds `max_change`, in the value's unit."""
    return max(0.0, abs(value - previous) - max_change)


@dataclass(frozen=True)
class SafetySpec:
    """Weights of the named parts of a safety measure; a part without a weight counts once.

    Examples
    --------
    >>> total_safety({"voltage": 0.02, "loading": 0.1}, SafetySpec(loading=0.5))
    0.07
    """

    voltage: float = 1.0
    loading: float = 1.0
    device: float = 1.0

    def weight(self, part: str) -> float:
        """Return the weight of `part`."""
        return {"voltage": self.voltage, "loading": self.loading, "device": self.device}.get(
            part, 1.0
        )


def total_safety(parts: Mapping[str, float], spec: SafetySpec | None = None) -> float:
    """Return the weighted sum of named violations; weights of 1 without a `spec`."""
    if spec is None:
        return float(sum(parts.values()))
    return float(sum(spec.weight(name) * value for name, value in parts.items()))
