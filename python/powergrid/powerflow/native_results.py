"""pandapower's result tables from the native voltages, by pandapower's own writers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.pf.ppci_variables import _get_pf_variables_from_ppci
from pandapower.powerflow import _ppci_to_net
from pandapower.pypower.idx_bus import PD, QD
from pandapower.pypower.makeYbus import makeYbus
from pandapower.pypower.pfsoln import pfsoln

from heron.errors import InvalidArgumentError
from powergrid.powerflow.compilation.injections import SHARES
from powergrid.powerflow.compilation.internal import InternalModel, build_internal_model, column

__all__ = ["write_voltages"]


def write_voltages(net: pp.pandapowerNet, v_pu: NDArray[np.complex128]) -> None:
    """Fill ``net.res_*`` from the voltages of all nodes; nothing is solved.

    Parameters
    ----------
    net : pandapowerNet
        With the inputs that the voltages solve.
    v_pu : ndarray of complex128, (n_node,)
        In the order of pandapower's internal model, which is that of the compiled network.

    Raises
    ------
    InvalidArgumentError
        If the network has other nodes than the one that was compiled.
    """
    model = build_internal_model(net)
    if model.n_node != len(v_pu):
        raise InvalidArgumentError(
            f"the network has {model.n_node} nodes in supply, but had {len(v_pu)} when it was "
            f"compiled; after a change of switches or of what is in service, compile it anew"
        )
    ppci = model.ppci
    _add_voltage_dependence(model, np.abs(v_pu))
    base, bus, gen, branch, svc, tcsc, ssc, vsc, ref, pv, pq, *_, ref_gens = (
        _get_pf_variables_from_ppci(ppci)
    )
    y_bus, y_from, y_to = makeYbus(base, bus, branch)
    bus, gen, branch = pfsoln(
        base, bus, gen, branch, svc, tcsc, ssc, vsc, y_bus, y_from, y_to, v_pu, ref, ref_gens
    )
    ppci |= {"bus": bus, "gen": gen, "branch": branch, "success": True, "iterations": 0, "et": 0.0}
    ppci["internal"] |= {"Ybus": y_bus, "Yf": y_from, "Yt": y_to, "V": v_pu}
    ppci["internal"] |= {"ref": ref, "pv": pv, "pq": pq, "bus": bus, "gen": gen, "branch": branch}
    _ppci_to_net(ppci, net)


def _add_voltage_dependence(model: InternalModel, vm_pu: NDArray[np.float64]) -> None:
    """Make the bus sums what loads draw at these voltages; what sources supply follows from them.

    pandapower takes the sums at 1 p.u. there.
    """
    load = model.net.load
    node = model.nodes(load["bus"].to_numpy(np.int64))
    is_on = (node >= 0) & np.asarray(model.net._is_elements["load"], bool)
    vm = vm_pu[node]
    share: dict[str, Any] = {field: column(load, name, 0.0) / 100 for field, name in SHARES.items()}
    for at, power, part in ((PD, "p_mw", "p"), (QD, "q_mvar", "q")):
        current, impedance = share[f"{part}_current_share"], share[f"{part}_impedance_share"]
        more = current * (vm - 1.0) + impedance * (vm**2 - 1.0)
        change = column(load, power) * column(load, "scaling", 1.0) * more
        np.add.at(model.ppci["bus"][:, at], node[is_on], change[is_on])
