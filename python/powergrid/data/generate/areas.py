"""The areas that series are made for, and what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Area:
    """Climate, wind and customers of one balancing area, at its main city.

    The climate figures are rounded normals, chosen so that the areas differ as they do in
    nature: a Mediterranean valley, two deserts and a rainy coast.
    """

    name: str
    place: str
    latitude: float  # [degree]
    longitude: float  # [degree], east positive
    altitude_m: float
    linke_turbidity: float  # clear-sky haze, about 2 (dry mountain air) to 5 (humid)
    cloudy_winter: float  # share of the time with any cloud in January
    cloudy_summer: float  # the same in July
    temperature_mean_c: float  # annual mean
    temperature_season_c: float  # half the difference between July and January means
    temperature_day_c: float  # half the difference between a clear day's maximum and minimum
    wind_mean_m_s: float  # at hub height
    wind_season: float  # relative swing over the year, positive: more wind in summer
    wind_day: float  # relative swing over the day
    wind_peak_h: float  # hour of the day with most wind
    residential: float  # share of the energy used by homes; shops and offices use the rest
    cooling_per_c: float  # load per degree above the comfort band, relative to the base load
    heating_per_c: float  # the same below the comfort band
    weight: float  # share of the region's demand, for the price
    basis: float  # price of the area over the region's: congestion and losses, relative


AREAS = (
    Area(
        name="BANC",
        place="Sacramento, California",
        latitude=38.58,
        longitude=-121.49,
        altitude_m=9.0,
        linke_turbidity=3.2,
        cloudy_winter=0.68,
        cloudy_summer=0.18,
        temperature_mean_c=16.5,
        temperature_season_c=7.8,
        temperature_day_c=7.5,
        wind_mean_m_s=6.6,
        wind_season=0.22,
        wind_day=0.24,
        wind_peak_h=20.5,
        residential=0.58,
        cooling_per_c=0.044,
        heating_per_c=0.009,
        weight=0.34,
        basis=1.0,
    ),
    Area(
        name="NEVP",
        place="Las Vegas, Nevada",
        latitude=36.17,
        longitude=-115.14,
        altitude_m=610.0,
        linke_turbidity=2.6,
        cloudy_winter=0.42,
        cloudy_summer=0.24,
        temperature_mean_c=20.5,
        temperature_season_c=11.3,
        temperature_day_c=7.0,
        wind_mean_m_s=6.4,
        wind_season=0.10,
        wind_day=0.16,
        wind_peak_h=17.0,
        residential=0.50,
        cooling_per_c=0.032,
        heating_per_c=0.010,
        weight=0.20,
        basis=0.96,
    ),
    Area(
        name="AZPS",
        place="Phoenix, Arizona",
        latitude=33.45,
        longitude=-112.07,
        altitude_m=331.0,
        linke_turbidity=2.9,
        cloudy_winter=0.36,
        cloudy_summer=0.30,
        temperature_mean_c=23.8,
        temperature_season_c=10.6,
        temperature_day_c=7.5,
        wind_mean_m_s=5.9,
        wind_season=-0.08,
        wind_day=0.20,
        wind_peak_h=18.0,
        residential=0.62,
        cooling_per_c=0.034,
        heating_per_c=0.009,
        weight=0.26,
        basis=0.98,
    ),
    Area(
        name="PACW",
        place="Portland, Oregon",
        latitude=45.52,
        longitude=-122.68,
        altitude_m=15.0,
        linke_turbidity=2.8,
        cloudy_winter=0.88,
        cloudy_summer=0.48,
        temperature_mean_c=12.4,
        temperature_season_c=7.9,
        temperature_day_c=5.5,
        wind_mean_m_s=7.4,
        wind_season=0.12,
        wind_day=0.10,
        wind_peak_h=19.0,
        residential=0.48,
        cooling_per_c=0.018,
        heating_per_c=0.022,
        weight=0.20,
        basis=0.94,
    ),
)
