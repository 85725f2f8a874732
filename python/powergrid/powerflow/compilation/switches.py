"""Switches that can be opened: the network with the nodes at both ends of each apart."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray

from powergrid.powerflow.compilation.compiled_network import CompiledNetwork, SwitchNodes
from powergrid.powerflow.compilation.network import compile_network
from powergrid.powerflow.element_rows import ElementRows

__all__ = ["compile_switches"]

OF_BRANCH = (
    *("from_node", "to_node", "r_pu", "x_pu", "r_back_pu", "x_back_pu", "g_from_pu", "b_from_pu"),
    *("g_to_pu", "b_to_pu", "ratio", "shift_degree", "loading_from", "loading_to"),
)


def compile_switches(net: pp.pandapowerNet, compiled: CompiledNetwork) -> SwitchNodes:
    """Compile a network so that each of its closed switches can be opened.

    pandapower makes one node of the buses that a closed switch joins, and two only of a switch with
    an impedance. So every switch gets one here, and what comes out as its branch says which nodes
    it joins. A switch at the end of a line or transformer becomes one between its bus and a new bus
    at that end.

    Parameters
    ----------
    net : pandapowerNet
        Not changed.
    compiled : CompiledNetwork
        What `compile_network` made of it.
    """
    apart = copy.deepcopy(net)
    rows = np.flatnonzero(compiled.elements.can_open["switch"])
    has_impedance = net.switch["z_ohm"].to_numpy(np.float64) > 0.0
    for row in rows.tolist():
        if net.switch["et"].iat[row] != "b":
            _put_between_buses(apart, row)
    # Those with an impedance are branches of the network already.
    switched = np.zeros(len(net.switch), np.bool_)
    switched[rows] = ~(has_impedance[rows] & (net.switch["et"] == "b").to_numpy()[rows])
    apart.switch.loc[apart.switch.index[switched], "z_ohm"] = 1.0
    result = compile_network(apart)

    # The branches of switches come last, in the order of the table.
    z_ohm = apart.switch["z_ohm"].to_numpy(np.float64)
    joints = np.flatnonzero(ElementRows.of(apart).can_open["switch"] & (z_ohm > 0.0))
    data = dict(result.data)
    first = len(data["from_node"]) - len(joints)
    branch_of = np.full(len(net.switch), -1, np.int64)
    branch_of[joints] = first + np.arange(len(joints))
    own = branch_of[switched]
    from_node, to_node = data["from_node"][own], data["to_node"][own]
    for name in OF_BRANCH:
        data[name] = np.ascontiguousarray(np.delete(data[name], own))
    data["node_of_bus"] = np.ascontiguousarray(data["node_of_bus"][: len(net.bus)])
    return SwitchNodes(
        data=data,
        from_node=from_node,
        to_node=to_node,
        number=_numbered(switched),
        branch=_remaining(branch_of, switched),
    )


def _put_between_buses(net: pp.pandapowerNet, row: int) -> None:
    """Turn a switch at a line's or transformer's end into one between its bus and a new one."""
    label = net.switch.index[row]
    bus, element = int(net.switch.at[label, "bus"]), net.switch.at[label, "element"]
    table, ends = (
        (net.line, ("from_bus", "to_bus"))
        if net.switch.at[label, "et"] == "l"
        else (net.trafo, ("hv_bus", "lv_bus"))
    )
    end = next(name for name in ends if table.at[element, name] == bus)
    new = pp.create_bus(net, vn_kv=float(net.bus.at[bus, "vn_kv"]))
    table.loc[element, end] = new
    net.switch.loc[label, ["et", "element"]] = ["b", new]


def _numbered(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the place of each chosen row among them, -1 for the others."""
    return np.where(mask, np.cumsum(mask) - 1, -1).astype(np.int32)


def _remaining(branch_of: NDArray[Any], is_gone: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the numbers of branches once those of some switches are gone, -1 without one."""
    gone = np.sort(branch_of[is_gone])
    left = branch_of - np.searchsorted(gone, branch_of)
    return np.where((branch_of >= 0) & ~is_gone, left, -1).astype(np.int32)
