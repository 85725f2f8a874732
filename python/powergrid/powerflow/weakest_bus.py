"""Where a network that cannot be solved is weakest."""

from __future__ import annotations

import numpy as np

from powergrid.powerflow.lane import FlowLane

__all__ = ["weakest_bus"]

SHARES = (1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.0)


def weakest_bus(flow: FlowLane) -> tuple[str, float, float]:
    """Return the bus of lowest voltage under the largest share of the demand that can be solved.

    A power flow that does not converge has no voltages; those of a lighter load show where it
    collapses. Loads and injections are scaled alike and restored; `flow.result` is that of the
    last trial.

    Returns
    -------
    name : str
        Of the bus.
    vm_pu : float
        Its voltage [p.u.]; NaN if not even the unloaded network can be solved.
    share : float
        Of loads and injections at which it was found.
    """
    scaled = (
        flow.load_p_mw,
        flow.load_q_mvar,
        flow.sgen_p_mw,
        flow.sgen_q_mvar,
        flow.storage_p_mw,
        flow.storage_q_mvar,
    )
    wanted = [values.copy() for values in scaled]
    names = flow.bus_names
    found = (names[0], float("nan"), 0.0)
    for share in SHARES:
        for values, full in zip(scaled, wanted, strict=True):
            values[:] = share * full
        if flow.solve():
            vm = np.where(flow.result.vm_pu > 0.0, flow.result.vm_pu, np.inf)  # 0: out of supply
            row = int(np.argmin(vm))
            found = (names[row], float(vm[row]), share)
            break
    for values, full in zip(scaled, wanted, strict=True):
        values[:] = full
    return found
