"""What devices measure, as sums of inputs and flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.engine.lane_flow import LaneFlow

if TYPE_CHECKING:
    from powergrid.powerflow.meter import Meter

__all__ = ["AT_FROM", "AT_TO", "MeterRows", "Metered", "meter_rows", "meter_terms"]

Index = NDArray[np.int32]


@dataclass(frozen=True)
class MeterRows:
    """Meters as sums of terms; see `powergrid.kernels.transfer.measure`."""

    start: Index
    kind: Index
    row: Index
    factor: NDArray[np.float64]
    to: Index  # row of the readings


INJECTED, AT_FROM, AT_TO, SUPPLIED = range(4)
Term = tuple[int, int, float]  # kind, row, factor
Metered = tuple[list[Term], int]  # terms, and the row of their sum


def meter_rows(readings: Sequence[Metered]) -> MeterRows:
    """Return meters from their terms and the row of their reading."""
    terms = [term for of_meter, _ in readings for term in of_meter]
    return MeterRows(
        np.cumsum([0, *(len(of_meter) for of_meter, _ in readings)]).astype(np.int32),
        np.array([kind for kind, _, _ in terms], dtype=np.int32),
        np.array([row for _, row, _ in terms], dtype=np.int32),
        np.array([factor for _, _, factor in terms], dtype=np.float64),
        np.array([to for _, to in readings], dtype=np.int32),
    )


def meter_terms(device: DeviceAgent, meter: Meter | None, flow: LaneFlow) -> list[Term] | None:
    """Return what is summed to a device's active power, and likewise its reactive power.

    None for a device that is not metered.
    """
    trafos = flow.branch["trafo"]
    if device.element == "trafo" and device.pp_idx >= 0:
        return [(AT_TO, trafos + flow.rows.trafo[device.pp_idx], -1.0)]
    if not isinstance(device, Grid) or meter is None:
        return None
    if meter.is_source:
        return [(SUPPLIED, int(row), 1.0) for row in flow.sources]
    if meter.trafo is not None:
        row = trafos + flow.rows.trafo[meter.trafo]
        return [(AT_FROM if meter.grid_side == "hv" else AT_TO, row, 1.0)]
    terms: list[Term] = []
    at_buses = flow.rows.at_buses(meter.buses)
    for table, (rows, shares) in zip(("load", "sgen", "storage"), at_buses, strict=True):
        sign = 1.0 if table == "load" else -1.0
        terms += [
            (INJECTED, flow.injection[table] + int(r), sign * float(s))
            for r, s in zip(rows, shares, strict=True)
        ]
    for name, _, row in meter.branches:
        table, _, side = name.split("_")[:3]  # "line_p_from_mw", "trafo_p_hv_mw"
        kind = AT_FROM if side in ("from", "hv") else AT_TO
        terms.append((kind, flow.branch[table] + row, 1.0))
    return terms
