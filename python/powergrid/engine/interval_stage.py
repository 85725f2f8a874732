"""What a new interval brings: prices, clock, forecasts, load multipliers, sun and wind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.protocol_config import TariffConfig
from powergrid.agents.renewable import RenewableGenerator
from powergrid.agents.renewable_profile import profile_of, rated_power
from powergrid.engine.hooked_devices import HookedDevices
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.scene import Scene
from powergrid.engine.series import LaneSeries
from powergrid.engine.tariff_stage import TariffStage
from powergrid.kernels.profiles import (
    find_rows,
    read_clock,
    read_own_series,
    read_series,
    scale_forecasts,
    shift_rows,
    tell_time,
)
from powergrid.kernels.transfer import available_power, scale_rows

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.envs.episode_source import EpisodeSource

__all__ = ["IntervalStage", "fixed_price"]

Entries: TypeAlias = tuple[
    NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]
]


def fixed_price(agent: PowerGridAgent) -> float | None:
    """Return the price [$/MWh] that an agent's configuration fixes, None if the market makes it."""
    price = agent.config_model.grid_price
    return price if isinstance(price, float) else None


class IntervalStage:
    """The series at each lane's own time.

    Attributes
    ----------
    load_factor : ndarray, (n_zone, n_lane)
        Multiplies the loads of each zone.
    price_factor : ndarray, (n_market, n_lane)
        Multiplies the market price of those agents that follow it, `market`.
    rated_mw : ndarray, (n_renewable, n_lane)
        What sun or wind give is a share of it; `renewables` says whose.
    price_slot : ndarray of int32, (n_agent,)
        Where the agents' prices are in the table.
    tariff : TariffStage or None
        What the operator adds to market prices.
    """

    def __init__(
        self,
        scene: Scene,
        network: NetworkStage,
        hooked: HookedDevices | None,
        distribution: DistributionGrid,
        source: EpisodeSource,
    ) -> None:
        self._scene, self._multiplier, self._hooked = scene, network.multiplier, hooked
        self.n_lane, self.names = scene.n_lane, [agent.agent_id for agent in scene.agents]
        agents, dso, slot = scene.agents, distribution.config, scene.slot
        areas = [
            (a.config_model.load_area or dso.load_area, a.config_model.renew_area) for a in agents
        ]
        self.series = LaneSeries(source, [*areas, (dso.load_area, None)], scene.n_lane)
        # Start of each lane's episode, and its present interval, on the axes of series and weekday.
        self._day_s, self._week_day_s, self._time_s, self._week_s = np.zeros((4, scene.n_lane))
        row, n_zone = self.series.row, len(agents) + 1
        self._load_series = np.array([row[k, "load"] for k in range(n_zone)], np.int32)
        self._zone = np.arange(n_zone, dtype=np.int32)
        self.load_factor = self._rows([*(agent.load_factor for agent in agents), 1.0])
        self._wire_prices()
        self._clock_slot = np.array(
            [
                [slot(f"{a.agent_id}.clock.{name}") for name in a.state.clock.names()]
                for a in agents
            ],
            np.int32,
        )
        self._wire_forecasts()
        self.tariff: TariffStage | None = None
        protocol, slots = scene.rules.protocol, (self._market_slot, self._price_forecast_slot)
        if isinstance(protocol, TariffConfig):
            self.tariff = TariffStage(protocol, *slots, scene.n_lane)
        found = [m for m in scene.members if hasattr(m.device, "available_power")]
        self.renewables = [m.owner for m in found]
        self._share_series = np.array([row[m.agent, profile_of(m.device)] for m in found], np.int32)
        self._available_slot = np.array(
            [slot(f"{m.owner}.availability.available_p_MW") for m in found], np.int32
        )
        self.rated_mw = self._rows([rated_power(m.device) for m in found])
        self._is_limited = np.array(
            [isinstance(m.device, RenewableGenerator) for m in found], np.bool_
        )

    def _rows(self, values: list[float]) -> NDArray[np.float64]:
        """Return a row for each value, the same in all lanes."""
        column = np.array(values, dtype=np.float64).reshape(-1, 1)
        return np.repeat(column, self._multiplier.shape[1], axis=1)

    def _wire_prices(self) -> None:
        scene, agents = self._scene, self._scene.agents
        slots = [scene.slot(f"{agent.agent_id}.market.price") for agent in agents]
        self.price_slot = np.array(slots, np.int32)
        market = [k for k, agent in enumerate(agents) if fixed_price(agent) is None]
        self.market = [agents[k].agent_id for k in market]
        self._market_slot = self.price_slot[market]
        row = self.series.row
        self._market_series = np.array([row[k, "price"] for k in market], np.int32)
        self.price_factor = self._rows([1.0] * len(market))
        for k, agent in enumerate(agents):
            price = fixed_price(agent)
            if price is not None:
                scene.initial[slots[k]] = price
                for i in range(scene.rules.n_forecast):
                    scene.initial[scene.slot(f"{agent.agent_id}.forecast.price[{i}]")] = price

    def _wire_forecasts(self) -> None:
        """Find each run of forecast slots and its series; fixed prices stay as they are."""
        scene, found = self._scene, []
        for k, agent in enumerate(scene.agents):
            for kind in ("price", "load", "solar", "wind"):
                if kind == "price" and fixed_price(agent) is not None:
                    continue
                if scene.rules.n_forecast:
                    slot = scene.slot(f"{agent.agent_id}.forecast.{kind}[0]")
                    found.append((self.series.row[k, kind], slot, kind == "price"))
        n, n_lane = scene.rules.n_forecast, self._multiplier.shape[1]
        apart_s = scene.rules.forecast_stride * scene.rules.step_s
        self._offset_s = np.arange(max(n, 1), dtype=np.float64) * apart_s
        self._forecast_slot = np.array([slot for _, slot, _ in found], np.int32)
        self._price_forecast_slot = np.array([slot for _, slot, of in found if of], np.int32)
        price_slot = self._price_forecast_slot
        self._all = _Horizon(
            self._offset_s,
            n_lane,
            [(series, k, slot + k) for series, slot, _ in found for k in range(n)],
            price_slot,
            n,
        )
        self._last = _Horizon(
            self._offset_s[[0, -1]],
            n_lane,
            [(series, 1, slot + n - 1) for series, slot, _ in found],
            price_slot + n - 1,
            1,
        )
        n_series = len(self.series.data)
        self._present = _reading([(series, 0, series) for series in range(n_series)])

    # --- in the order of a step ----------------------------------------------------------------

    def begin_episodes(
        self, first: int, last: int, days: Sequence[int], noise_seeds: Sequence[int | None]
    ) -> None:
        """Move lanes to midnight of their days, with the fluctuation of their noise seeds."""
        self._day_s[first:last], self._week_day_s[first:last] = self.series.start_s(
            np.asarray(days, np.float64)
        )
        if self.tariff is not None:
            self.tariff.signal[first:last] = 0.0
        if self.series.own is not None:
            for lane, day, noise_seed in zip(range(first, last), days, noise_seeds, strict=True):
                self.series.begin_episode(lane, day, noise_seed)

    def begin(self, first: int, last: int) -> None:
        """Set what is known at the start of each lane's episode."""
        self._read(self._all, first, last)

    def go_on(self, first: int, last: int) -> None:
        """Set what is known at the start of each lane's next interval.

        Where forecasts are one step apart, they are those of the interval before, which nobody else
        writes, and one more. With a tariff they are read anew: it adds what it says now.
        """
        rules = self._scene.rules
        if rules.forecast_stride == 1 and self.tariff is None:
            shift_rows(self._scene.x, self._forecast_slot, rules.n_forecast, first, last)
            self._read(self._last, first, last)
        else:
            self._read(self._all, first, last)

    def _read(self, horizon: _Horizon, first: int, last: int) -> None:
        scene, series = self._scene, self.series
        x, k, rules = scene.x, scene.step_number, scene.rules
        row, share = horizon.row, horizon.share
        tell_time(
            self._day_s, self._week_day_s, k, rules.step_s, self._time_s, self._week_s, first, last
        )
        n_row = series.data.shape[1]
        find_rows(self._time_s, horizon.offset_s, series.row_s, n_row, row, share, first, last)
        if series.own is None:
            read_series(
                series.data, *self._present, row, share, series.is_linear, series.now, first, last
            )
        else:
            read_own_series(series.own, k, series.now, first, last)
        if self._forecast_slot.size:
            read_series(series.data, *horizon.entries, row, share, series.is_linear, x, first, last)
            scale_forecasts(
                x, horizon.price_slot, horizon.n_forecast, self.price_factor, first, last
            )
        read_clock(self._week_s, self._clock_slot, x, first, last)
        now = series.now
        scale_rows(
            now, self._load_series, self.load_factor, self._multiplier, self._zone, first, last
        )
        scale_rows(now, self._market_series, self.price_factor, x, self._market_slot, first, last)
        if self.tariff is not None:
            self.tariff.add(x, rules.n_forecast, self._week_s, self._offset_s, first, last)
        if self._available_slot.size:
            available_power(
                now, self._share_series, self.rated_mw, self._is_limited, x, self._available_slot,
                first, last,
            )  # fmt: skip
        if self._hooked is not None:
            self._hooked.begin_interval(self.price_slot, first, last)

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, lanes on the last axis."""
        kept = [
            self.load_factor, self.price_factor, self.rated_mw, self.series.now, self._day_s,
            self._week_day_s,
        ]  # fmt: skip
        if self.tariff is not None:
            kept.append(self.tariff.signal)
        return kept if self.series.own is None else [*kept, self.series.own]


class _Horizon:
    """How far a reading of the series looks ahead, and where it keeps the rows it finds.

    Attributes
    ----------
    offset_s : ndarray, (n_offset,)
        How much later than the present values are read [s], the first 0.
    row, share : ndarray, (n_offset, n_lane)
        As `find_rows` writes them.
    entries : tuple of ndarray
        What `read_series` wants of the forecasts.
    price_slot : ndarray of int32
        Where forecasts of prices begin, of which it reads `n_forecast` each.
    """

    def __init__(
        self,
        offset_s: NDArray[np.float64],
        n_lane: int,
        entries: list[tuple[int, int, int]],
        price_slot: NDArray[np.int32],
        n_forecast: int,
    ) -> None:
        self.offset_s = offset_s
        self.row = np.zeros((len(offset_s), n_lane), np.int32)
        self.share = np.zeros((len(offset_s), n_lane))
        self.entries = _reading(entries)
        self.price_slot, self.n_forecast = price_slot, n_forecast


def _reading(
    entries: list[tuple[int, int, int]],
) -> Entries:
    """Return what `read_series` wants of (series, offset, row written): series, at, scale, slot."""
    series, at, slot = np.array(entries, dtype=np.int32).reshape(-1, 3).T.copy()
    return series, at, np.ones(len(series)), slot
