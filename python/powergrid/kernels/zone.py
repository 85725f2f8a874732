"""What the buses and lines of a zone look like after a power flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.kernels.jit import kernel, lanes

__all__ = ["read_zones"]

Array = Any


@kernel
def read_zones(
    vm_pu: Array,
    bus: Array,
    bus_start: Array,
    loading_percent: Array,
    line: Array,
    line_start: Array,
    v_min_pu: float,
    v_max_pu: float,
    x: Array,
    slot: Array,
    deviation: Array,
    overload: Array,
    first: int,
    last: int,
) -> None:
    """Measure each zone's violations, and write its extremes to the feature table.

    Parameters
    ----------
    vm_pu : (n_bus, n_lane)
        Bus voltages [p.u.].
    bus, bus_start : int32, (n,) and (n_zone + 1,)
        Zone z has the buses ``bus[bus_start[z]]`` to ``bus[bus_start[z + 1] - 1]``.
    loading_percent, line, line_start
        The same for lines [%].
    v_min_pu, v_max_pu : float
        Band of normal voltages.
    x : (n_slot, n_lane)
        The feature table.
    slot : int32, (n_zone, 3)
        Where the lowest and highest voltage and the highest loading go; -1 is nowhere.
    deviation, overload : (n_zone, n_lane)
        Written: summed distance of voltages to the band [p.u.], summed overload as a fraction; see
        `powergrid.utils.safety`.
    """
    for zone in range(deviation.shape[0]):
        for lane in lanes(first, last):
            deviation[zone, lane] = 0.0
            overload[zone, lane] = 0.0
        low, high, most = slot[zone, 0], slot[zone, 1], slot[zone, 2]
        if low >= 0:
            for lane in lanes(first, last):
                x[low, lane] = np.inf
                x[high, lane] = -np.inf
        if most >= 0:
            for lane in lanes(first, last):
                x[most, lane] = -np.inf
        for k in range(bus_start[zone], bus_start[zone + 1]):
            b = bus[k]
            for lane in lanes(first, last):
                vm = vm_pu[b, lane]
                deviation[zone, lane] += max(0.0, v_min_pu - vm) + max(0.0, vm - v_max_pu)
            if low >= 0:
                for lane in lanes(first, last):
                    x[low, lane] = min(x[low, lane], vm_pu[b, lane])
                    x[high, lane] = max(x[high, lane], vm_pu[b, lane])
        for k in range(line_start[zone], line_start[zone + 1]):
            i = line[k]
            for lane in lanes(first, last):
                overload[zone, lane] += max(0.0, loading_percent[i, lane] - 100.0) / 100.0
            if most >= 0:
                for lane in lanes(first, last):
                    x[most, lane] = max(x[most, lane], loading_percent[i, lane])
