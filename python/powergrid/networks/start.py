"""Start voltages that take the taps of transformers into account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandapower import pandapowerNet

Array = NDArray[np.float64]
Branch = tuple[int, int, float, float]  # from bus, to bus, voltage ratio to/from, shift in degree


def tap_aware_start(net: pandapowerNet) -> tuple[Array, Array]:
    """Return start voltages: those of the unloaded network at its present taps.

    Newton's method from a flat start diverges where a transformer of little impedance is off
    its neutral tap: the wrong ratio drives a huge current. Here every bus gets the voltage of
    its slack times the ratios on the way (lines and closed bus-bus switches 1).

    Parameters
    ----------
    net : pandapowerNet
        Network with at least one external grid in service. Tap changers of type "Ratio" count.

    Returns
    -------
    vm_pu, va_degree : ndarray, shape (n_bus,), float64
        In the order of ``net.bus``, for ``runpp(net, init_vm_pu=vm_pu,
        init_va_degree=va_degree)``. Buses that no slack supplies get 1 and 0.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> vm_pu, va_degree = tap_aware_start(IEEE13Bus("MG1"))
    >>> round(float(vm_pu[0]), 4), round(float(vm_pu[-1]), 4)
    (1.0, 1.0604)
    """
    neighbours: dict[int, list[tuple[int, float, float]]] = {int(b): [] for b in net.bus.index}
    for a, b, ratio, shift in [*_lines(net), *_switches(net), *_transformers(net)]:
        neighbours[a].append((b, ratio, shift))
        neighbours[b].append((a, 1.0 / ratio, -shift))
    slack = net.ext_grid[net.ext_grid["in_service"].astype(bool)]
    found = {
        int(bus): (float(vm), float(va))
        for bus, vm, va in zip(slack["bus"], slack["vm_pu"], slack["va_degree"], strict=True)
    }
    # Breadth first; in a mesh the shortest way from a slack decides.
    queue = list(found)
    for bus in queue:
        vm, va = found[bus]
        for other, ratio, shift in neighbours[bus]:
            if other not in found:
                found[other] = (vm * ratio, va + shift)
                queue.append(other)
    start = np.array([found.get(int(bus), (1.0, 0.0)) for bus in net.bus.index])
    return np.ascontiguousarray(start[:, 0]), np.ascontiguousarray(start[:, 1])


def _open_elements(net: pandapowerNet, et: str) -> set[int]:
    """Return the lines ("l") or transformers ("t") that a switch at one end opens."""
    switch = net.switch
    return {
        int(i) for i in switch["element"][(switch["et"] == et) & ~switch["closed"].astype(bool)]
    }


def _lines(net: pandapowerNet) -> list[Branch]:
    opened = _open_elements(net, "l")
    line = net.line
    rows = zip(line.index, line["from_bus"], line["to_bus"], line["in_service"], strict=True)
    return [(int(a), int(b), 1.0, 0.0) for i, a, b, on in rows if on and i not in opened]


def _switches(net: pandapowerNet) -> list[Branch]:
    switch = net.switch[(net.switch["et"] == "b") & net.switch["closed"].astype(bool)]
    return [
        (int(a), int(b), 1.0, 0.0) for a, b in zip(switch["bus"], switch["element"], strict=True)
    ]


def _transformers(net: pandapowerNet) -> list[Branch]:
    """Return the transformers as branches from HV to LV with their p.u. ratio."""
    opened = _open_elements(net, "t")
    vn_kv = net.bus["vn_kv"]
    branches = []
    for row in net.trafo.itertuples():
        if not row.in_service or row.Index in opened:
            continue
        tap = 1.0
        if row.tap_changer_type == "Ratio":
            tap += (row.tap_pos - row.tap_neutral) * row.tap_step_percent / 100.0
        hv, lv = (tap, 1.0) if row.tap_side == "hv" else (1.0, tap)
        ratio = (row.vn_lv_kv * lv / vn_kv[row.lv_bus]) / (row.vn_hv_kv * hv / vn_kv[row.hv_bus])
        branches.append((int(row.hv_bus), int(row.lv_bus), float(ratio), -float(row.shift_degree)))
    return branches
