"""Load of an area from standard load profiles and the weather (demandlib)."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from powergrid.data.dataset import FloatArray
from powergrid.data.generate import clock
from powergrid.data.generate.areas import Area
from powergrid.data.generate.streams import stream
from powergrid.data.noise import red_noise

COMFORT_LOW_C, COMFORT_HIGH_C = 14.0, 21.0
#: Buildings follow the air with this delay.
THERMAL_MEMORY_H = 6.0
#: Share of the energy that pumps, street lights and processes use at any hour.
ALWAYS_ON = 0.18
LOAD_MIN, LOAD_MAX = 0.25, 1.0


def hourly_load(seed: int, area: Area, temperature_c: FloatArray) -> FloatArray:
    """Return the load of each hour of both years as a multiple of nominal, ``(N_HOUR,)``.

    The area's highest hours reach 1.0, the nominal (published) load of a feeder; what would lie
    below 0.25 is raised to it.
    """
    base = ALWAYS_ON + (1.0 - ALWAYS_ON) * standard_shape(area.residential)
    decay = float(np.exp(-1.0 / THERMAL_MEMORY_H))
    # The filter starts settled at the first temperature.
    felt, _ = lfilter(
        [1.0 - decay], [1.0, -decay], temperature_c, zi=[decay * float(temperature_c[0])]
    )
    cooling = area.cooling_per_c * np.maximum(felt - COMFORT_HIGH_C, 0.0)
    heating = area.heating_per_c * np.maximum(COMFORT_LOW_C - felt, 0.0)
    # Machines run for the people who are there, and a little for the walls.
    occupied = 0.45 + 0.55 * base / base.mean()
    rng = stream(seed, "load", area.name)
    wobble = 0.035 * red_noise(rng, clock.N_HOUR, 40.0) + 0.02 * red_noise(rng, clock.N_HOUR, 2.0)
    load = (base / base.mean() + (cooling + heating) * occupied) * (1.0 + wobble)
    nominal = np.quantile(load, 0.9995)
    return np.asarray(np.clip(load / nominal, LOAD_MIN, LOAD_MAX), dtype=np.float64)


def standard_shape(residential: float) -> FloatArray:
    """Mix the household (H25) and trade (G25) profiles of BDEW, mean about 1, ``(N_HOUR,)``.

    The season that is in the profiles belongs to another climate, so each month is brought to
    the same mean; the weather puts the season back.
    """
    from demandlib.bdew import G25, H25
    from pandas.tseries.holiday import USFederalHolidayCalendar

    quarters = clock.index(15).tz_localize(None)
    free = USFederalHolidayCalendar().holidays(quarters[0], quarters[-1])
    days = [day.date() for day in free]
    shapes = []
    for profile in (H25, G25):
        power = profile(quarters, holidays=days)
        hourly = np.asarray(power, dtype=np.float64).reshape(-1, 4).mean(axis=1)
        month = np.asarray(quarters.month)[::4] - 1
        by_month = np.bincount(month, hourly) / np.bincount(month)
        shapes.append(hourly / by_month[month])
    return np.asarray(residential * shapes[0] + (1.0 - residential) * shapes[1], dtype=np.float64)
