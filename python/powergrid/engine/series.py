"""The series that an environment's agents follow, for all lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.profile_window import DAY_S, area_of_kind
from powergrid.engine.lane_arrays import lane_array

if TYPE_CHECKING:
    from powergrid.envs.episode_source import EpisodeSource

__all__ = ["LaneSeries"]

Array = NDArray[np.float64]


class LaneSeries:
    """Each series once, whoever follows it.

    Parameters
    ----------
    source : EpisodeSource
        Dataset, split, step and fluctuation.
    areas : sequence of (load area, renewable area)
        Of each agent, then of the distribution grid.

    Attributes
    ----------
    data : ndarray, (n_series, n_row)
        The series; a row lasts `row_s` seconds.
    row : dict
        Row of a series by (number of the agent, kind).
    now : ndarray, (n_series, n_lane)
        Each series' value in the present interval.
    own : ndarray, (n_series, n_step + 1, n_lane), or None
        What becomes of them in each lane's episode, if they fluctuate.
    """

    def __init__(
        self,
        source: EpisodeSource,
        areas: Sequence[tuple[str | None, str | None]],
        n_lane: int,
    ) -> None:
        self._source = source
        self.row: dict[tuple[int, str], int] = {}
        self._series: dict[tuple[str, str | None], int] = {}  # (kind, area): row
        for number, (load_area, renew_area) in enumerate(areas):
            for kind, wanted in area_of_kind(load_area, renew_area).items():
                key = (kind, source.area(kind, wanted))
                self.row[number, kind] = self._series.setdefault(key, len(self._series))
        profiles = source.profiles
        self.data = np.ascontiguousarray(
            np.stack([profiles.rows(kind, area) for kind, area in self._series]), dtype=np.float64
        )
        self.row_s = profiles.row_s
        self.is_linear = profiles.interpolation == "linear"
        self.now = lane_array(len(self._series), n_lane=n_lane)
        self.own: Array | None = None
        if source.variability:
            self.own = lane_array(len(self._series), source.n_step + 1, n_lane=n_lane)

    def begin_episode(self, lane: int, day: int, noise_seed: int | None) -> None:
        """Draw the fluctuation of a lane's episode; series must fluctuate."""
        assert self.own is not None
        n = self.own.shape[1]
        for (kind, area), row in self._series.items():
            self.own[row, :, lane] = self._source.actual(kind, area, day, noise_seed)[:n]

    def start_s(self, day: Array) -> tuple[Array, Array]:
        """Return days' starts on the axis of the series, and on that of the weekdays [s]."""
        return day * DAY_S, (day + self._source.weekday) * DAY_S
