"""All hourly series of all areas from one seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from powergrid.data.dataset import Dataset, FloatArray
from powergrid.data.generate import clock
from powergrid.data.generate.areas import AREAS, Area
from powergrid.data.generate.load import hourly_load
from powergrid.data.generate.price import area_price, net_load, regional_price
from powergrid.data.generate.solar import hourly_solar
from powergrid.data.generate.weather import Weather, make_weather
from powergrid.data.generate.wind import wind_power

#: Digits kept behind the point: more would be noise, fewer would show as steps.
DECIMALS = {"load": 3, "solar": 3, "wind": 3, "price": 2}


@dataclass(frozen=True, kw_only=True)
class HourlySeries:
    """Weather and series of both years; ``series[kind][area]`` is ``(N_HOUR,)``."""

    areas: tuple[Area, ...]
    weather: dict[str, Weather]
    series: dict[str, dict[str, FloatArray]] = field(default_factory=dict)

    def dataset(self) -> Dataset:
        """Cut the years into the splits and round the values as they are stored."""
        cut: Dataset = {}
        for number, split in enumerate(clock.YEAR_OF_SPLIT):
            year = slice(number * clock.HOURS_PER_YEAR, (number + 1) * clock.HOURS_PER_YEAR)
            cut[split] = {
                kind: {area: np.round(rows[year], DECIMALS[kind]) for area, rows in by_area.items()}
                for kind, by_area in self.series.items()
            }
        return cut


def make_hourly(seed: int, areas: tuple[Area, ...] = AREAS) -> HourlySeries:
    """Make load, solar, wind and price of both years for all areas.

    Parameters
    ----------
    seed : int
        The one source of chance.
    areas : tuple of Area
        Where; they form one price region.
    """
    weather = {area.name: make_weather(seed, area) for area in areas}
    load, solar, wind = {}, {}, {}
    for area in areas:
        sky = weather[area.name]
        load[area.name] = hourly_load(seed, area, sky.temperature_c)
        solar[area.name] = hourly_solar(area, sky.cloud_cover, sky.temperature_c)
        wind[area.name] = wind_power(sky.wind_speed_m_s)
    net = net_load(areas, load, solar, wind)
    regional = regional_price(seed, net)
    price = {area.name: area_price(seed, area, regional, net) for area in areas}
    return HourlySeries(
        areas=areas,
        weather=weather,
        series={"load": load, "solar": solar, "wind": wind, "price": price},
    )
