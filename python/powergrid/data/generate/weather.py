"""Seeded weather of an area: cloud cover, air temperature and wind speed, hour by hour.

Every quantity is a regional Gaussian process, shared by all areas, mixed with a local one, so
that fronts and heat waves hit neighbours together but never alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gamma

from powergrid.data.dataset import FloatArray
from powergrid.data.generate import clock
from powergrid.data.generate.areas import Area
from powergrid.data.generate.streams import shared, stream, uniform
from powergrid.data.noise import red_noise

#: Shape of the Weibull distribution of wind speeds; 2 (Rayleigh) is the usual choice.
WEIBULL_SHAPE = 2.0


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Hourly weather of one area over both years; every array is ``(N_HOUR,)``."""

    cloud_cover: FloatArray  # share of the sky, 0..1
    temperature_c: FloatArray
    wind_speed_m_s: FloatArray  # at hub height


def make_weather(seed: int, area: Area) -> Weather:
    """Draw the weather of an area; the same seed gives the same weather."""
    summer, hour = clock.summer(), clock.hour_of_day()
    cover = _cloud_cover(seed, area, summer)

    synoptic = _front(seed, area, "temperature", memory_h=70.0, correlation=0.6)
    # Clouds cut the swing between night and day.
    swing = area.temperature_day_c * (1.0 - 0.6 * cover)
    temperature = (
        area.temperature_mean_c
        + area.temperature_season_c * summer
        + swing * np.cos(2.0 * np.pi * (hour - 15.5) / 24.0)
        + 3.6 * synoptic
    )

    gusts = red_noise(stream(seed, "wind", area.name), clock.N_HOUR, 4.0)
    fronts = _front(seed, area, "wind front", memory_h=26.0, correlation=0.45)
    rank = uniform(shared(fronts, gusts, 0.72))
    # Inverse of the Weibull distribution function, with the scale that has the wanted mean.
    scale = area.wind_mean_m_s / gamma(1.0 + 1.0 / WEIBULL_SHAPE)
    speed = scale * (-np.log1p(-rank)) ** (1.0 / WEIBULL_SHAPE)
    speed *= 1.0 + area.wind_season * summer
    speed *= 1.0 + area.wind_day * np.cos(2.0 * np.pi * (hour - area.wind_peak_h) / 24.0)
    return Weather(cloud_cover=cover, temperature_c=temperature, wind_speed_m_s=speed)


def _front(seed: int, area: Area, name: str, *, memory_h: float, correlation: float) -> FloatArray:
    regional = red_noise(stream(seed, name, "region"), clock.N_HOUR, memory_h)
    local = red_noise(stream(seed, name, area.name), clock.N_HOUR, memory_h)
    return shared(regional, local, correlation)


def _cloud_cover(seed: int, area: Area, summer: FloatArray) -> FloatArray:
    """Draw the cover: 0 for the clear share of the season's time, and any value above it."""
    middle = 0.5 * (area.cloudy_winter + area.cloudy_summer)
    cloudy = middle + 0.5 * (area.cloudy_summer - area.cloudy_winter) * summer
    rank = uniform(_front(seed, area, "cloud", memory_h=22.0, correlation=0.4))
    cover = np.maximum(rank - (1.0 - cloudy), 0.0) / cloudy
    # Broken cloud changes from hour to hour; a clear or a closed sky does not.
    texture = red_noise(stream(seed, "cloud texture", area.name), clock.N_HOUR, 1.5)
    return np.clip(cover + 1.1 * cover * (1.0 - cover) * texture, 0.0, 1.0)
