"""Injections and admittances: those that a lane can change, and the rest, which stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.pypower.idx_bus import BS, GS, PD, QD
from pandapower.pypower.idx_gen import GEN_BUS, PG

from powergrid.powerflow.compilation.compiled_network import InjectionRows
from powergrid.powerflow.compilation.internal import InternalModel, column

__all__ = ["fixed_arrays", "injection_arrays", "shunt_arrays"]

SHARES = {
    "p_current_share": "const_i_p_percent",
    "q_current_share": "const_i_q_percent",
    "p_impedance_share": "const_z_p_percent",
    "q_impedance_share": "const_z_q_percent",
}

# p.u. of base_mva injected for one MW of the input: loads give their consumption; the other
# inputs count what is injected, storages too, whose pandapower table counts what they draw.
SIGNS = {"load": -1.0, "sgen": 1.0, "storage": 1.0, "gen": 1.0}


def injection_arrays(
    model: InternalModel, net: pp.pandapowerNet
) -> tuple[dict[str, Any], InjectionRows]:
    """Return the injection fields of NetworkData, and where each table's rows are.

    Parameters
    ----------
    model
        Whose tables of powers are zero.
    net
        The network as its author gave it, for the powers that a batch begins with.
    """
    fields: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("injection_node", "injection_scale", "p_mw", "q_mvar", *SHARES)
    }
    rows, start = {}, 0
    for table, sign in SIGNS.items():
        frame = net[table]
        rows[table] = slice(start, start + len(frame))
        start += len(frame)
        is_on = np.asarray(model.net._is_elements[table], bool)[: len(frame)]
        node = np.where(is_on, model.nodes(frame["bus"].to_numpy(np.int64)), -1)
        scale = sign * column(frame, "scaling", 1.0) / model.ppc["baseMVA"]
        fields["injection_node"].append(node.astype(np.int32))
        fields["injection_scale"].append(np.where(node < 0, 0.0, scale))
        to_input = -1.0 if table == "storage" else 1.0
        # + 0.0: no negative zeros among the inputs
        for name in ("p_mw",) if table == "gen" else ("p_mw", "q_mvar"):
            values = to_input * column(frame, name) + 0.0
            fields[name].append(np.where((node < 0) & np.isnan(values), 0.0, values))
        if table == "gen":  # their reactive power follows from the voltage
            fields["q_mvar"].append(np.zeros(len(frame)))
        for field, name in SHARES.items():
            is_load = table == "load"
            share = column(frame, name, 0.0) / 100.0 if is_load else np.zeros(len(frame))
            fields[field].append(share)
    arrays = {name: np.concatenate(parts) for name, parts in fields.items()}
    if not any(arrays[name].any() for name in SHARES):
        arrays |= {name: np.zeros(0) for name in SHARES}
    return arrays, InjectionRows(**rows)


def fixed_arrays(model: InternalModel) -> dict[str, Any]:
    """Return what no lane changes: wards, motors, DC lines, asymmetric loads and the like."""
    bus, gen, base = model.ppci["bus"], model.ppci["gen"], model.ppc["baseMVA"]
    p = 0.0 - bus[:, PD]
    np.add.at(p, gen[:, GEN_BUS].astype(np.int64), gen[:, PG])
    return {
        "p_fixed_pu": p / base,
        "q_fixed_pu": (0.0 - bus[:, QD]) / base,
        "g_shunt_pu": bus[:, GS] / base,
        "b_shunt_pu": bus[:, BS] / base,
    }


def shunt_arrays(model: InternalModel, net: pp.pandapowerNet) -> dict[str, Any]:
    """Return the shunt fields of NetworkData; those with power by table are among the fixed."""
    shunt = net.shunt
    node = model.nodes(shunt["bus"].to_numpy(np.int64))
    is_off = ~np.asarray(model.net._is_elements["shunt"], bool)
    node[is_off | (column(shunt, "step_dependency_table", 0.0) > 0.0)] = -1
    bus_kv = net.bus["vn_kv"].loc[shunt["bus"]].to_numpy(np.float64)
    vn_kv = column(shunt, "vn_kv")
    of_mw = (bus_kv / np.where(np.isnan(vn_kv), bus_kv, vn_kv)) ** 2 / model.ppc["baseMVA"]
    of_mw = np.where(node < 0, 0.0, of_mw)
    return {
        "shunt_node": node,
        "shunt_g_pu": column(shunt, "p_mw", 0.0) * of_mw,
        "shunt_b_pu": -column(shunt, "q_mvar", 0.0) * of_mw,
        "shunt_step": column(shunt, "step", 1.0),
    }
