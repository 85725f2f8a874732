"""What a one-line diagram shows, read from a pandapower network once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.envs.render.routes import along, moved_apart, route
from powergrid.envs.render.tree_layout import tree_layout
from powergrid.networks.layout import bus_xy

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["Branch", "DeviceMark", "DeviceReading", "Diagram", "DiagramState", "read_diagram"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Branch:
    """Something drawn between two buses."""

    kind: str  # "line", "trafo", "regulator", "switch" or "impedance"
    row: int  # in its table
    ends: tuple[int, int]  # rows of the buses
    path: Array  # (n, 2)
    name: str
    is_closed: bool = True  # in service, and no switch in it open
    tie_of: str = ""  # the microgrid that it connects to the distribution grid

    @property
    def middle(self) -> Array:
        """Where a symbol on the branch stands, (2,): half-way along the path."""
        return along(self.path, 0.5)

    @property
    def direction(self) -> Array:
        """A short way along the branch around its middle, (2,)."""
        return along(self.path, 0.501) - along(self.path, 0.499)


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
class DeviceReading:
    """What a device does at present."""

    p_mw: float  # injection positive
    q_mvar: float = 0.0
    soc: float | None = None  # state of charge, of a storage
    is_on: bool = True
    tap: float | None = None  # position, of a tap changer


@dataclass(frozen=True)
class DiagramState:
    """The part of a drawing that changes; None where there is no power flow result."""

    vm_pu: Array | None = None  # (n_bus,); 0 or NaN is out of supply
    line_loading_percent: Array | None = None  # (n_line,)
    tap_pos: Array | None = None  # (n_trafo,)
    shunt_step: Array | None = None  # (n_shunt,)
    devices: Mapping[tuple[str, str], DeviceReading] = field(default_factory=dict)
    zone_texts: Mapping[str, str] = field(default_factory=dict)  # after the microgrid's name


def read_diagram(net: pandapowerNet, devices: Iterable[DeviceMark] = ()) -> Diagram:
    """Read what is drawn of a network.

    Where a bus has no coordinates the whole network is laid out as a tree from its sources. Buses
    at one point are moved apart along the branch that leaves them.
    """
    row_of = {int(index): row for row, index in enumerate(net.bus.index)}
    ends = list(_ends(net, row_of))
    sources = [row_of[int(bus)] for bus in _in_service(net.ext_grid)["bus"]]
    xy = bus_xy(net)
    has_places = bool(np.isfinite(xy).all())
    if not has_places:
        xy = tree_layout(len(xy), [pair for _, _, pair, _, _ in ends], sources)
    else:
        xy = moved_apart(xy, [pair for _, _, pair, _, _ in ends])
    geo: dict[tuple[str, int], object] = {}
    if has_places and "geo" in net.line.columns:
        geo = {("line", row): text for row, text in enumerate(net.line["geo"])}
    ties = _ties(net)
    branches = [
        Branch(
            kind,
            row,
            pair,
            route(geo.get((kind, row)), pair, xy),
            name,
            is_closed,
            ties.get((kind, row), ""),
        )
        for kind, row, pair, name, is_closed in ends
    ]
    load = _in_service(net.load)
    return Diagram(
        bus_names=[_short_name(name, zone) for name, zone in _names(net)],
        xy=xy,
        branches=branches,
        sources=sources,
        load_buses=sorted({row_of[int(bus)] for bus in load.loc[load["p_mw"] > 0.0, "bus"]}),
        capacitors=[
            (row, row_of[int(shunt.bus)], -float(shunt.q_mvar))
            for row, shunt in enumerate(net.shunt.itertuples())
            if shunt.in_service and shunt.q_mvar < 0.0
        ],
        devices=list(devices),
        zones={
            name: np.flatnonzero((net.bus["zone"] == name).to_numpy()).tolist()
            for name in net.get("heron_pcc", {})
        },
    )


def _in_service(table: Any) -> Any:
    return table[table["in_service"].astype(bool)] if len(table) else table


def _names(net: pandapowerNet) -> Iterable[tuple[str, str]]:
    zones = net.bus["zone"] if "zone" in net.bus.columns else [None] * len(net.bus)
    for index, name, zone in zip(net.bus.index, net.bus["name"], zones, strict=True):
        yield (name if isinstance(name, str) else str(index)), str(zone or "")


def _short_name(name: str, zone: str) -> str:
    return name.removeprefix(f"{zone} ").removeprefix("Bus ").strip()


def _ends(
    net: pandapowerNet, row_of: dict[int, int]
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


def _ties(net: pandapowerNet) -> dict[tuple[str, int], str]:
    """Return the microgrid by (kind, row) of the branch that connects it."""
    return {
        (kind, int(net[kind].index.get_loc(connection[kind]))): name
        for name, connection in net.get("heron_pcc", {}).items()
        for kind in ("trafo", "switch")
        if connection[kind] is not None
    }
