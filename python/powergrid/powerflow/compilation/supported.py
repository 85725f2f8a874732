"""What the native power flow has no model of."""

from __future__ import annotations

import numpy as np
import pandapower as pp

from powergrid.powerflow.compilation.internal import column
from powergrid.powerflow.errors import UnsupportedNetworkError
from powergrid.powerflow.pandapower_tables import RUNPP_OPTIONS

__all__ = ["check_options", "check_supported"]

# Tables whose elements in service have equations of their own.
TABLES = {
    "svc": "a static var compensator changes its susceptance with the voltage",
    "tcsc": "a series compensator changes its reactance with the flow",
    "ssc": "a static synchronous compensator holds a voltage behind an impedance",
    "vsc": "a converter couples the AC to a DC grid",
    "vsc_stacked": "a converter couples the AC to a DC grid",
    "vsc_bipolar": "a converter couples the AC to a DC grid",
    "b2b_vsc": "a converter couples the AC to a DC grid",
    "bus_dc": "DC grids are not solved",
    "line_dc": "DC grids are not solved",
    "load_dc": "DC grids are not solved",
    "source_dc": "DC grids are not solved",
}

# Options that a network can carry in `user_pf_options`.
OPTIONS = {
    "enforce_q_lims": "reactive power limits of generators are not enforced",
    "enforce_p_lims": "active power limits are not enforced",
    "distributed_slack": "external grids alone balance the network",
    "tdpf": "line temperatures are not solved for",
}


def check_supported(net: pp.pandapowerNet) -> None:
    """Raise UnsupportedNetworkError for the first element that cannot be compiled."""
    for table, reason in TABLES.items():
        if table in net and len(net[table]):
            in_service = column(net[table], "in_service", 1.0) > 0.0
            if in_service.any():
                raise UnsupportedNetworkError(table, net[table].index[in_service][0], reason)
    trafo = net.trafo
    in_service = column(trafo, "in_service", 1.0) > 0.0
    if "tap_changer_type" not in trafo and len(trafo):
        raise UnsupportedNetworkError(
            "trafo",
            trafo.index[0],
            "the table has no column tap_changer_type; bring it to pandapower 3 with "
            "pandapower.convert_format(net)",
        )
    has_table = in_service & (column(trafo, "tap_dependency_table", 0.0) > 0.0)
    if has_table.any():
        raise UnsupportedNetworkError(
            "trafo",
            trafo.index[has_table][0],
            "tap_dependency_table is set, and ratios and impedances by table are not compiled",
        )
    # Its angle 2 arcsin(n step / 2) is no multiple of the position n.
    by_percent = (
        in_service
        & (trafo["tap_changer_type"].to_numpy() == "Ideal")
        & (column(trafo, "tap_step_degree", 0.0) == 0.0)
        & (column(trafo, "tap_step_percent", 0.0) != 0.0)
    )
    if by_percent.any():
        raise UnsupportedNetworkError(
            "trafo",
            trafo.index[by_percent][0],
            "an ideal phase shifter must give tap_step_degree, not tap_step_percent",
        )


def check_options(net: pp.pandapowerNet) -> None:
    """Raise UnsupportedNetworkError for an option of the network that cannot be followed."""
    for name, value in RUNPP_OPTIONS.items():
        # `runpp` lets the network override them; lightsim2grid only says who solves.
        if name != "lightsim2grid" and net.user_pf_options.get(name, value) != value:
            reason = f"only {value!r} is compiled"
            raise UnsupportedNetworkError("user_pf_options", name, reason)
    for name, reason in OPTIONS.items():
        if np.any(net._options.get(name, False)):
            raise UnsupportedNetworkError("user_pf_options", name, reason)
