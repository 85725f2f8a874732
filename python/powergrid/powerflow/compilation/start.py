"""Where a meshed network's solve starts; radial ones find their start from each lane's taps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandapower.pf.run_dc_pf import _run_dc_pf
from pandapower.pypower.idx_bus import GS, PD, VA
from pandapower.pypower.idx_gen import PG
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from powergrid.powerflow.compilation.internal import InternalModel
from powergrid.powerflow.compilation.taps import RATIO

__all__ = ["start_arrays"]


def start_arrays(model: InternalModel, data: dict[str, Any]) -> dict[str, Any]:
    """Return the start voltages of NetworkData, (n_node,).

    Parameters
    ----------
    model
        Its buses are changed.
    data
        All other fields of NetworkData.
    """
    return {"start_vm_pu": _magnitudes(data), "start_va_degree": _angles(model)}


def _magnitudes(data: dict[str, Any]) -> NDArray[np.float64]:
    """Return each node's voltage as if the nearest held one supplied it without a drop.

    Newton's method fails from 1 p.u. at both ends of a regulator nearly without impedance.
    """
    on = np.flatnonzero(data["from_node"] >= 0)
    f, t, n = data["from_node"][on], data["to_node"][on], len(data["p_fixed_pu"])
    ratio = _ratios(data)[on]
    z = np.hypot(data["r_pu"], data["x_pu"])[on] + 1e-12  # an edge of 0 is none
    held = data["controlled_node"]
    # Of parallel branches the nearest counts: the last one written.
    order = np.argsort(-z, kind="stable")
    ends = np.concatenate([f[order], t[order]]), np.concatenate([t[order], f[order]])
    of = {pair: i for i, pair in enumerate(zip(*(end.tolist() for end in ends), strict=True))}
    rows, cols = np.array(list(of), np.int64).reshape(-1, 2).T
    chosen = np.array(list(of.values()), np.int64)
    length, factor = np.tile(z[order], 2)[chosen], np.concatenate([1 / ratio[order], ratio[order]])
    graph = csr_matrix((length, (rows, cols)), (n, n))
    distance, before, _ = dijkstra(graph, indices=held, min_only=True, return_predecessors=True)
    vm_pu = np.ones(n)
    vm_pu[held] = data["controlled_vm_pu"]
    for node in np.argsort(distance, kind="stable"):  # a node after the one that supplies it
        if before[node] >= 0:
            vm_pu[node] = vm_pu[before[node]] * factor[of[before[node], node]]
    return vm_pu


def _ratios(data: dict[str, Any]) -> NDArray[np.float64]:
    """Return the branches' ratios at the first tap positions, (n_branch,)."""
    ratio: NDArray[np.float64] = data["ratio"].copy()
    rows = np.flatnonzero((data["tap_branch"] >= 0) & (data["tap_kind"] == RATIO))
    n = (data["tap_pos"] - data["tap_neutral"])[rows]
    added = data["tap_step"][rows] * np.exp(1j * np.deg2rad(data["tap_angle_degree"][rows]))
    m = np.abs(1.0 + n * added)
    ratio[data["tap_branch"][rows]] *= np.where(data["tap_is_to"][rows] == 1, 1.0 / m, m)
    return ratio


def _angles(model: InternalModel) -> NDArray[np.float64]:
    """Return the angles without load, of sources and phase shifts [degree]; 0 where there are none.

    Those under load would be of the loads at compilation, from which lanes may be far.
    """
    ppci = model.ppci
    ppci["bus"][:, [PD, GS]] = 0.0
    ppci["gen"][:, PG] = 0.0
    with np.errstate(all="ignore"):
        try:
            _run_dc_pf(ppci)
        except (FloatingPointError, ZeroDivisionError, RuntimeError):
            return np.zeros(model.n_node)  # a branch has no reactance
    va_degree = ppci["bus"][:, VA].astype(np.float64)
    return np.where(np.isfinite(va_degree), va_degree, 0.0)
