"""IEEE 34-bus feeder: 24.9 kV, long and lightly loaded, two regulators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergrid.networks.feeder import build_feeder
from powergrid.networks.regulators import RegulatorModel

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def IEEE34Bus(
    name: str = "", *, regulators: RegulatorModel = "5MVA", load_scale: float = 1.0
) -> pandapowerNet:
    """Build the balanced equivalent of the IEEE 34-bus feeder.

    36 buses, 32 lines, 3 transformers (two are the regulators 814-814R and 852-852R); 1.769 MW
    and 1.044 Mvar of load, 0.75 Mvar of capacitors; source bus 800 at 1.05 p.u.

    Parameters
    ----------
    name : str
        Prefix of all names ("DSO" gives "DSO Bus 850") and zone of all buses.
    regulators : {"5MVA", "ideal"}
        Regulators of 1 % at 5 MVA (a plain ``runpp(net)`` converges) or nearly without
        impedance (start from `powergrid.networks.start.tap_aware_start`).
    load_scale : float
        Factor on the published loads, > 0.

    Returns
    -------
    pandapowerNet
        60 Hz, base 1 MVA; the source bus has index 0.
    """
    return build_feeder("ieee34", name, regulators=regulators, load_scale=load_scale)
