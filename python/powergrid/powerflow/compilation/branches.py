"""Branches: every row of pandapower's branch table, as an ideal transformer and a pi circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandapower.pypower.idx_brch import (
    BR_B,
    BR_B_ASYM,
    BR_G,
    BR_G_ASYM,
    BR_R,
    BR_R_ASYM,
    BR_X,
    BR_X_ASYM,
    F_BUS,
    SHIFT,
    T_BUS,
    TAP,
)
from pandapower.pypower.idx_bus import BASE_KV

from powergrid.powerflow.compilation.internal import InternalModel, column

__all__ = ["branch_arrays"]


def branch_arrays(model: InternalModel) -> dict[str, Any]:
    """Return the branch fields of NetworkData, all of shape (n_branch,)."""
    branch = model.ppc["branch"]
    is_on = np.asarray(model.ppci["internal"]["branch_is"], bool)

    def end(bus: int) -> NDArray[np.int32]:
        return np.where(is_on, branch[:, bus].real, -1).astype(np.int32)

    def value(name: int) -> NDArray[np.float64]:
        return np.where(is_on, branch[:, name].real, 0.0)

    r, x, g, b = value(BR_R), value(BR_X), value(BR_G), value(BR_B)
    ratio = value(TAP)
    loading_from, loading_to = _loading(model)
    return {
        "from_node": end(F_BUS),
        "to_node": end(T_BUS),
        "r_pu": r,
        "x_pu": x,
        "r_back_pu": r + value(BR_R_ASYM),
        "x_back_pu": x + value(BR_X_ASYM),
        "g_from_pu": g / 2.0,
        "b_from_pu": b / 2.0,
        "g_to_pu": (g + value(BR_G_ASYM)) / 2.0,
        "b_to_pu": (b + value(BR_B_ASYM)) / 2.0,
        "ratio": np.where(ratio == 0.0, 1.0, ratio),
        "shift_degree": value(SHIFT),
        "loading_from": np.where(is_on, loading_from, 0.0),
        "loading_to": np.where(is_on, loading_to, 0.0),
    }


def _loading(model: InternalModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the loading [%] of one p.u. current at each end; 0 for what has no rating."""
    net, branch, bus = model.net, model.ppc["branch"], model.ppc["bus"]
    per_kv = np.zeros((2, len(branch)))  # loading [%] of one kA, at each end
    line, trafo, trafo3w = (model.branches(name) for name in ("line", "trafo", "trafo3w"))
    if len(net.line):
        i_max = column(net.line, "max_i_ka") * column(net.line, "df") * column(net.line, "parallel")
        per_kv[:, line] = _percent(1.0, i_max)
    if len(net.trafo):
        s = column(net.trafo, "sn_mva") * column(net.trafo, "parallel") * column(net.trafo, "df")
        per_kv[0, trafo] = _percent(np.sqrt(3.0) * column(net.trafo, "vn_hv_kv"), s)
        per_kv[1, trafo] = _percent(np.sqrt(3.0) * column(net.trafo, "vn_lv_kv"), s)
    # Three branches a transformer, all high sides first; only the outer ends carry its load.
    n = len(net.trafo3w)
    for i, (side, at) in enumerate((("hv", 0), ("mv", 1), ("lv", 1))):
        rows = slice(trafo3w.start + i * n, trafo3w.start + (i + 1) * n)
        rated = column(net.trafo3w, f"sn_{side}_mva")
        per_kv[at, rows] = _percent(np.sqrt(3.0) * column(net.trafo3w, f"vn_{side}_kv"), rated)
    kv = bus[branch[:, [F_BUS, T_BUS]].real.astype(np.int64), BASE_KV].T
    ka_of_pu = model.ppc["baseMVA"] / (np.sqrt(3.0) * kv)
    loading = per_kv * ka_of_pu
    return loading[0], loading[1]


def _percent(part: Any, whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 100 part / whole, 0 where `whole` is no positive number."""
    is_rated = np.isfinite(whole) & (whole > 0.0)
    ratio: NDArray[np.float64] = 100.0 * part / np.where(is_rated, whole, 1.0)
    return np.where(is_rated, ratio, 0.0)
