"""Index lists that say which value goes where; made once, never changed.

Rows of the power flow are those of `LaneFlow`, slots those of the feature table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.grid import Grid
from powergrid.engine.kind_group import KindGroup
from powergrid.engine.lane_flow import LaneFlow
from powergrid.engine.members import Member

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.powerflow.meter import Meter

__all__ = [
    "ActionRows",
    "LoadRows",
    "MeterRows",
    "Pairs",
    "ZoneRows",
    "action_rows",
    "load_rows",
    "meter_rows",
    "pairs",
    "set_point_rows",
    "voltage_rows",
    "zone_rows",
]

Index = NDArray[np.int32]
SlotOf = Callable[[str], int]

MEASURES = ("p_mw", "q_mvar", "loading_percent", "vm_pu", "va_degree")  # what a device may ask for


@dataclass(frozen=True)
class Pairs:
    """Rows of one array and where they go in another."""

    source: Index
    target: Index


def pairs(of: Sequence[tuple[int, int]]) -> Pairs:
    """Return (source, target) pairs as two lists."""
    source, target = np.array(of, dtype=np.int32).reshape(-1, 2).T
    return Pairs(np.ascontiguousarray(source), np.ascontiguousarray(target))


@dataclass(frozen=True)
class ActionRows:
    """Where each row of the devices' actions comes from: an entry of an agent's flat action."""

    agent: Index
    entry: Index
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_option: NDArray[np.float64]  # 0: a range
    row: Index


def action_rows(
    agents: Sequence[PowerGridAgent], row_of: Callable[[int, str, int], int | None]
) -> ActionRows:
    """Return the rows of all devices' actions; ``row_of(agent, device, entry)`` None leaves out."""
    found = []
    for number, agent in enumerate(agents):
        for device_id, k, entry, dim in agent.action_layout.entries():
            row = row_of(number, device_id, k)
            if row is not None:
                found.append((number, entry, dim.low, dim.high, dim.n_option, row))
    columns = list(zip(*found, strict=True)) or [()] * 6
    return ActionRows(
        *(np.array(columns[i], dtype=np.int32) for i in (0, 1)),
        *(np.array(columns[i], dtype=np.float64) for i in (2, 3, 4)),
        np.array(columns[5], dtype=np.int32),
    )


@dataclass(frozen=True)
class LoadRows:
    """Loads of all zones."""

    zone: Index
    base_p_mw: NDArray[np.float64]
    base_q_mvar: NDArray[np.float64]
    row: Index
    total_p_mw: NDArray[np.float64]  # of each zone, (n_zone,)


def load_rows(
    agents: Sequence[PowerGridAgent], distribution: DistributionGrid, flow: LaneFlow
) -> LoadRows:
    """Return the loads: the agents' by their number, then the distribution grid's."""
    zones = [*(agent.zone for agent in agents), distribution.zone]
    return LoadRows(
        np.concatenate([np.full(len(z.load_rows), k) for k, z in enumerate(zones)]).astype(np.int32),
        np.concatenate([z.base_load_p_mw for z in zones]),
        np.concatenate([z.base_load_q_mvar for z in zones]),
        (flow.injection["load"] + np.concatenate([z.load_rows for z in zones])).astype(np.int32),
        np.array([z.base_load_p_mw.sum() for z in zones]),
    )


def set_point_rows(
    members: Sequence[Member], flow: LaneFlow, slot_of: SlotOf
) -> tuple[Pairs, Pairs, Pairs]:
    """Return how set-points go from the table to P, to Q and to the taps of the power flow."""
    p, q, tap = [], [], []
    for member in members:
        device = member.device
        if device.pp_idx < 0:
            continue
        rows = flow.flow.rows
        if device.element == "trafo":
            tap.append((slot_of(f"{member.owner}.tap.tap"), rows.trafo[device.pp_idx]))
            continue
        table = "storage" if device.element == "storage" else "sgen"
        row = flow.injection[table] + getattr(rows, table)[device.pp_idx]
        p.append((slot_of(f"{member.owner}.electrical.p_MW"), row))
        q.append((slot_of(f"{member.owner}.electrical.q_MVAr"), row))
    return pairs(p), pairs(q), pairs(tap)


