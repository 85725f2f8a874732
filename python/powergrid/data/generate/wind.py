"""Power of a wind plant from the wind speed and a turbine's power curve (windpowerlib)."""

from __future__ import annotations

import numpy as np

from powergrid.data.dataset import FloatArray

TURBINE = "E-82/2300"
HUB_HEIGHT_M = 85.0
#: Gusts within the hour and over the site smear the curve of a single machine.
TURBULENCE_INTENSITY = 0.12
AVAILABILITY = 0.97


def wind_power(speed_m_s: FloatArray) -> FloatArray:
    """Return the power at given wind speeds at hub height, p.u. of rating, 0..1."""
    from windpowerlib import WindTurbine
    from windpowerlib.power_curves import smooth_power_curve

    turbine = WindTurbine(hub_height=HUB_HEIGHT_M, turbine_type=TURBINE)
    curve = smooth_power_curve(
        turbine.power_curve["wind_speed"],
        turbine.power_curve["value"],
        standard_deviation_method="turbulence_intensity",
        turbulence_intensity=TURBULENCE_INTENSITY,
    )
    per_unit = np.interp(
        speed_m_s,
        curve["wind_speed"].to_numpy(float),
        curve["value"].to_numpy(float) / float(curve["value"].max()),
        right=0.0,  # above cut-out the machine is parked
    )
    return np.asarray(np.clip(AVAILABILITY * per_unit, 0.0, 1.0), dtype=np.float64)
