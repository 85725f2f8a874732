"""What the buses and lines of each zone look like after a power flow."""

from __future__ import annotations

import numpy as np

from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = ["read_lines", "read_voltages"]

BLOCK = 256  # lanes whose sums stay in the cache while every bus is added to them


@kernel
def read_voltages(
    vm_pu: F64,
    bus: I32,
    bus_start: I32,
    v_min_pu: float,
    v_max_pu: float,
    deviation: F64,
    lowest: F64,
    highest: F64,
    first: int,
    last: int,
) -> None:
    """Sum each zone's voltage deviations, and find its extremes.

    Parameters
    ----------
    vm_pu : ndarray, (n_bus, n_lane)
        Bus voltages [p.u.].
    bus, bus_start : ndarray, int32, (n,) and (n_zone + 1,)
        Zone z has the buses ``bus[bus_start[z]:bus_start[z + 1]]``, at least one.
    v_min_pu, v_max_pu : float
        Band of normal voltages.
    deviation : ndarray, (n_zone, n_lane)
        Written: `powergrid.utils.safety.voltage_deviation` of the zone's buses.
    lowest, highest : ndarray, (n_zone, n_lane)
        Written: extremes of the zone's voltages.
    """
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for zone in range(deviation.shape[0]):
            for lane in lanes(start, stop):
                deviation[zone, lane] = 0.0
                lowest[zone, lane] = np.inf
                highest[zone, lane] = -np.inf
            for k in range(bus_start[zone], bus_start[zone + 1]):
                b = bus[k]
                for lane in lanes(start, stop):
                    vm = vm_pu[b, lane]
                    deviation[zone, lane] += max(0.0, v_min_pu - vm) + max(0.0, vm - v_max_pu)
                    lowest[zone, lane] = min(lowest[zone, lane], vm)
                    highest[zone, lane] = max(highest[zone, lane], vm)


@kernel
def read_lines(
    loading_percent: F64,
    line: I32,
    line_start: I32,
    limit_percent: float,
    overload: F64,
    highest: F64,
    first: int,
    last: int,
) -> None:
    """Sum each zone's overloads, and find its highest loading.

    Parameters
    ----------
    loading_percent : ndarray, (n_branch, n_lane)
        Loading of branches [%], not negative.
    line, line_start : ndarray, int32, (n,) and (n_zone + 1,)
        Zone z has the branches ``line[line_start[z]:line_start[z + 1]]``, perhaps none.
    limit_percent : float
        Loading above which a branch is overloaded.
    overload : ndarray, (n_zone, n_lane)
        Written: `powergrid.utils.safety.loading_over_pct` of the zone's branches, a fraction.
    highest : ndarray, (n_zone, n_lane)
        Written: highest loading of the zone's branches [%], 0 without any.
    """
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for zone in range(overload.shape[0]):
            for lane in lanes(start, stop):
                overload[zone, lane] = 0.0
                highest[zone, lane] = 0.0
            for k in range(line_start[zone], line_start[zone + 1]):
                i = line[k]
                for lane in lanes(start, stop):
                    loading = loading_percent[i, lane]
                    overload[zone, lane] += max(0.0, loading - limit_percent)
                    highest[zone, lane] = max(highest[zone, lane], loading)
            for lane in lanes(start, stop):
                overload[zone, lane] = overload[zone, lane] / 100.0
