"""A lane's inputs and results in the tables of a pandapower network.

This is the only place where signs change: the package counts injection positive, pandapower counts
a load's and a storage's consumption positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.results import init_results

from heron.errors import InvalidArgumentError
from powergrid.powerflow.power_flow import LaneStatus, PowerFlow

__all__ = ["RUNPP_OPTIONS", "read_inputs", "write_inputs", "write_results"]

RUNPP_OPTIONS: dict[str, Any] = {
    "calculate_voltage_angles": True,
    "trafo_model": "t",
    "trafo_loading": "current",
    "voltage_depend_loads": True,
    "lightsim2grid": False,
}
"""How pandapower models a network, whoever solves it."""

COLUMN_OF = {  # input: table, column, and the sign in that column
    "load_p_mw": ("load", "p_mw", 1.0),
    "load_q_mvar": ("load", "q_mvar", 1.0),
    "sgen_p_mw": ("sgen", "p_mw", 1.0),
    "sgen_q_mvar": ("sgen", "q_mvar", 1.0),
    "storage_p_mw": ("storage", "p_mw", -1.0),
    "storage_q_mvar": ("storage", "q_mvar", -1.0),
    "gen_p_mw": ("gen", "p_mw", 1.0),
    "gen_vm_pu": ("gen", "vm_pu", 1.0),
    "ext_grid_vm_pu": ("ext_grid", "vm_pu", 1.0),
    "tap_pos": ("trafo", "tap_pos", 1.0),
    "shunt_step": ("shunt", "step", 1.0),
}


def read_inputs(net: pp.pandapowerNet) -> dict[str, NDArray[np.float64]]:
    """Return each input of `PowerFlow` as the network has it, (n_row,), a copy."""
    return {
        name: sign * net[table][column].to_numpy(np.float64, na_value=np.nan)
        for name, (table, column, sign) in COLUMN_OF.items()
    }


def write_inputs(flow: PowerFlow, lane: int, net: pp.pandapowerNet) -> None:
    """Write a lane's inputs to the network's tables."""
    for name, (table, column, sign) in COLUMN_OF.items():
        values = sign * getattr(flow, name)[:, lane]
        if len(net[table]) != len(values):
            raise InvalidArgumentError(
                f"net.{table} has {len(net[table])} rows, but the power flow was made for "
                f"{len(values)}; after adding or removing elements make another one"
            )
        if len(values):
            # Steps are whole numbers there, and pandapower counts with them.
            is_step = name == "shunt_step"
            net[table][column] = np.nan_to_num(np.rint(values)).astype(int) if is_step else values
    if flow.openable is not None:
        flow.openable.write(net, flow.is_open[:, lane])


def write_results(flow: PowerFlow, lane: int, net: pp.pandapowerNet) -> None:
    """Write a lane's inputs and results; see `PowerFlow.to_pandapower`.

    pandapower works out its tables from the lane's voltages: it starts from them, finds them good,
    and so makes no step.
    """
    write_inputs(flow, lane, net)
    if flow.status[lane] != LaneStatus.CONVERGED:
        init_results(net)
        net["converged"] = False
        return
    vm_pu = flow.vm_pu[:, lane]
    pp.runpp(
        net,
        init_vm_pu=np.where(vm_pu > 0.0, vm_pu, 1.0),
        init_va_degree=flow.va_degree[:, lane].copy(),
        tolerance_mva=2.0 * flow.tolerance_pu,  # the same up to rounding; see PandapowerFlow
        **RUNPP_OPTIONS,
    )
