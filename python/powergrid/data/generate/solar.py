"""Power of a photovoltaic plant from the sun's path, the clouds and the air (pvlib)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powergrid.data.dataset import FloatArray
from powergrid.data.generate.areas import Area

if TYPE_CHECKING:
    import pandas as pd

TILT_DEGREE = 25.0  # fixed, facing south: the usual roof or small field
AZIMUTH_DEGREE = 180.0
DC_OVER_AC = 1.25  # panels over inverter rating, so clear noons of spring are clipped
SYSTEM_LOSS = 0.14  # soiling, mismatch, wiring: the PVWatts default
POWER_PER_KELVIN = -0.0037  # temperature coefficient of crystalline silicon


def clearness(cloud_cover: FloatArray) -> FloatArray:
    """Return global irradiance over its clear-sky value.

    ``1 - 0.75 cover**3.4``, from Kasten and Czeplak, Solar Energy 24 (1980), p. 177.
    """
    return np.asarray(1.0 - 0.75 * cloud_cover**3.4)


def photovoltaic_power(
    times: pd.DatetimeIndex, area: Area, clear: FloatArray, temperature_c: FloatArray
) -> FloatArray:
    """Return the power of a plant at given moments.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        Moments, with their time zone, ``(n,)``.
    area : Area
        Where the plant stands.
    clear : numpy.ndarray
        Irradiance over its clear-sky value at those moments, ``(n,)``.
    temperature_c : numpy.ndarray
        Air temperature, ``(n,)``.

    Returns
    -------
    numpy.ndarray
        Power in p.u. of the inverter's rating, 0..1, ``(n,)``.
    """
    from pvlib import atmosphere, clearsky, inverter, irradiance, pvsystem, solarposition
    from pvlib import temperature as cell

    sun = solarposition.get_solarposition(
        times, area.latitude, area.longitude, altitude=area.altitude_m
    )
    zenith, azimuth = sun["apparent_zenith"], sun["azimuth"]
    air_mass = atmosphere.get_absolute_airmass(
        atmosphere.get_relative_airmass(zenith), atmosphere.alt2pres(area.altitude_m)
    )
    sky = clearsky.ineichen(zenith, air_mass, area.linke_turbidity, altitude=area.altitude_m)
    ghi = sky["ghi"] * clear
    # The Erbs split into beam and diffuse light: less clear means almost only diffuse.
    split = irradiance.erbs(ghi, sun["zenith"], times)
    plane = irradiance.get_total_irradiance(
        TILT_DEGREE, AZIMUTH_DEGREE, zenith, azimuth, split["dni"], ghi, split["dhi"]
    )["poa_global"].fillna(0.0)
    cell_c = cell.faiman(plane, temperature_c)
    direct = pvsystem.pvwatts_dc(plane, cell_c, DC_OVER_AC * (1.0 - SYSTEM_LOSS), POWER_PER_KELVIN)
    # pdc0 of the inverter is its direct-current limit, so its rating is 1.0 on the other side.
    return np.asarray(
        np.clip(np.asarray(inverter.pvwatts(direct, 1.0 / 0.96)), 0.0, 1.0), dtype=np.float64
    )


def hourly_solar(area: Area, cloud_cover: FloatArray, temperature_c: FloatArray) -> FloatArray:
    """Return the mean power of each hour of both years, p.u. of rating, ``(N_HOUR,)``."""
    import pandas as pd

    from powergrid.data.generate import clock

    per_hour = 4
    times = clock.index(60 // per_hour) + pd.Timedelta(minutes=30 // per_hour)
    hour = np.arange(clock.N_HOUR) + 0.5
    moment = (np.arange(clock.N_HOUR * per_hour) + 0.5) / per_hour
    clear = np.interp(moment, hour, clearness(cloud_cover))
    power = photovoltaic_power(times, area, clear, np.interp(moment, hour, temperature_c))
    return np.asarray(power.reshape(-1, per_hour).mean(axis=1), dtype=np.float64)
