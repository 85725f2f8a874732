"""Where an episode's series come from: dataset, split, start day and fluctuation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np

from heron.errors import ConfigError
from powergrid.agents.profile_window import DAY_S, ProfileWindow, SeriesOfKinds, area_of_kind
from powergrid.data.loaders import load_dataset
from powergrid.data.profiles import Profiles
from powergrid.data.shipped import (
    HOURLY_FILE,
    MINUTE_FILE,
    shipped_dataset,
    shipped_manifest,
    shipped_minute_dataset,
)
from powergrid.data.variability import VARIABLE_KINDS, minute_variability
from powergrid.envs.config import EnvConfig

__all__ = ["EpisodeSource"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class EpisodeSource:
    """Series of an environment, cut into episodes that begin at midnight.

    Parameters
    ----------
    config : EnvConfig
        Dataset, split, step and forecast length.

    Attributes
    ----------
    weekday : int
        Of row 0 of the series; 0 is Monday.
    """

    def __init__(self, config: EnvConfig) -> None:
        split = "train" if config.train else "test"
        row_s, self.weekday = _time_axis(config, split)
        self.profiles = Profiles(
            _dataset(config),
            split,
            row_s=row_s,
            interpolation=config.interpolation,
        )
        self.step_s = config.step_s
        self.n_step = config.max_episode_steps
        self.n_forecast, self.stride = config.forecast_steps, config.forecast_stride
        self.variability = config.variability

    @cached_property
    def n_day(self) -> int:
        """Number of days on which an episode may begin and end before the series wraps round."""
        whole = int(self.profiles.duration_s // DAY_S)
        needed = int(np.ceil(self.n_step * self.step_s / DAY_S))
        return max(whole - needed + 1, 1)

    def draw_day(self, rng: np.random.Generator) -> int:
        """Draw the day on which an episode begins."""
        return int(rng.integers(self.n_day))

    def area(self, kind: str, wanted: str | None) -> str | None:
        """Return the area whose series is meant: the wanted one, else the first that has one.

        Raises
        ------
        ConfigError
            If areas are named and the wanted one is not among them.
        """
        areas = self.profiles.areas(kind)
        if wanted is None:
            return areas[0] if areas else None
        self.profiles.window(kind, wanted, 0.0, 1, self.step_s)  # complains of an unknown area
        return wanted

    def check_areas(self, load_area: str | None, renew_area: str | None) -> None:
        """Raise ConfigError if a series that `window` will cut out does not exist."""
        for kind, wanted in area_of_kind(load_area, renew_area).items():
            self.area(kind, wanted)

    def window(
        self, day: int, load_area: str | None, renew_area: str | None, noise_seed: int | None
    ) -> ProfileWindow:
        """Cut out the series of one agent for an episode that begins at midnight of `day`.

        `noise_seed` keys the fluctuation; agents of one area share it. None gives none.
        """
        area = area_of_kind(load_area, renew_area)
        forecast = SeriesOfKinds(partial(self._forecast_of, area, day))
        actual = forecast
        if noise_seed is not None and self.variability:
            actual = SeriesOfKinds(partial(self._actual_of, forecast, area, day, noise_seed))
        start_s = (day + self.weekday) * DAY_S
        return ProfileWindow(actual, forecast, start_s, self.step_s, self.n_forecast, self.stride)

    def _forecast_of(self, area: Mapping[str, str | None], day: int, kind: str) -> np.ndarray:
        return self.forecast(kind, area[kind], day)

    def _actual_of(
        self,
        forecast: Mapping[str, np.ndarray],
        area: Mapping[str, str | None],
        day: int,
        noise_seed: int,
        kind: str,
    ) -> np.ndarray:
        if kind not in VARIABLE_KINDS:
            return forecast[kind]
        return self.actual(kind, area[kind], day, noise_seed)

    def forecast(self, kind: str, area: str | None, day: int) -> np.ndarray:
        """Return a series from midnight of `day` on, as far as an episode's last forecast sees."""
        n = self.n_step + self.n_forecast * self.stride + 1
        return self.profiles.window(kind, self.area(kind, area), day * DAY_S, n, self.step_s)

    def actual(self, kind: str, area: str | None, day: int, noise_seed: int | None) -> np.ndarray:
        """Return what becomes of `forecast`: with the fluctuation of `noise_seed`, if not None."""
        series = self.forecast(kind, area, day)
        if noise_seed is None or not self.variability or kind not in VARIABLE_KINDS:
            return series
        actual: np.ndarray = series * self._fluctuation(kind, area, len(series), noise_seed)
        if kind == "load":
            return actual
        # Sun and wind are never above the rating, unless the series is.
        limited: np.ndarray = np.minimum(actual, np.maximum(series, 1.0))
        return limited

    def _fluctuation(self, kind: str, area: str | None, n_step: int, noise_seed: int) -> np.ndarray:
        """Return the factors of one series; whoever follows the same one gets the same."""
        chosen = self.area(kind, area)
        areas = self.profiles.areas(kind)
        stream = (VARIABLE_KINDS.index(kind), areas.index(chosen) if chosen in areas else 0)
        rng = np.random.default_rng([noise_seed, *stream])
        return minute_variability(kind, n_step, self.step_s, rng)


def _time_axis(config: EnvConfig, split: str) -> tuple[float, int]:
    """Return the seconds between rows, and the weekday of row 0 (0 is Monday)."""
    file = {"shipped": HOURLY_FILE, "shipped_minute": MINUTE_FILE}.get(
        config.dataset if isinstance(config.dataset, str) else ""
    )
    if file is None:
        return config.row_s, config.first_weekday
    axis = shipped_manifest()["files"][file]
    return axis["row_s"], WEEKDAYS.index(axis["splits"][split]["weekday"])


def _dataset(config: EnvConfig) -> Any:
    if (
        config.dataset is not None
        and config.dataset_path is not None
        and isinstance(config.dataset, str)
    ):
        raise ConfigError("give dataset or dataset_path, not both")
    if config.dataset == "shipped":
        return shipped_dataset()
    if config.dataset == "shipped_minute":
        return shipped_minute_dataset()
    if config.dataset is not None:
        return config.dataset
    return None if config.dataset_path is None else load_dataset(config.dataset_path)
