"""pandapower's own internal model, from which everything is compiled.

These functions are pandapower's private ones; `pyproject.toml` pins the minor version they are of.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.auxiliary import _add_auxiliary_elements, _init_runpp_options
from pandapower.pd2ppc import _pd2ppc
from pandapower.results import init_results

__all__ = ["OPTIONS", "InternalModel", "column", "internal_model"]

# What both implementations of power flow ask of pandapower.
OPTIONS: dict[str, Any] = {
    "calculate_voltage_angles": True,
    "trafo_model": "t",
    "trafo_loading": "current",
    "lightsim2grid": False,
    "voltage_depend_loads": True,
}

FREE_TABLES = ("load", "sgen", "storage")  # whose powers are inputs of a lane


@dataclass
class InternalModel:
    """A pandapower network and what pandapower makes of it before it solves."""

    net: pp.pandapowerNet  # a copy, with pandapower's lookups in it
    ppc: dict[str, Any]  # every branch, in the order of the tables
    ppci: dict[str, Any]  # what is in service and supplied; its buses are the first of ppc's

    @property
    def n_node(self) -> int:
        """Number of buses that are supplied, fused ones counted once."""
        return len(self.ppci["bus"])

    def nodes(self, buses: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the node of each bus number, -1 where the bus is out of supply."""
        if not buses.size:
            return np.zeros(0, np.int32)
        row = self.net._pd2ppc_lookups["bus"][buses]
        return np.where(row < self.n_node, row, -1).astype(np.int32)

    def branches(self, table: str) -> slice:
        """Return the rows of a table's branches in ``ppc["branch"]``."""
        start, stop = self.net._pd2ppc_lookups["branch"].get(table, (0, 0))
        return slice(int(start), int(stop))


def internal_model(net: pp.pandapowerNet, *, is_neutral: bool) -> InternalModel:
    """Let pandapower build its model of a copy of `net`.

    Parameters
    ----------
    is_neutral
        Without what a lane can change: no loads, no generation, no shunt steps, tap changers of
        two-winding transformers in their neutral position. Otherwise as the tables say.
    """
    net = copy.deepcopy(net)
    if is_neutral:
        _neutralise(net)
    passed = {"init": "dc", "tolerance_mva": 1e-8, **OPTIONS}
    _init_runpp_options(
        net,
        algorithm="nr",
        max_iteration="auto",
        enforce_p_lims=False,
        enforce_q_lims=False,
        check_connectivity=True,
        passed_parameters=passed,
        **passed,
    )
    net["converged"] = False
    _add_auxiliary_elements(net)
    init_results(net)
    empty = np.array([], dtype=np.int64)
    net._pd2ppc_lookups = {
        name: empty.copy() for name in ("bus", "bus_dc", "ext_grid", "gen", "branch", "branch_dc")
    }
    ppc, ppci = _pd2ppc(net)
    net["_ppc"] = ppc
    return InternalModel(net, ppc, ppci)


def _neutralise(net: pp.pandapowerNet) -> None:
    for table in FREE_TABLES:
        net[table][["p_mw", "q_mvar"]] = 0.0
    net.gen["p_mw"] = 0.0
    has_table = column(net.shunt, "step_dependency_table", 0.0) > 0.0
    net.shunt["step"] = np.where(has_table, column(net.shunt, "step"), 0.0)
    net.trafo["tap_pos"] = column(net.trafo, "tap_neutral")


def column(table: Any, name: str, default: float = np.nan) -> NDArray[np.float64]:
    """Return a column as numbers, with `default` for what is missing."""
    if name not in table.columns:
        return np.full(len(table), default)
    values: NDArray[np.float64] = table[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(values), default, values)
