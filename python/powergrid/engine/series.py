"""What load, sun, wind and price are in each lane's present interval, and what is forecast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.profile_window import DAY_S, KINDS, area_of_kind
from powergrid.engine.lane_arrays import lane_array

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.episode_source import EpisodeSource

__all__ = ["LaneSeries"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]


class LaneSeries:
    """The series that agents follow, read at every lane's own time.

    Parameters
    ----------
    source : EpisodeSource
        Dataset, split, step and fluctuation.
    areas : sequence of (load area, renewable area)
        Of each agent, then of the distribution grid.

    Attributes
    ----------
    now : ndarray, (n_series, n_lane)
        Each series' value in the present interval.
    row : dict
        Row of a series by (number of the agent, kind).
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
        self.now_row = np.arange(len(self._series), dtype=np.int32)
        # Fluctuation makes each lane's own series; without it all lanes read the same rows.
        self.actual: Array | None = None
        if source.variability:
            self.actual = lane_array(len(self._series), source.n_step + 1, n_lane=n_lane)

    def begin_episode(self, lane: int, day: int, noise_seed: int | None) -> None:
        """Draw the fluctuation of a lane's episode."""
        if self.actual is None:
            return
        n = self.actual.shape[1]
        for (kind, area), row in self._series.items():
            self.actual[row, :, lane] = self._source.actual(kind, area, day, noise_seed)[:n]

    def forecast_rows(
        self, agents: Sequence[PowerGridAgent], slot_of: Callable[[str], int], n_forecast: int
    ) -> tuple[Index, Index]:
        """Return the series of each run of `n_forecast` slots in the table, and its first slot."""
        series, slot = [], []
        for number, agent in enumerate(agents):
            for kind in KINDS:
                if n_forecast and not is_fixed(agent, kind):
                    series.append(self.row[number, kind])
                    slot.append(slot_of(f"{agent.agent_id}.forecast.{kind}[0]"))
        return np.array(series, dtype=np.int32), np.array(slot, dtype=np.int32)

    def start_s(self, day: int) -> tuple[float, float]:
        """Return a day's start on the axis of the series, and on that of the weekdays [s]."""
        return day * DAY_S, day * DAY_S + self._source.weekday * DAY_S


def is_fixed(agent: PowerGridAgent, kind: str) -> bool:
    """Return whether the agent's configuration fixes the price instead of following the market."""
    return kind == "price" and isinstance(agent.config_model.grid_price, float)
