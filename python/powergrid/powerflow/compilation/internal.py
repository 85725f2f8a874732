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

from powergrid.powerflow.pandapower_tables import RUNPP_OPTIONS

__all__ = ["InternalModel", "build_internal_model", "column", "neutral_model"]


@dataclass
class InternalModel:
    """A pandapower network and what pandapower makes of it before it solves."""

    net: pp.pandapowerNet  # with pandapower's lookups in it
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


def neutral_model(net: pp.pandapowerNet) -> InternalModel:
    """Let pandapower build its model of a copy of `net` without what a lane can change.

    That has no loads, no generation and no shunt steps, and tap changers of two-winding
    transformers in their neutral position.
    """
    net = copy.deepcopy(net)
    for table in ("load", "sgen", "storage"):
        net[table][["p_mw", "q_mvar"]] = 0.0
    net.gen["p_mw"] = 0.0
    has_table = column(net.shunt, "step_dependency_table", 0.0) > 0.0
    net.shunt["step"] = np.where(has_table, column(net.shunt, "step"), 0.0)
    net.trafo["tap_pos"] = column(net.trafo, "tap_neutral")
    return build_internal_model(net)


def build_internal_model(net: pp.pandapowerNet) -> InternalModel:
    """Let pandapower build its model of `net`, as ``runpp`` does before it solves.

    `net` gets empty result tables, pandapower's lookups and the generators that stand for DC
    lines; pandapower's own clean-up takes the latter away.
    """
    passed = {"init": "dc", "tolerance_mva": 1e-8, **RUNPP_OPTIONS}
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


def column(table: Any, name: str, default: float = np.nan) -> NDArray[np.float64]:
    """Return a column as numbers, with `default` for what is missing."""
    if name not in table.columns:
        return np.full(len(table), default)
    values: NDArray[np.float64] = (
        table[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    )
    return np.where(np.isnan(values), default, values)
