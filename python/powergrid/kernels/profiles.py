"""Series at each lane's own time: load, sun, wind, price, their forecasts, and the clock.

Reading takes two calls, so that the arithmetic of time is done once for all series: `find_rows`
says where in the series each lane is, now and at some later times, and `read_series` looks there.
Together they are `powergrid.data.profiles.Profiles.window`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = [
    "find_rows", "read_clock", "read_own_series", "read_series", "scale_forecasts", "shift_rows",
    "tell_time",
]  # fmt: skip

#: A time this much of a row before a row's start counts as its start.
ROW_TOLERANCE = 1e-9

DAY_S = 24 * 3600.0
WEEK_S = 7 * DAY_S

BLOCK = 128  # lanes whose rows stay in the cache while one entry after the other is read


@kernel
def tell_time(
    day_s: F64,
    week_day_s: F64,
    k: NDArray[np.int64],
    step_s: float,
    time_s: F64,
    week_s: F64,
    first: int,
    last: int,
) -> None:
    """Write the time after `k` steps of `step_s` seconds on two axes; all are (n_lane,).

    `time_s` counts from `day_s`, on the axis of the series, `week_s` from `week_day_s`, on that of
    the weekdays.
    """
    for lane in lanes(first, last):
        time_s[lane] = day_s[lane] + k[lane] * step_s
        week_s[lane] = week_day_s[lane] + k[lane] * step_s


@kernel
def find_rows(
    time_s: F64,
    offset_s: F64,
    row_s: float,
    n_row: int,
    row: I32,
    share: F64,
    first: int,
    last: int,
) -> None:
    """Find the rows of the series in which the times ``time_s + offset_s`` lie.

    Parameters
    ----------
    time_s : ndarray, (n_lane,)
        Each lane's time since the start of row 0 [s]; may be negative, or beyond the last row.
    offset_s : ndarray, (n_offset,)
        How much later values are wanted [s]: 0 for the present, ``k * step_s`` for a forecast.
    row_s : float
        Seconds that a row lasts.
    n_row : int
        Rows of a series, after which it begins again.
    row : ndarray, int32, (n_offset, n_lane)
        Written: number of the row.
    share : ndarray, (n_offset, n_lane)
        Written: how much of the row has passed, from 0.
    """
    for k in range(offset_s.shape[0]):
        offset = offset_s[k]
        for lane in lanes(first, last):
            position = (time_s[lane] + offset) / row_s  # [rows], fractional
            before = np.floor(position + ROW_TOLERANCE)
            share[k, lane] = max(position - before, 0.0)
            # Modulo without an integer division. Rounding may have made the quotient the next
            # integer, hence the two corrections.
            wrapped = before - np.floor(before / n_row) * n_row
            wrapped = wrapped + n_row if wrapped < 0.0 else wrapped
            wrapped = wrapped - n_row if wrapped >= n_row else wrapped
            row[k, lane] = np.int32(wrapped)


@kernel
def read_series(
    data: F64,
    series: I32,
    at: I32,
    scale: F64,
    slot: I32,
    row: I32,
    share: F64,
    is_linear: bool,
    out: F64,
    first: int,
    last: int,
) -> None:
    """Read series in the rows found: ``out[slot[i]] = data[series[i]] * scale[i]``.

    Parameters
    ----------
    data : ndarray, (n_series, n_row)
        The series.
    series, at, slot : ndarray, int32, (n,)
        Which series, at which of the offsets of `find_rows`, and to which row of `out`. Reading is
        fastest if entries of one series follow each other in the order of time.
    scale : ndarray, (n,)
        Factors, such as a load scale.
    row, share : ndarray, (n_offset, n_lane)
        As `find_rows` wrote them.
    is_linear : bool
        Go straight from the start of a row to that of the next one, instead of holding its value.
    out : ndarray, (n_slot, n_lane)
        Written in rows `slot`.
    """
    n_row = data.shape[1]
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for i in range(series.shape[0]):
            s, k, to, factor = series[i], at[i], slot[i], scale[i]
            if is_linear:
                for lane in lanes(start, stop):
                    here = row[k, lane]
                    following = here + 1 if here + 1 < n_row else 0
                    passed = share[k, lane]
                    value = (1.0 - passed) * data[s, here] + passed * data[s, following]
                    out[to, lane] = value * factor
            else:
                for lane in lanes(start, stop):
                    out[to, lane] = data[s, row[k, lane]] * factor


@kernel
def read_own_series(own: F64, k: NDArray[np.int64], out: F64, first: int, last: int) -> None:
    """Read series that each lane has to itself: ``out[i, lane] = own[i, k[lane], lane]``.

    Parameters
    ----------
    own : ndarray, (n_series, n_step, n_lane)
        The series.
    k : ndarray, int64, (n_lane,)
        Where in them each lane is.
    out : ndarray, (n_series, n_lane)
        Written.
    """
    for series in range(own.shape[0]):
        for lane in lanes(first, last):
            out[series, lane] = own[series, k[lane], lane]


@kernel
def shift_rows(out: F64, slot: I32, n: int, first: int, last: int) -> None:
    """Move each run of `n` rows, from ``slot[i]`` on, up by one; its last row stays."""
    for i in range(slot.shape[0]):
        for j in range(slot[i], slot[i] + n - 1):
            for lane in lanes(first, last):
                out[j, lane] = out[j + 1, lane]


@kernel
def scale_forecasts(
    out: F64, slot: I32, n_forecast: int, factor: F64, first: int, last: int
) -> None:
    """Multiply each forecast, `n_forecast` rows from ``slot[i]`` on, by ``factor[i, lane]``."""
    for i in range(slot.shape[0]):
        for j in range(n_forecast):
            for lane in lanes(first, last):
                out[slot[i] + j, lane] *= factor[i, lane]


@kernel
def read_clock(week_s: F64, slot: I32, out: F64, first: int, last: int) -> None:
    """Write sine and cosine of hour and weekday, as `ProfileWindow.clock` does.

    Parameters
    ----------
    week_s : ndarray, (n_lane,)
        Each lane's time [s] since the Monday midnight that weekdays are counted from.
    slot : ndarray, int32, (n_agent, 4)
        To which rows of `out` the sine and cosine of the hour, and of the weekday, go.
    out : ndarray, (n_slot, n_lane)
        Written in rows `slot`.
    """
    for lane in lanes(first, last):
        hour = 2.0 * math.pi * (week_s[lane] % DAY_S) / DAY_S
        week = 2.0 * math.pi * (week_s[lane] % WEEK_S) / WEEK_S
        sin_hour, cos_hour = math.sin(hour), math.cos(hour)
        sin_week, cos_week = math.sin(week), math.cos(week)
        for agent in range(slot.shape[0]):
            out[slot[agent, 0], lane] = sin_hour
            out[slot[agent, 1], lane] = cos_hour
            out[slot[agent, 2], lane] = sin_week
            out[slot[agent, 3], lane] = cos_week
