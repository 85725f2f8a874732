"""The European CIGRE benchmark networks, from pandapower's own collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergrid.networks.regulators import ensure_regulator_columns
from powergrid.networks.scaling import check_load_scale, scale_loads

if TYPE_CHECKING:
    from pandapower import pandapowerNet

_NAMED_TABLES = ("bus", "line", "trafo", "load", "switch", "ext_grid")


def CIGRELV(name: str = "", *, load_scale: float = 1.0) -> pandapowerNet:
    """Build the CIGRE low-voltage network: 44 buses, 20/0.4 kV, three feeders, 50 Hz.

    Parameters
    ----------
    name : str
        Prefix of all names ("LV1" gives "LV1 Bus R1") and zone of all buses.
    load_scale : float
        Factor on the loads, > 0.

    Returns
    -------
    pandapowerNet
        As pandapower builds it, with names and zone; its plain transformers carry the
        regulator columns of the IEEE feeders, unset.
    """
    from pandapower.networks import create_cigre_network_lv

    return _named(create_cigre_network_lv(), name, load_scale)


def CIGREMV(name: str = "", *, load_scale: float = 1.0) -> pandapowerNet:
    """Build the CIGRE medium-voltage network: 15 buses, 110/20 kV, two feeders, 50 Hz.

    Parameters and result are those of `CIGRELV`; there is no distributed generation.
    """
    from pandapower.networks import create_cigre_network_mv

    return _named(create_cigre_network_mv(with_der=False), name, load_scale)


def _named(net: pandapowerNet, name: str, load_scale: float) -> pandapowerNet:
    """Prefix all names, set the zone and scale the loads, in place."""
    check_load_scale(load_scale)
    if name:
        for table in _NAMED_TABLES:
            names = net[table]["name"]
            net[table]["name"] = [f"{name} {old}" if isinstance(old, str) else old for old in names]
    net.name = name
    net.bus["zone"] = name
    scale_loads(net, load_scale)
    ensure_regulator_columns(net)
    return net
