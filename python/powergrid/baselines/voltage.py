"""Voltage rules that the acting baselines share: taps, reactive power, curtailment."""

from __future__ import annotations

import numpy as np

from powergrid.baselines.reading import ObservationReader

__all__ = ["curtailed_share", "reactive_power", "tap_move"]

V_LOW_PU, V_HIGH_PU = 0.965, 1.04  # a rule acts before the limits 0.95 and 1.05 are reached
V_SPAN_PU = 0.01  # from there, full reactive power after this much


def tap_move(reader: ObservationReader) -> int:
    """Lower the tap if some own bus is too high, raise it if one is too low, else keep it.

    Taps are left alone if buses are too high and too low at once: moving them helps neither.
    A voltage of 0 is one that nobody has told.
    """
    is_high, is_low = reader["grid.v_max"] > V_HIGH_PU, 0.0 < reader["grid.v_min"] < V_LOW_PU
    return int(is_low) - int(is_high)


def reactive_power(v_pu: float, q_min_mvar: float, q_max_mvar: float) -> float:
    """Return the reactive injection [Mvar] of a droop with a dead band between the two marks."""
    if v_pu <= 0.0:  # not measured yet
        return 0.0
    if v_pu < V_LOW_PU:
        return q_max_mvar * min((V_LOW_PU - v_pu) / V_SPAN_PU, 1.0)
    if v_pu > V_HIGH_PU:
        return q_min_mvar * min((v_pu - V_HIGH_PU) / V_SPAN_PU, 1.0)
    return 0.0


def curtailed_share(v_pu: float) -> float:
    """Return the share of the available power to inject: all up to 1.045, half at 1.05 p.u."""
    return float(np.clip((1.055 - v_pu) / 0.01, 0.0, 1.0))
