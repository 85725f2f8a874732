"""IEEE 123-bus feeder: 4.16 kV, many laterals, switches and four regulators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergrid.networks.feeder import build_feeder
from powergrid.networks.regulators import RegulatorModel

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def IEEE123Bus(
    name: str = "", *, regulators: RegulatorModel = "5MVA", load_scale: float = 1.0
) -> pandapowerNet:
    """Build the balanced equivalent of the IEEE 123-bus feeder.

    130 buses, 118 lines, 5 transformers (four are regulators), 8 switches (6 closed); 3.49 MW
    and 1.92 Mvar of load, 0.75 Mvar of capacitors; source bus 150 at 1.0 p.u.

    Parameters
    ----------
    name : str
        Prefix of all names ("DSO" gives "DSO Bus 48") and zone of all buses.
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
    return build_feeder("ieee123", name, regulators=regulators, load_scale=load_scale)
