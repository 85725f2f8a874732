"""Place the drawing of a microgrid beside its connection bus."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from powergrid.networks.geometry import Array, count_crossed, meets_frame

if TYPE_CHECKING:
    from pandapower import pandapowerNet

# Size of a microgrid's drawing relative to the feeder that it hangs from.
RELATIVE_SIZE = 0.2
# Places tried: rings around the connection bus, and directions on each.
N_RING = 24
N_DIRECTION = 16


def bus_xy(net: pandapowerNet) -> Array:
    """Return the coordinates of all buses.

    Returns
    -------
    ndarray, shape (n_bus, 2), float64
        x and y in the order of ``net.bus``, in the unit of the drawing; NaN where a bus has
        no point.
    """
    xy = np.full((len(net.bus), 2), np.nan)
    if "geo" in net.bus.columns:
        for row, text in enumerate(net.bus["geo"]):
            if isinstance(text, str):
                xy[row] = json.loads(text)["coordinates"][:2]
    return xy


def branch_xy(net: pandapowerNet) -> Array:
    """Return the drawn lines, transformers and bus-bus switches as straight segments.

    Returns
    -------
    ndarray, shape (n_branch, 2, 2), float64
        Branch, end, coordinate; branches with an end without a point are left out.
    """
    row = {index: i for i, index in enumerate(net.bus.index)}
    bus_bus = net.switch[net.switch["et"] == "b"]
    pairs = [
        *zip(net.line["from_bus"], net.line["to_bus"], strict=True),
        *zip(net.trafo["hv_bus"], net.trafo["lv_bus"], strict=True),
        *zip(bus_bus["bus"], bus_bus["element"], strict=True),
    ]
    ends = np.array([[row[a], row[b]] for a, b in pairs], dtype=np.intp).reshape(-1, 2)
    segments = bus_xy(net)[ends]
    drawn: Array = segments[~np.isnan(segments).any(axis=(1, 2))]
    return drawn


def place_beside(
    grid: pandapowerNet, microgrid: pandapowerNet, grid_bus: int, source_bus: int
) -> None:
    """Scale, mirror and shift the microgrid's coordinates to free space near a bus, in place.

    The drawing is scaled to a fifth of the feeder that holds the bus. Of the places where its
    frame meets no bus and no branch of the grid the one with the shortest tie is taken, where
    every branch that the tie crosses counts as its whole length once more. Line routes by way
    of other points are dropped. Without coordinates of the two buses nothing is done.

    Parameters
    ----------
    grid, microgrid : pandapowerNet
        Networks with ``bus.geo``; only the microgrid's is changed.
    grid_bus, source_bus : int
        Ends of the tie: index in the grid and in the microgrid.
    """
    grid_xy, xy = bus_xy(grid), bus_xy(microgrid)
    home = grid_xy[grid.bus.index.get_loc(grid_bus)]
    source = microgrid.bus.index.get_loc(source_bus)
    if np.isnan(home).any() or np.isnan(xy[source]).any():
        return
    own_zone = (grid.bus["zone"] == grid.bus.at[grid_bus, "zone"]).to_numpy()
    target = RELATIVE_SIZE * (_extent(grid_xy[own_zone] if own_zone.any() else grid_xy) or 1.0)
    scale = target / (_extent(xy) or 1.0)
    middle = (np.nanmin(xy, axis=0) + np.nanmax(xy, axis=0)) / 2.0
    drawing, branches = (xy - middle) * scale, (branch_xy(microgrid) - middle) * scale
    points = grid_xy[~np.isnan(grid_xy).any(axis=1)]
    taken = np.concatenate([branch_xy(grid), np.stack([points, points], axis=1)])

    shift, mirror = _best_place(home, drawing[source], drawing, branches, taken, target)
    placed = drawing * mirror + shift
    microgrid.bus["geo"] = [None if np.isnan(point).any() else _point(point) for point in placed]
    if "geo" in microgrid.line.columns:
        microgrid.line["geo"] = None


def _point(xy: Array) -> str:
    return json.dumps({"coordinates": [round(float(v), 6) for v in xy], "type": "Point"})


def _extent(xy: Array) -> float:
    """Return the larger of width and height of a set of points."""
    return float((np.nanmax(xy, axis=0) - np.nanmin(xy, axis=0)).max())


def _best_place(
    home: Array, source: Array, drawing: Array, branches: Array, taken: Array, size: float
) -> tuple[Array, Array]:
    """Return the shift and the mirror factors, both shape (2,), of the cheapest free place."""
    half = np.nanmax(np.abs(drawing), axis=0) + 0.1 * size
    mirrors = [np.array([1.0, 1.0]), np.array([1.0, -1.0])]
    # Beyond this distance every frame is free, so a last ring there always gives a place.
    outside = float(np.abs(taken - home).max()) + 2.0 * float(half.sum())
    radii = [*(0.25 * size * (ring + 1) for ring in range(N_RING)), 2.0 * outside]
    best, cheapest = (np.zeros(2), mirrors[0]), math.inf
    for radius in radii:
        # A tie is never shorter than this, so wider rings cannot do better.
        if radius - float(np.hypot(*half)) > cheapest:
            break
        for k in range(N_DIRECTION):
            angle = 2.0 * math.pi * k / N_DIRECTION - math.pi / 2.0
            centre = home + radius * np.array([math.cos(angle), math.sin(angle)])
            if meets_frame(taken, centre - half, centre + half):
                continue
            for mirror in mirrors:
                tie = source * mirror + centre - home
                # Without its ends, where it always touches a bus and its branches.
                start, end = home + 0.02 * tie, home + 0.98 * tie
                crossed = count_crossed(taken, start, end)
                crossed += count_crossed(branches * mirror + centre, start, end)
                cost = float(np.hypot(*tie)) * (1 + crossed)
                if cost < cheapest - 1e-9 * size:
                    best, cheapest = (centre, mirror), cost
    return best
