"""Series at each lane's own time: load, sun, wind, price, their forecasts, and the clock.

A lane's interval begins ``day_s + k * step_s`` seconds after row 0 of the series. Reading is that of
`powergrid.data.profiles.Profiles.window`: time wraps round the end, and a time a billionth of a row
before a row's start counts as its start.
"""

from __future__ import annotations

import math
from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["clock", "fluctuating", "forecast", "present", "scale_forecast"]

Array = Any

ROW_TOLERANCE = 1e-9
DAY_S = 24 * 3600.0
WEEK_S = 7 * DAY_S


@kernel
def value_at(data: Array, series: int, position: float, is_linear: bool) -> float:
    """Return a series at a position [rows], fractional."""
    n_row = data.shape[1]
    before = math.floor(position + ROW_TOLERANCE)
    row = int(before) % n_row
    value = data[series, row]
    if is_linear:
        share = max(position - before, 0.0)
        following = data[series, row + 1 if row + 1 < n_row else 0]
        value = (1.0 - share) * value + share * following
    return value


@kernel
def present(
    data: Array,
    day_s: Array,
    k: Array,
    step_s: float,
    row_s: float,
    is_linear: bool,
    now: Array,
    first: int,
    last: int,
) -> None:
    """Read all series in each lane's present interval.

    Parameters
    ----------
    data : (n_series, n_row)
        The series; a row lasts `row_s` seconds.
    day_s : (n_lane,)
        Start of each lane's episode [s].
    k : int64, (n_lane,)
        Steps of `step_s` seconds since.
    is_linear : bool
        Interpolate between rows, or hold a row's value.
    now : (n_series, n_lane)
        Written.
    """
    for series in range(data.shape[0]):
        for lane in range(first, last):
            position = (day_s[lane] + k[lane] * step_s) / row_s
            now[series, lane] = value_at(data, series, position, is_linear)


@kernel
def fluctuating(actual: Array, k: Array, now: Array, first: int, last: int) -> None:
    """Read series that differ by lane, (n_series, n_step + 1, n_lane), instead of the common ones."""
    for series in range(actual.shape[0]):
        for lane in range(first, last):
            now[series, lane] = actual[series, k[lane], lane]


@kernel
def forecast(
    data: Array,
    series: Array,
    slot: Array,
    n_forecast: int,
    day_s: Array,
    k: Array,
    step_s: float,
    row_s: float,
    is_linear: bool,
    x: Array,
    first: int,
    last: int,
) -> None:
    """Write the series of the next `n_forecast` intervals to the feature table.

    Parameters
    ----------
    series, slot : int32, (n,)
        Which series go to which slots: `n_forecast` of them from ``slot[i]`` on.
    x : (n_slot, n_lane)
        The feature table. The other parameters are those of `present`.
    """
    n_row = data.shape[1]
    # With a step of whole rows, holding a row's value, the entries are rows side by side.
    rows = step_s / row_s
    is_row_by_row = not is_linear and rows == 1.0
    for lane in range(first, last):
        if is_row_by_row:
            position = (day_s[lane] + k[lane] * step_s) / row_s
            start = int(math.floor(position + ROW_TOLERANCE)) % n_row
            for i in range(series.shape[0]):
                of = series[i]
                row = start
                for j in range(n_forecast):
                    x[slot[i] + j, lane] = data[of, row]
                    row = row + 1 if row + 1 < n_row else 0
        else:
            for j in range(n_forecast):
                position = (day_s[lane] + (k[lane] + j) * step_s) / row_s
                for i in range(series.shape[0]):
                    x[slot[i] + j, lane] = value_at(data, series[i], position, is_linear)


@kernel
def scale_forecast(
    x: Array, slot: Array, n_forecast: int, factor: Array, first: int, last: int
) -> None:
    """Multiply each forecast, `n_forecast` slots from ``slot[i]`` on, by ``factor[i, lane]``."""
    for i in range(slot.shape[0]):
        for j in range(n_forecast):
            for lane in lanes(first, last):
                x[slot[i] + j, lane] *= factor[i, lane]


@kernel
def clock(
    week_s: Array, k: Array, step_s: float, slot: Array, x: Array, first: int, last: int
) -> None:
    """Write sine and cosine of hour and weekday to the feature table.

    Parameters
    ----------
    week_s : (n_lane,)
        Start of each lane's episode [s] since the Monday midnight that weekdays are counted from.
    slot : int32, (n_agent, 4)
        Where each agent's sine and cosine of the hour, and of the weekday, go in `x`.
    """
    for lane in lanes(first, last):
        time_s = week_s[lane] + k[lane] * step_s
        hour = 2.0 * math.pi * (time_s % DAY_S) / DAY_S
        week = 2.0 * math.pi * (time_s % WEEK_S) / WEEK_S
        sin_hour, cos_hour = math.sin(hour), math.cos(hour)
        sin_week, cos_week = math.sin(week), math.cos(week)
        for agent in range(slot.shape[0]):
            x[slot[agent, 0], lane] = sin_hour
            x[slot[agent, 1], lane] = cos_hour
            x[slot[agent, 2], lane] = sin_week
            x[slot[agent, 3], lane] = cos_week
