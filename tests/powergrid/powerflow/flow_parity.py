"""What it means that a lane has pandapower's answer."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandapower as pp
from flow_networks import CASES, OLD_TABLES, shared
from flow_reference import admittance
from flow_zoo import ZOO

from powergrid.networks import tap_aware_start
from powergrid.powerflow.compilation import CompiledNetwork, compile_network
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.pandapower_tables import RUNPP_OPTIONS

LOADING_AT = {1e-10: 1e-6, 1e-8: 1e-4}  # tolerance: percentage points
COLUMNS = {
    "line_p_from_mw": ("res_line", "p_from_mw"),
    "line_q_from_mvar": ("res_line", "q_from_mvar"),
    "line_p_to_mw": ("res_line", "p_to_mw"),
    "line_q_to_mvar": ("res_line", "q_to_mvar"),
    "trafo_p_hv_mw": ("res_trafo", "p_hv_mw"),
    "trafo_q_hv_mvar": ("res_trafo", "q_hv_mvar"),
    "trafo_p_lv_mw": ("res_trafo", "p_lv_mw"),
    "trafo_q_lv_mvar": ("res_trafo", "q_lv_mvar"),
}
LOADINGS = {
    "line_loading_percent": "res_line",
    "trafo_loading_percent": "res_trafo",
    "trafo3w_loading_percent": "res_trafo3w",
}


@contextlib.contextmanager
def pandapowers_warnings_ignored() -> Iterator[None]:
    """Let pass what pandapower says about its own networks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", OLD_TABLES, DeprecationWarning)
        yield


def runpp(net: Any, tolerance_mva: float = 1e-10, start: str = "dc", **options: Any) -> bool:
    """Solve by pandapower and return whether it converged."""
    if start == "taps":
        vm_pu, va_degree = tap_aware_start(net)
        options |= {"init_vm_pu": vm_pu, "init_va_degree": va_degree}
    else:
        options |= {"init": start}
    with pandapowers_warnings_ignored():
        try:
            pp.runpp(net, tolerance_mva=tolerance_mva, **options, **RUNPP_OPTIONS)
        except pp.LoadflowNotConverged:
            return False
    return True


def fresh(name: str) -> Any:
    """Return a network of the parity list or the zoo, to be changed as you like."""
    return copy.deepcopy(shared(name)) if name in CASES else ZOO[name]()


@cache
def compiled(name: str) -> CompiledNetwork:
    """Return the network of that name, compiled; shared."""
    return compile_network(fresh(name))


@cache
def solved(name: str) -> Any:
    """Return the network of that name with pandapower's results; shared."""
    net = fresh(name)
    case = CASES.get(name)
    assert runpp(net, case.tolerance_mva, case.start) if case else runpp(net)
    return net


def numbers(table: Any, column: str) -> Any:
    """Return a column with 0 for what is out of supply."""
    return np.nan_to_num(table[column].to_numpy(np.float64))


def worst(a: Any, b: Any) -> float:
    """Return the largest difference."""
    assert a.shape == b.shape
    return float(np.abs(a - b).max(initial=0.0))


def assert_parity(flow: NativeFlow, lane: int, net: Any) -> None:
    """Assert that a converged lane has the voltages, flows and loadings in pandapower's tables."""
    assert flow.status[lane] == 0
    assert flow.mismatch_pu[lane] <= flow.tolerance_pu
    assert worst(flow.vm_pu[:, lane], numbers(net.res_bus, "vm_pu")) <= 1e-8
    assert worst(flow.va_degree[:, lane], numbers(net.res_bus, "va_degree")) <= 1e-6
    for name, table in LOADINGS.items():
        if len(net[table]):
            expected = numbers(net[table], "loading_percent")
            assert worst(getattr(flow, name)[:, lane], expected) <= LOADING_AT[flow.tolerance_pu]
    # Powers to what the mismatches of both can add up to.
    within = (flow.tolerance_pu + 1e-9) * float(net.sn_mva) * max(100, len(net.bus))
    for name, (table, column) in COLUMNS.items():
        if len(net[table]):
            assert worst(getattr(flow, name)[:, lane], numbers(net[table], column)) <= within
    assert abs(flow.source_p_mw[lane] - net.res_ext_grid.p_mw.sum()) <= within
    loss = sum(net[f"res_{name}"].pl_mw.sum() for name in ("line", "trafo", "trafo3w"))
    assert abs(flow.loss_mw[lane] - loss) <= within


def mismatch(flow: NativeFlow, lane: int) -> float:
    """Return the largest power mismatch by the equations of NetworkData [p.u.]; no ZIP loads."""
    data, batch = flow.compiled.data, flow._batch
    v = batch.v_re_pu[:, lane] + 1j * batch.v_im_pu[:, lane]
    s = data["p_fixed_pu"] + 1j * data["q_fixed_pu"]
    on = data["injection_node"] >= 0
    power = data["injection_scale"] * (batch.p_mw[:, lane] + 1j * batch.q_mvar[:, lane])
    np.add.at(s, data["injection_node"][on], power[on])
    y = admittance(data, batch.tap_pos[:, lane], batch.shunt_step[:, lane])
    error = v * np.conj(y @ v) - s
    held = data["controlled_node"]
    error.imag[held] = 0.0
    error[held[data["is_source"] == 1]] = 0.0
    return float(max(np.abs(error.real).max(), np.abs(error.imag).max()))
