"""Choosing a power flow by name."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from heron.errors import ConfigError, nearest
from powergrid.powerflow.errors import UnsupportedNetworkError
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import PowerFlow

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["POWER_FLOWS", "make_power_flow"]

POWER_FLOWS = ("native", "pandapower")


def make_power_flow(
    name: str, net: pandapowerNet, n_lane: int = 1, *, tolerance_pu: float = 1e-8
) -> PowerFlow:
    """Return a power flow of a network.

    Parameters
    ----------
    name : str
        "native" or "pandapower". The native one gives way to pandapower, with a UserWarning that
        says what and why, where the network has something that it does not support.
    net : pandapowerNet
        Complete network; see `PowerFlow`.
    n_lane : int
        Number of lanes.
    tolerance_pu : float
        Largest power mismatch of a solution [p.u. of the network's ``sn_mva``].

    Raises
    ------
    ConfigError
        If the name is unknown.
    """
    if name not in POWER_FLOWS:
        raise ConfigError(nearest(name, POWER_FLOWS, kind="power flow"))
    if name == "native":
        try:
            return NativeFlow(net, n_lane, tolerance=tolerance_pu)
        except UnsupportedNetworkError as error:
            warnings.warn(
                f"this network is solved by pandapower, thousands of times slower, because the "
                f"native power flow does not support all of it: {error}",
                UserWarning,
                stacklevel=2,
            )
    from powergrid.powerflow.pandapower_flow import PandapowerFlow

    return PandapowerFlow(net, n_lane, tolerance_mva=tolerance_pu)