def voltage_rows(
    agents: Sequence[PowerGridAgent], members: Sequence[Member], flow: LaneFlow, slot_of: SlotOf
) -> tuple[Pairs, Pairs, Pairs, Pairs]:
    """Return how voltages, angles, line flows and loadings go to the table."""
    vm, va, p, loading = [], [], [], []
    for agent in agents:
        name, line = agent.agent_id, flow.branch["line"]
        for k, row in enumerate(agent.zone.bus_rows.tolist()):
            vm.append((row, slot_of(f"{name}.bus_voltages.vm_pu[{k}]")))
        for k, row in enumerate(agent.zone.line_rows.tolist()):
            p.append((line + row, slot_of(f"{name}.line_flows.p_MW[{k}]")))
            loading.append((line + row, slot_of(f"{name}.line_flows.loading_pct[{k}]")))
    for member in members:
        device = member.device
        if device.bus_idx >= 0 and "electrical" in device.state.features:
            row = flow.flow.rows.bus[device.bus_idx]
            vm.append((row, slot_of(f"{member.owner}.electrical.v_pu")))
            va.append((row, slot_of(f"{member.owner}.electrical.va_deg")))
    return pairs(vm), pairs(va), pairs(p), pairs(loading)


@dataclass(frozen=True)
class ZoneRows:
    """Buses and lines of each zone, one list behind the other, and where their extremes go."""

    bus: Index
    bus_start: Index
    line: Index
    line_start: Index


def zone_rows(
    agents: Sequence[PowerGridAgent], distribution: DistributionGrid, flow: LaneFlow
) -> ZoneRows:
    """Return buses and lines: the agents' by their number, then the distribution grid's."""
    zones = [*(agent.zone for agent in agents), distribution.zone]
    buses, lines = [z.bus_rows for z in zones], [z.line_rows + flow.branch["line"] for z in zones]
    return ZoneRows(
        np.concatenate(buses).astype(np.int32),
        np.cumsum([0, *(len(b) for b in buses)]).astype(np.int32),
        np.concatenate(lines).astype(np.int32),
        np.cumsum([0, *(len(b) for b in lines)]).astype(np.int32),
    )


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


def meter_rows(readings: Sequence[tuple[Sequence[Term], int]]) -> MeterRows:
    """Return meters from their terms and the row of their reading."""
    terms = [term for of_meter, _ in readings for term in of_meter]
    return MeterRows(
        np.cumsum([0, *(len(of_meter) for of_meter, _ in readings)]).astype(np.int32),
        np.array([kind for kind, _, _ in terms], dtype=np.int32),
        np.array([row for _, row, _ in terms], dtype=np.int32),
        np.array([factor for _, _, factor in terms], dtype=np.float64),
        np.array([to for _, to in readings], dtype=np.int32),
    )


def meter_terms(member: Member, meter: Meter | None, flow: LaneFlow) -> list[Term] | None:
    """Return what is summed to a device's active power, and likewise its reactive power.

    None for a device that is not metered.
    """
    device = member.device
    trafos = flow.branch["trafo"]
    if device.element == "trafo" and device.pp_idx >= 0:
        return [(AT_TO, trafos + flow.flow.rows.trafo[device.pp_idx], -1.0)]
    if not isinstance(device, Grid) or meter is None:
        return None
    if meter.is_source:
        return [(SUPPLIED, int(row), 1.0) for row in flow.sources]
    if meter.trafo is not None:
        row = trafos + flow.flow.rows.trafo[meter.trafo]
        return [(AT_FROM if meter.grid_side == "hv" else AT_TO, row, 1.0)]
    terms: list[Term] = []
    at_buses = flow.flow.rows.at_buses(meter.buses)
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
