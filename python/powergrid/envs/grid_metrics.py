"""What a power flow shows of the whole network."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

__all__ = ["grid_metrics"]


def grid_metrics(flow: FlowLane) -> dict[str, Any]:
    """Return what the last power flow shows.

    Returns
    -------
    dict
        ``converged``; ``v_min_pu``, ``v_max_pu``, ``max_line_loading_percent``,
        ``n_voltage_violation``, ``n_overload`` over the whole network; ``source_p_mw``,
        ``source_q_mvar``, ``loss_mw``, ``load_mw``, ``generation_mw`` (devices' injection);
        ``tap_positions`` by transformer with a tap changer.
    """
    result = flow.result
    is_supplied = result.vm_pu > 0.0
    vm, loading = result.vm_pu[is_supplied], result.line_loading_percent
    return {
        "converged": result.converged,
        "v_min_pu": float(vm.min(initial=np.inf)),
        "v_max_pu": float(vm.max(initial=0.0)),
        "max_line_loading_percent": float(loading.max(initial=0.0)),
        "n_voltage_violation": int(((vm < V_MIN_PU) | (vm > V_MAX_PU)).sum()),
        "n_overload": int((loading > 100.0).sum()),
        "source_p_mw": result.source_p_mw,
        "source_q_mvar": result.source_q_mvar,
        "loss_mw": result.loss_mw,
        "load_mw": float(flow.load_p_mw.sum()),
        "generation_mw": float(flow.sgen_p_mw.sum() + flow.storage_p_mw.sum()),
        "tap_positions": {
            name: tap
            for name, tap in zip(flow.trafo_names, flow.tap_pos.tolist(), strict=True)
            if np.isfinite(tap)
        },
    }
