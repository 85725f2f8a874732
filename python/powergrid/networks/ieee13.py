"""IEEE 13-bus feeder: 4.16 kV, short and heavily loaded, one regulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergrid.networks.feeder import build_feeder
from powergrid.networks.regulators import RegulatorModel

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def IEEE13Bus(
    name: str = "", *, regulators: RegulatorModel = "5MVA", load_scale: float = 1.0
) -> pandapowerNet:
    """Build the balanced equivalent of the IEEE 13-bus feeder.

    14 buses, 10 lines, 2 transformers (one is the regulator 650-RG60), 1 switch; 3.466 MW and
    2.102 Mvar of load, 0.7 Mvar of capacitors; source bus 650 at 1.0 p.u.

    Parameters
    ----------
    name : str
        Prefix of all names ("MG1" gives "MG1 Bus 633") and zone of all buses.
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
    return build_feeder("ieee13", name, regulators=regulators, load_scale=load_scale)
