"""Where each thing of a one-line diagram goes, in units of 1/100 inch on the axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from powergrid.envs.render.diagram import Diagram
from powergrid.envs.render.placement import Candidates, Canvas, around, callouts, sample
from powergrid.envs.render.text import WIDEST_POWER, format_power

__all__ = ["LEGEND_HEIGHT", "UNITS_PER_INCH", "Arrangement", "BranchLabel", "Callout", "arrange"]

Array = NDArray[np.float64]

UNITS_PER_INCH = 100.0
MARGIN = 34.0  # between the outermost buses and the edge
LEGEND_HEIGHT = 58.0
LARGEST_STRETCH = 1.5  # of one axis against the other: the drawing is a scheme, not a map

DEVICE_SIZE, CAPACITOR_SIZE, LOAD_SIZE = 16.0, 12.0, 8.0
TRAFO_SIZE, SWITCH_SIZE, BUS_SIZE, SOURCE_SIZE = 17.0, 8.0, 12.0, 22.0

DIAGONALS = (45.0, 135.0, 315.0, 225.0)
# Labels of buses: above and below first, where a feeder drawn from left to right is free.
LABEL_DIRECTIONS = (90.0, 270.0, 0.0, 180.0, *DIAGONALS)
LOAD_DIRECTIONS = (270.0, 90.0, 180.0, 0.0, *DIAGONALS)  # loads hang down
CAPACITOR_DIRECTIONS = (0.0, 180.0, 270.0, 90.0, *DIAGONALS)
DEVICE_DIRECTIONS = tuple(np.arange(0.0, 360.0, 22.5))


@dataclass(frozen=True)
class Callout:
    """A symbol near a bus with a text on one side of it."""

    index: int  # of the device or capacitor in the diagram
    bus_at: Array
    symbol_at: Array
    text_at: Array  # the edge of the text that faces the symbol
    align: str  # "left" if the text stands on the right of the symbol


@dataclass(frozen=True)
class BranchLabel:
    """The name of a transformer or regulator, by its place in the diagram."""

    index: int
    at: Array
    name: str


@dataclass
class Arrangement:
    """Places in units of 1/100 inch from the lower left corner of the axes."""

    width: float
    height: float
    to_axes: Callable[[Array], Array]  # from the coordinates of the network
    bus_at: Array  # (n_bus, 2)
    devices: list[Callout] = field(default_factory=list)
    capacitors: list[Callout] = field(default_factory=list)
    load_at: Array = field(default_factory=lambda: np.zeros((0, 2)))  # (n_load_bus, 2)
    branch_labels: list[BranchLabel] = field(default_factory=list)
    bus_labels: list[tuple[Array, str]] = field(default_factory=list)
    zone_boxes: dict[str, Array] = field(default_factory=dict)  # x0, y0, x1, y1
    zone_labels: dict[str, Array] = field(default_factory=dict)  # left end of the text


def arrange(
    diagram: Diagram, width: float, height: float, *, bottom: float, size_pt: float, zone_room: str
) -> Arrangement:
    """Place everything; what matters most first, names of buses last and only where they fit.

    Parameters
    ----------
    diagram : Diagram
    width, height : float
        Of the axes.
    bottom : float
        Height of the strip at the lower edge that stays free.
    size_pt : float
        Size of the letters.
    zone_room : str
        The longest text that will follow the name of a microgrid.
    """
    to_axes = _scale(diagram.xy, width, height, bottom)
    plan = Arrangement(width, height, to_axes, to_axes(diagram.xy))
    canvas = Canvas(width, height)
    canvas.block_box(np.array([width / 2.0, bottom / 2.0]), (width, max(bottom, 1.0)))
    _block_network(canvas, diagram, plan)
    _place_devices(canvas, diagram, plan, size_pt)
    _place_capacitors(canvas, diagram, plan, size_pt)
    _place_loads(canvas, diagram, plan)
    _place_zones(canvas, diagram, plan, size_pt, zone_room)
    _place_branch_labels(canvas, diagram, plan, size_pt)
    for bus, name in enumerate(diagram.bus_names):
        reach = (SOURCE_SIZE if bus in diagram.sources else BUS_SIZE) / 2.0
        candidates = around(_text_size(name, size_pt), (reach + 2.0, reach + 5.0), LABEL_DIRECTIONS)
        at = canvas.place_if_free(plan.bus_at[bus], candidates)
        if at is not None:
            plan.bus_labels.append((at, name))
    return plan


def _text_size(text: str, size_pt: float) -> tuple[float, float]:
    """Return width and height of a text of one or more lines."""
    font = FontProperties(size=size_pt)
    lines = text.split("\n")
    widths = [text_to_path.get_text_width_height_descent(ln, font, False)[0] for ln in lines]
    scale = UNITS_PER_INCH / 72.0
    return (float(max(widths)) + 2.0) * scale, 1.12 * size_pt * len(lines) * scale


def _scale(xy: Array, width: float, height: float, bottom: float) -> Callable[[Array], Array]:
    """Return the map from network coordinates to the axes, centred above the legend."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    room = np.array([width - 2.0 * MARGIN, height - bottom - 2.0 * MARGIN])
    factors = room / np.where(high > low, high - low, 1e-9)
    factors = np.minimum(factors, LARGEST_STRETCH * factors.min())
    middle = np.array([width / 2.0, bottom + (height - bottom) / 2.0])

    def to_axes(points: Array) -> Array:
        placed: Array = (points - (low + high) / 2.0) * factors + middle
        return placed

    return to_axes


