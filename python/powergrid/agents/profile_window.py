"""The series that one agent lives through in one episode."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["KINDS", "ProfileWindow", "SeriesOfKinds", "area_of_kind"]

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S

KINDS = ("load", "solar", "wind", "price")


def area_of_kind(load_area: str | None, renew_area: str | None) -> dict[str, str | None]:
    """Return whose series of each kind an agent follows; the price is that of the load's area."""
    return {"load": load_area, "solar": renew_area, "wind": renew_area, "price": load_area}


class SeriesOfKinds(Mapping[str, np.ndarray]):
    """The series of each of `KINDS`, cut out when somebody reads it.

    The engine reads the whole series itself, so most episodes of most agents are never looked at.
    """

    def __init__(self, make: Callable[[str], np.ndarray]) -> None:
        self._make = make
        self._made: dict[str, np.ndarray] = {}

    def __getitem__(self, kind: str) -> np.ndarray:
        """Return the series of a kind."""
        if kind not in self._made:
            if kind not in KINDS:
                raise KeyError(kind)
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


@dataclass(frozen=True)
class ProfileWindow:
    """Actual and forecast series of an agent's area, from the start of an episode.

    Entry k belongs to the interval that begins k steps after the start. A forecast has `n_forecast`
    entries, `stride` steps apart, and the arrays reach so far beyond the last step that the last
    observation has its forecast.
    """

    # "load", "solar", "wind", "price", (n_step + n_forecast * stride + 1,)
    actual: Mapping[str, np.ndarray]
    forecast: Mapping[str, np.ndarray]  # the same without what cannot be foreseen
    start_s: float  # seconds since the Monday midnight that weekdays are counted from
    step_s: float
    n_forecast: int
    stride: int = 1

    def clock(self, k: int) -> tuple[float, float, float, float]:
        """Return sine and cosine of hour and of weekday at step `k`."""
        time_s = self.week_s(k)
        hour = 2.0 * math.pi * (time_s % DAY_S) / DAY_S
        week = 2.0 * math.pi * (time_s % WEEK_S) / WEEK_S
        return math.sin(hour), math.cos(hour), math.sin(week), math.cos(week)

    def week_s(self, k: int, ahead: int = 0) -> float:
        """Return the time since the Monday midnight [s] at step `k`, `ahead` entries later."""
        return self.start_s + k * self.step_s + ahead * (self.stride * self.step_s)

    @property
    def n_step(self) -> int:
        """Number of steps that the window was made for."""
        return len(self.actual["load"]) - self.n_forecast * self.stride - 1
