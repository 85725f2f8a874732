"""Where each thing of a one-line diagram goes, in units of 1/100 inch on the axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from powergrid.envs.render.diagram import DeviceMark, Diagram
from powergrid.envs.render.placement import Canvas, around, sample
from powergrid.envs.render.text import WIDEST_POWER, format_power

__all__ = ["Arrangement", "arrange"]

Array = NDArray[np.float64]

UNITS_PER_INCH = 100.0
MARGIN = 34.0  # between the outermost buses and the edge
LEGEND_HEIGHT = 56.0
LARGEST_STRETCH = 1.5  # of one axis against the other: the drawing is a scheme, not a map
DEVICE_GAPS = (12.0, 18.0, 25.0, 33.0, 42.0, 52.0, 64.0)
SYMBOL = 15.0  # side of a device's symbol


@dataclass(frozen=True)
class DevicePlace:
    """A device's symbol with its text beside it."""

    mark: DeviceMark
    bus_px: Array
    symbol: Array
    text_at: Array
    align: str


@dataclass(frozen=True)
class CapacitorPlace:
    """A capacitor's symbol with its text beside it."""

    row: int
    bus_px: Array
    symbol: Array
    text_centre: Array
    text: str


@dataclass(frozen=True)
class LoadPlace:
    """The arrow of the load at a bus."""

    bus_px: Array
    centre: Array
    angle: float


@dataclass(frozen=True)
class BranchLabel:
    """The name of a transformer or regulator."""

    centre: Array
    text: str
    is_regulator: bool
    row: int


@dataclass
class Arrangement:
    """Places in units of 1/100 inch from the lower left corner of the axes."""

    width: float
    height: float
    to_px: Callable[[Array], Array]  # from the coordinates of the network
    bus_px: Array  # (n_bus, 2)
    devices: list[DevicePlace] = field(default_factory=list)
    capacitors: list[CapacitorPlace] = field(default_factory=list)
    loads: list[LoadPlace] = field(default_factory=list)
    branch_labels: list[BranchLabel] = field(default_factory=list)
    bus_labels: list[tuple[Array, str]] = field(default_factory=list)
    zone_boxes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    zone_labels: dict[str, Array] = field(default_factory=dict)


def arrange(ax: Axes, diagram: Diagram, size_pt: float, *, has_legend: bool) -> Arrangement:
    """Place everything; what matters most first, names of buses last and only where they fit."""
    box = ax.get_position()
    inches = ax.figure.get_size_inches()
    width = float(box.width * inches[0] * UNITS_PER_INCH)
    height = float(box.height * inches[1] * UNITS_PER_INCH)
    bottom = LEGEND_HEIGHT if has_legend else 0.0
    to_px = _scale(diagram.xy, width, height, bottom)
    plan = Arrangement(width, height, to_px, to_px(diagram.xy))
    canvas = Canvas(width, height)
    canvas.block_box(np.array([width / 2.0, bottom / 2.0]), (width, max(bottom, 1.0)))
    _block_network(canvas, diagram, plan)
    _place_devices(canvas, diagram, plan, size_pt)
    _place_loads(canvas, diagram, plan)
    _place_capacitors(canvas, diagram, plan, size_pt)
    _place_zones(canvas, diagram, plan, size_pt)
    _place_branch_labels(canvas, diagram, plan, size_pt)
    for bus, name in enumerate(diagram.bus_names):
        size = text_size(name, size_pt)
        centre = canvas.place(plan.bus_px[bus], size, around(size, (5.0, 8.0)), is_required=False)
        if centre is not None:
            plan.bus_labels.append((centre, name))
    return plan


def text_size(text: str, size_pt: float) -> tuple[float, float]:
    """Return width and height of a text, one or more lines."""
    lines = text.split("\n")
    font = FontProperties(size=size_pt)
    widths = [TextPath((0, 0), line, prop=font).get_extents().width for line in lines if line]
    scale = UNITS_PER_INCH / 72.0
    return (float(max(widths, default=0.0)) + 2.0) * scale, 1.12 * size_pt * len(lines) * scale


