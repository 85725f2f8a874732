"""A week at one minute out of each year, in step with the hourly rows."""

from __future__ import annotations

import numpy as np

from powergrid.data.dataset import Dataset, FloatArray
from powergrid.data.generate import clock
from powergrid.data.generate.areas import Area
from powergrid.data.generate.load import LOAD_MAX
from powergrid.data.generate.price import PRICE_MIN
from powergrid.data.generate.series import DECIMALS, HourlySeries
from powergrid.data.generate.solar import clearness, photovoltaic_power
from powergrid.data.generate.streams import stream
from powergrid.data.generate.wind import wind_power
from powergrid.data.variability import minute_variability

WEEK_H = 7 * 24
#: Prices are set for five minutes at a time, as real-time markets do.
DISPATCH_MINUTES = 5
DISPATCH_ERROR = 0.07


def make_minutes(seed: int, hourly: HourlySeries) -> Dataset:
    """Make one week of minutes for each split; the mean over an hour is that hour's row."""
    cut: Dataset = {}
    for number, split in enumerate(clock.YEAR_OF_SPLIT):
        first = number * clock.HOURS_PER_YEAR + 24 * clock.MINUTE_WEEK_DAY[split]
        week = {kind: _week(kind, seed, split, hourly, first) for kind in DECIMALS}
        cut[split] = {
            kind: {area: np.round(rows, DECIMALS[kind]) for area, rows in by_area.items()}
            for kind, by_area in week.items()
        }
    return cut


def _week(
    kind: str, seed: int, split: str, hourly: HourlySeries, first: int
) -> dict[str, FloatArray]:
    make = {"load": _load, "solar": _solar, "wind": _wind, "price": _price}[kind]
    upper = {"load": LOAD_MAX, "solar": 1.0, "wind": 1.0, "price": np.inf}[kind]
    lower = PRICE_MIN if kind == "price" else 0.0
    made = {}
    for area in hourly.areas:
        rng = stream(seed, "minute", split, kind, area.name)
        lively = make(rng, hourly, area, first)
        means = hourly.series[kind][area.name][first : first + WEEK_H]
        made[area.name] = keep_hour_means(lively, means, lower, upper)
    return made


def keep_hour_means(
    minutes: FloatArray, means: FloatArray, lower: float, upper: float
) -> FloatArray:
    """Scale each hour of minutes to its mean, within limits; ``(60 n,)`` and ``(n,)``."""
    by_hour = minutes.reshape(-1, 60)
    wanted = means[:, np.newaxis]
    # An hour without a value to scale (the first light of the sun) is flat.
    by_hour = np.where(by_hour.mean(axis=1, keepdims=True) > 0.0, by_hour, wanted)
    by_hour = np.clip(by_hour * _ratio(wanted, _mean(by_hour)), lower, upper)
    # What a limit cut off is made up for by moving all minutes a part of the way to the other
    # limit, which no minute can pass.
    too_high = _ratio(wanted - lower, _mean(by_hour) - lower)
    by_hour = lower + (by_hour - lower) * np.minimum(too_high, 1.0)
    if np.isfinite(upper):
        too_low = _ratio(upper - wanted, upper - _mean(by_hour))
        by_hour = upper - (upper - by_hour) * np.minimum(too_low, 1.0)
    return by_hour.ravel()


def _mean(by_hour: FloatArray) -> FloatArray:
    return np.asarray(by_hour.mean(axis=1, keepdims=True), dtype=np.float64)


def _ratio(wanted: FloatArray, present: FloatArray) -> FloatArray:
    """Divide, with 1 where there is nothing to scale."""
    return np.divide(wanted, present, out=np.ones_like(wanted), where=present > 0.0)


def _between_hours(rows: FloatArray, first: int) -> FloatArray:
    """Go straight from the middle of one hour to the next, at the middle of each minute."""
    hour = np.arange(first - 1, first + WEEK_H + 1)
    minute = first + (np.arange(WEEK_H * 60) + 0.5) / 60.0
    return np.asarray(np.interp(minute, hour + 0.5, rows[hour]), dtype=np.float64)


def _load(rng: np.random.Generator, hourly: HourlySeries, area: Area, first: int) -> FloatArray:
    smooth = _between_hours(hourly.series["load"][area.name], first)
    return smooth * minute_variability("load", smooth.size, 60.0, rng)


def _solar(rng: np.random.Generator, hourly: HourlySeries, area: Area, first: int) -> FloatArray:
    import pandas as pd

    sky = hourly.weather[area.name]
    cover = _between_hours(sky.cloud_cover, first)
    # Broken cloud makes the light flicker; a clear or closed sky does not.
    flicker = minute_variability(
        "solar", cover.size, 60.0, rng, strength=1.8 * np.sin(np.pi * cover) ** 2
    )
    start = clock.index(60)[first]
    times = pd.date_range(start, periods=cover.size, freq="1min") + pd.Timedelta(seconds=30)
    air = _between_hours(sky.temperature_c, first)
    return photovoltaic_power(times, area, clearness(cover), air) * flicker


def _wind(rng: np.random.Generator, hourly: HourlySeries, area: Area, first: int) -> FloatArray:
    speed = _between_hours(hourly.weather[area.name].wind_speed_m_s, first)
    return wind_power(speed * minute_variability("wind", speed.size, 60.0, rng))


def _price(rng: np.random.Generator, hourly: HourlySeries, area: Area, first: int) -> FloatArray:
    rows = hourly.series["price"][area.name][first : first + WEEK_H]
    errors = np.exp(DISPATCH_ERROR * rng.standard_normal(WEEK_H * 60 // DISPATCH_MINUTES))
    return np.asarray(np.repeat(rows, 60) * np.repeat(errors, DISPATCH_MINUTES), dtype=np.float64)
