"""What a one-line diagram shows, read from a pandapower network once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray

from powergrid.envs.render.tree_layout import tree_layout
from powergrid.networks.layout import bus_xy

__all__ = ["Branch", "DeviceMark", "Diagram", "DiagramState", "read_diagram"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Branch:
    """Something drawn between two buses."""

    kind: str  # "line", "trafo", "regulator" or "switch"
    row: int  # in its table
    ends: tuple[int, int]  # rows of the buses
    path: Array  # (n, 2)
    name: str
    is_closed: bool = True  # in service, and no switch in it open


@dataclass(frozen=True)
class DeviceMark:
    """A device beside its bus; `key` finds its present values."""

    key: tuple[str, str]
    kind: str  # "generator", "storage", "solar", "wind" or "other"
    bus: int  # row


@dataclass(frozen=True)
class Diagram:
    """The fixed part of a drawing; buses are counted by row."""

    bus_names: list[str]  # as labelled, without what all of a zone have in common
    xy: Array  # (n_bus, 2)
    branches: list[Branch]
    sources: list[int]
    load_buses: list[int]
    capacitors: list[tuple[int, int, float]]  # (row in net.shunt, bus, capacity [Mvar])
    devices: list[DeviceMark]
    zones: dict[str, list[int]] = field(default_factory=dict)  # microgrids: rows of their buses


@dataclass(frozen=True)
class DiagramState:
    """The part of a drawing that changes; None where there is no power flow result."""

    vm_pu: Array | None = None  # (n_bus,); 0 or NaN is out of supply
    line_loading_percent: Array | None = None  # (n_line,)
    tap_pos: Array | None = None  # (n_trafo,)
    shunt_step: Array | None = None  # (n_shunt,)
    # (p [MW, injection positive], state of charge or None, whether it is on line)
    devices: dict[tuple[str, str], tuple[float, float | None, bool]] = field(default_factory=dict)
    zone_texts: dict[str, str] = field(default_factory=dict)


def read_diagram(net: pp.pandapowerNet, devices: Iterable[DeviceMark] = ()) -> Diagram:
    """Read what is drawn of a network.

    Where a bus has no coordinates the whole network is laid out as a tree from its sources. Buses
    at one point are moved apart along the branch that leaves them.
    """
    row_of = {int(index): row for row, index in enumerate(net.bus.index)}
    ends = list(_ends(net, row_of))
    sources = [row_of[int(bus)] for bus in _in_service(net.ext_grid)["bus"]]
    xy = bus_xy(net)
    has_routes = bool(np.isfinite(xy).all())
    if not has_routes:
        xy = tree_layout(len(xy), [pair for _, _, pair, _, _ in ends], sources)
    else:
        xy = _moved_apart(xy, [pair for _, _, pair, _, _ in ends])
    routes = net.line["geo"] if has_routes and "geo" in net.line.columns else None
    branches = [
        Branch(kind, row, pair, _route(routes, kind, row, xy[list(pair)]), name, is_closed)
        for kind, row, pair, name, is_closed in ends
    ]
    shunt = _in_service(net.shunt)
    shunt_rows = np.flatnonzero(net.shunt["in_service"].to_numpy(bool)) if len(net.shunt) else []
    load = _in_service(net.load)
    return Diagram(
        bus_names=[_short_name(name, zone) for name, zone in _names(net)],
        xy=xy,
        branches=branches,
        sources=sources,
        load_buses=sorted({row_of[int(bus)] for bus in load.loc[load["p_mw"] > 0.0, "bus"]}),
        capacitors=[
            (int(row), row_of[int(bus)], -float(q))
            for row, bus, q in zip(shunt_rows, shunt["bus"], shunt["q_mvar"], strict=True)
            if q < 0.0
        ],
        devices=list(devices),
        zones={
            name: np.flatnonzero((net.bus["zone"] == name).to_numpy()).tolist()
            for name in net.get("heron_pcc", {})
        },
    )


def _in_service(table: Any) -> Any:
    return table[table["in_service"].astype(bool)] if len(table) else table


def _names(net: pp.pandapowerNet) -> Iterable[tuple[str, str]]:
    zones = net.bus["zone"] if "zone" in net.bus.columns else [None] * len(net.bus)
    for index, name, zone in zip(net.bus.index, net.bus["name"], zones, strict=True):
        yield (name if isinstance(name, str) else str(index)), str(zone or "")


def _short_name(name: str, zone: str) -> str:
    return name.removeprefix(f"{zone} ").removeprefix("Bus ").strip()


def _ends(
    net: pp.pandapowerNet, row_of: dict[int, int]
) -> Iterable[tuple[str, int, tuple[int, int], str, bool]]:
    """Yield (kind, row, buses, name, is_closed) of every branch."""
    is_open = ~net.switch["closed"].astype(bool)
    opened = {
        kind: set(net.switch.loc[is_open & (net.switch["et"] == kind), "element"])
        for kind in ("l", "t", "t3")
    }
    tables = (
        ("line", "l", (("from_bus", "to_bus"),)),
        ("trafo", "t", (("hv_bus", "lv_bus"),)),
        ("trafo3w", "t3", (("hv_bus", "mv_bus"), ("hv_bus", "lv_bus"))),
        ("impedance", "", (("from_bus", "to_bus"),)),
    )
    for table, letter, sides in tables:
        for row, (index, entry) in enumerate(net[table].iterrows()):
            kind = "trafo" if table.startswith("trafo") else table
            # In a table merged by others a missing mark reads as NaN, which is no regulator.
            flag = entry.get("is_regulator")
            if table == "trafo" and isinstance(flag, bool | np.bool_) and flag:
                kind = "regulator"
            is_closed = bool(entry["in_service"]) and index not in opened.get(letter, ())
            for first, second in sides:
                pair = (row_of[int(entry[first])], row_of[int(entry[second])])
                yield kind, row, pair, str(entry["name"] or ""), is_closed
    for row, entry in enumerate(net.switch.itertuples()):
        if entry.et == "b":
            pair = (row_of[int(entry.bus)], row_of[int(entry.element)])
            yield "switch", row, pair, str(entry.name or ""), bool(entry.closed)


def _moved_apart(xy: Array, pairs: list[tuple[int, int]]) -> Array:
    """Move a bus that lies on another one half-way towards a neighbour elsewhere."""
    xy = xy.copy()
    seen: dict[tuple[float, float], int] = {}
    for row in range(len(xy)):
        place = (float(xy[row, 0]), float(xy[row, 1]))
        if place not in seen:
            seen[place] = row
            continue
        neighbours = [b if a == row else a for a, b in pairs if row in (a, b)]
        away = [n for n in neighbours if tuple(xy[n].tolist()) != place]
        if away:
            xy[row] = (xy[row] + xy[away[0]]) / 2.0
    return xy


def _route(routes: Any, kind: str, row: int, straight: Array) -> Array:
    """Return the drawn way of a branch: a line's own coordinates if it has them."""
    text = routes.iloc[row] if routes is not None and kind == "line" else None
    if not isinstance(text, str):
        return straight
    points = np.array([point[:2] for point in json.loads(text)["coordinates"]], dtype=np.float64)
    return np.concatenate([straight[:1], points[1:-1], straight[1:]])