def _scale(xy: Array, width: float, height: float, bottom: float) -> Callable[[Array], Array]:
    """Return the map from network coordinates to the axes, centred above the legend."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    room = np.array([width - 2.0 * MARGIN, height - bottom - 2.0 * MARGIN])
    extent = np.where(high > low, high - low, 1e-9)
    factors = room / extent
    factors = np.minimum(factors, LARGEST_STRETCH * factors.min())
    middle = np.array([width / 2.0, bottom + (height - bottom) / 2.0])

    def to_px(points: Array) -> Array:
        placed: Array = (points - (low + high) / 2.0) * factors + middle
        return placed

    return to_px


def _block_network(canvas: Canvas, diagram: Diagram, plan: Arrangement) -> None:
    for branch in diagram.branches:
        path = plan.to_px(branch.path)
        canvas.block_points(sample(path))
        if branch.kind in ("trafo", "regulator") and len(path) == 2:
            canvas.block_box(path.mean(axis=0), (17.0, 17.0))
        elif branch.kind == "switch":
            canvas.block_box(path.mean(axis=0), (8.0, 8.0))
    for bus, centre in enumerate(plan.bus_px):
        canvas.block_box(centre, (21.0, 21.0) if bus in diagram.sources else (9.0, 9.0))


def _place_devices(canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    for mark in diagram.devices:
        widest = WIDEST_POWER + (" 100%" if mark.kind == "storage" else "")
        text = text_size(f"{mark.key[1]}\n{widest}", size_pt)
        text = max(text, text_size(f"{mark.key[1]}\n{mark.key[1]}", size_pt))
        size = (SYMBOL + 3.0 + text[0], max(text[1], SYMBOL + 3.0))
        bus = plan.bus_px[mark.bus]
        centre = canvas.place(
            bus, size, around(size, DEVICE_GAPS, 16), is_required=True, has_leader=True
        )
        assert centre is not None
        # The symbol stands at the side of the box that faces the bus.
        is_right = centre[0] >= bus[0]
        edge = centre[0] + (-1 if is_right else 1) * size[0] / 2.0
        inward = 1.0 if is_right else -1.0
        plan.devices.append(
            DevicePlace(
                mark,
                bus,
                np.array([edge + inward * SYMBOL / 2.0, centre[1]]),
                np.array([edge + inward * (SYMBOL + 2.0), centre[1]]),
                "left" if is_right else "right",
            )
        )


def _place_loads(canvas: Canvas, diagram: Diagram, plan: Arrangement) -> None:
    size = (8.0, 8.0)
    for bus in diagram.load_buses:
        at = plan.bus_px[bus]
        centre = canvas.place(at, size, around(size, (6.0, 7.5)), is_required=True)
        assert centre is not None
        dx, dy = centre - at
        plan.loads.append(LoadPlace(at, centre, float(np.arctan2(dy, dx))))


def _place_capacitors(canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    for row, bus, q_mvar in diagram.capacitors:
        text = format_power(q_mvar, unit="var").lstrip("+")
        room = text_size(text, size_pt)
        size = (14.0 + room[0], max(room[1], 13.0))
        at = plan.bus_px[bus]
        centre = canvas.place(
            at, size, around(size, (9.0, 14.0, 20.0, 28.0), 16), is_required=True, has_leader=True
        )
        assert centre is not None
        inward = 1.0 if centre[0] >= at[0] else -1.0
        edge = centre[0] - inward * size[0] / 2.0
        plan.capacitors.append(
            CapacitorPlace(
                row,
                at,
                np.array([edge + inward * 6.0, centre[1]]),
                np.array([edge + inward * (14.0 + room[0] / 2.0), centre[1]]),
                text,
            )
        )


def _place_zones(canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    """Frame each microgrid with its devices, and put its name along the upper or lower edge."""
    pad = 12.0
    for name, buses in diagram.zones.items():
        inside = set(buses)
        spots = [plan.bus_px[bus] for bus in buses]
        spots += [p.symbol for p in plan.devices if p.mark.bus in inside]
        spots += [p.text_at for p in plan.devices if p.mark.bus in inside]
        points = np.array(spots)
        (x0, y0), (x1, y1) = points.min(axis=0) - pad, points.max(axis=0) + pad
        plan.zone_boxes[name] = (float(x0), float(y0), float(x1), float(y1))
        size = text_size(f"{name}  +000 kW  v 0.000-0.000", size_pt)
        offsets, costs = [], []
        for share in (0.0, 0.5, 1.0):
            for side, y in ((0.0, y1 + size[1] / 2.0 + 2.0), (1.0, y0 - size[1] / 2.0 - 2.0)):
                offsets.append([x0 + size[0] / 2.0 + share * (x1 - x0 - size[0]), y])
                costs.append(side + share)
        centre = canvas.place(
            np.zeros(2), size, (np.array(offsets), np.array(costs)), is_required=True
        )
        assert centre is not None
        plan.zone_labels[name] = centre


def _place_branch_labels(
    canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float
) -> None:
    for branch in diagram.branches:
        if branch.kind not in ("trafo", "regulator") or not branch.name:
            continue
        is_regulator = branch.kind == "regulator"
        name = branch.name.split()[-1]
        size = text_size(f"{name} +00" if is_regulator else name, size_pt)
        middle = plan.to_px(branch.path).mean(axis=0)
        centre = canvas.place(
            middle, size, around(size, (10.0, 14.0, 20.0)), is_required=is_regulator
        )
        if centre is not None:
            plan.branch_labels.append(BranchLabel(centre, name, is_regulator, branch.row))