def _block_network(canvas: Canvas, diagram: Diagram, plan: Arrangement) -> None:
    for branch in diagram.branches:
        path = plan.to_axes(branch.path)
        canvas.block_points(sample(path))
        if branch.kind != "line" and branch.kind != "impedance":
            side = SWITCH_SIZE if branch.kind == "switch" else TRAFO_SIZE
            canvas.block_box(plan.to_axes(branch.middle[None])[0], (side, side))
    for bus, centre in enumerate(plan.bus_at):
        side = SOURCE_SIZE if bus in diagram.sources else BUS_SIZE
        canvas.block_box(centre, (side, side))


def _place_devices(canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    for index, mark in enumerate(diagram.devices):
        widest = WIDEST_POWER + (" 100%" if mark.kind == "storage" else "")
        room = _text_size(f"{mark.key[1]}\n{widest}", size_pt)
        gaps = (7.0, 12.0, 18.0, 26.0, 36.0, 48.0, 62.0)
        places = callouts(DEVICE_SIZE, room, gaps, DEVICE_DIRECTIONS)
        plan.devices.append(_callout(canvas, index, plan.bus_at[mark.bus], places, DEVICE_SIZE))


def _place_capacitors(canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float) -> None:
    for index, (_, bus, q_mvar) in enumerate(diagram.capacitors):
        room = _text_size(format_power(q_mvar, unit="var"), size_pt)
        places = callouts(CAPACITOR_SIZE, room, (8.0, 13.0, 19.0, 27.0), CAPACITOR_DIRECTIONS)
        plan.capacitors.append(_callout(canvas, index, plan.bus_at[bus], places, CAPACITOR_SIZE))


def _callout(
    canvas: Canvas, index: int, bus_at: Array, places: tuple[Candidates, float], symbol: float
) -> Callout:
    candidates, shift = places
    centre, chosen = canvas.place(bus_at, candidates, has_leader=True)
    is_right = chosen < len(candidates.offsets) // 2
    side = 1.0 if is_right else -1.0
    symbol_at = centre - np.array([side * shift, 0.0])
    text_at = symbol_at + np.array([side * (symbol / 2.0 + 3.0), 0.0])
    return Callout(index, bus_at, symbol_at, text_at, "left" if is_right else "right")


def _place_loads(canvas: Canvas, diagram: Diagram, plan: Arrangement) -> None:
    candidates = around((LOAD_SIZE, LOAD_SIZE), (BUS_SIZE / 2.0,), LOAD_DIRECTIONS)
    places = [canvas.place(plan.bus_at[bus], candidates)[0] for bus in diagram.load_buses]
    plan.load_at = np.array(places).reshape(-1, 2)


def _place_zones(
    canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float, zone_room: str
) -> None:
    """Frame each microgrid with its devices, and put its name along the upper or lower edge."""
    pad = 12.0
    for name, buses in diagram.zones.items():
        inside = set(buses)
        own = [p for p in plan.devices if diagram.devices[p.index].bus in inside]
        own += [p for p in plan.capacitors if diagram.capacitors[p.index][1] in inside]
        spots = [plan.bus_at[bus] for bus in buses] + [p.symbol_at for p in own]
        low, high = np.min(spots, axis=0) - pad, np.max(spots, axis=0) + pad
        plan.zone_boxes[name] = np.concatenate([low, high])
        size = _text_size(name + zone_room, 1.06 * size_pt)  # its letters are bold
        reach = size[1] / 2.0 + 2.0
        offsets, costs = [], []
        for share in (0.0, 0.5, 1.0):
            for cost, y in ((0.0, high[1] + reach), (1.0, low[1] - reach)):
                offsets.append([low[0] + share * (high[0] - low[0] - size[0]) + size[0] / 2.0, y])
                costs.append(cost + share)
        candidates = Candidates(size, np.array(offsets), np.array(costs))
        centre, _ = canvas.place(np.zeros(2), candidates)
        plan.zone_labels[name] = centre - [size[0] / 2.0, 0.0]


def _place_branch_labels(
    canvas: Canvas, diagram: Diagram, plan: Arrangement, size_pt: float
) -> None:
    """Name regulators, which show their taps, always, and other transformers where it fits."""
    for index, branch in enumerate(diagram.branches):
        if branch.kind not in ("trafo", "regulator") or not branch.name:
            continue
        name = branch.name.split()[-1]
        room = _text_size(f"{name} +00.0" if branch.kind == "regulator" else name, size_pt)
        candidates = around(room, (TRAFO_SIZE / 2.0 + 1.0, 14.0, 20.0), LABEL_DIRECTIONS)
        middle = plan.to_axes(branch.middle[None])[0]
        at = (
            canvas.place(middle, candidates)[0]
            if branch.kind == "regulator"
            else canvas.place_if_free(middle, candidates)
        )
        if at is not None:
            plan.branch_labels.append(BranchLabel(index, at, name))
