"""The time axis: two common years of hours on a clock that never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powergrid.data.dataset import FloatArray

if TYPE_CHECKING:
    import pandas as pd

#: Pacific standard time all year: every day has 24 rows and no hour is missing or doubled.
UTC_OFFSET_H = -8
YEAR_OF_SPLIT = {"train": 2022, "test": 2023}
HOURS_PER_YEAR = 8760
N_HOUR = HOURS_PER_YEAR * len(YEAR_OF_SPLIT)
#: First day of the week at one minute, counted from 1 January of its split's year: a hot week
#: in July for training, a changeable one in March for testing. Both begin on a Monday.
MINUTE_WEEK_DAY = {"train": 191, "test": 78}


def hour_of_day() -> FloatArray:
    """Return the clock hour at the middle of each row, ``(N_HOUR,)``, 0.5 to 23.5."""
    return np.asarray(np.arange(N_HOUR) % 24 + 0.5, dtype=np.float64)


def day_of_year() -> FloatArray:
    """Return the fractional day of the year at the middle of each row, ``(N_HOUR,)``."""
    return np.asarray((np.arange(N_HOUR) % HOURS_PER_YEAR + 0.5) / 24.0, dtype=np.float64)


def summer() -> FloatArray:
    """Return the season of each row: 1 in mid July, -1 in mid January, ``(N_HOUR,)``."""
    return -np.cos(2.0 * np.pi * (day_of_year() - 15.0) / 365.0)


def index(step_minutes: int) -> pd.DatetimeIndex:
    """Return the starts of all steps of both years as local times with their zone."""
    import pandas as pd

    first, last = min(YEAR_OF_SPLIT.values()), max(YEAR_OF_SPLIT.values())
    zone = f"Etc/GMT{-UTC_OFFSET_H:+d}"  # POSIX sign: Etc/GMT+8 is UTC-8
    return pd.date_range(
        f"{first}-01-01", f"{last + 1}-01-01", freq=f"{step_minutes}min", tz=zone, inclusive="left"
    )
