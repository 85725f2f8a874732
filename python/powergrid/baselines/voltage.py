"""Voltage rules that the acting baselines share: taps, reactive power, curtailment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergrid.baselines.reading import ObservationReader
from powergrid.optimization.grid_model import GridModel

__all__ = [
    "curtailed_share",
    "reactive_power",
    "response",
    "supplied_devices",
    "tap_move",
    "voltage_support",
]

V_LOW_PU, V_HIGH_PU = 0.965, 1.04  # a rule acts before the limits 0.95 and 1.05 are reached
V_SPAN_PU = 0.01  # from there, full reactive power after this much

# Reactive power changes the voltage that it answers: full power moves a weak feeder's by several
# times `V_SPAN_PU`, so that a droop that followed at once would swing from step to step. It follows
# with this time constant instead, as droops of inverters do (IEEE 1547, open loop response time).
RESPONSE_S = 300.0


def supplied_devices(model: GridModel) -> list[str]:
    """Return the devices whose voltage a tap changer moves: all but the meter, which is before it.

    The connection's own voltage belongs to the distribution grid. A tap that answered it would go
    down to its end, and reactive power, which then lifts the voltage behind it, would lift that of
    the connection still further.
    """
    return [*model.generators, *model.batteries, *model.renewables, *model.tap_changers]


def tap_move(reader: ObservationReader, devices: Sequence[str]) -> int:
    """Lower the tap if some device's voltage is too high, raise it if one of a bus is too low.

    Taps are left alone if both are so: moving them helps neither. A voltage of 0 is one that nobody
    has told.

    Parameters
    ----------
    devices : sequence of str
        `supplied_devices`.
    """
    highest = max(reader.device(name, "v_pu") for name in devices)
    is_high, is_low = highest > V_HIGH_PU, 0.0 < reader["grid.v_min"] < V_LOW_PU
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


def response(dt_h: float) -> float:
    """Return how much of the way to its new value reactive power goes in a step, 0..1."""
    return min(dt_h * 3600.0 / RESPONSE_S, 1.0)


def voltage_support(
    reader: ObservationReader, device: str, q_min_mvar: float, q_max_mvar: float, dt_h: float
) -> float:
    """Return a device's reactive injection [Mvar] for the coming `dt_h` hours.

    Of steps that are no shorter than the response it is `reactive_power`.
    """
    wanted = reactive_power(reader.device(device, "v_pu"), q_min_mvar, q_max_mvar)
    share = response(dt_h)
    if share == 1.0:
        return wanted
    present = reader.device(device, "q_MVAr")
    return present + share * (wanted - present)


def curtailed_share(v_pu: float) -> float:
    """Return the share of the available power to inject: all up to 1.045, half at 1.05 p.u."""
    return float(np.clip((1.055 - v_pu) / 0.01, 0.0, 1.0))
