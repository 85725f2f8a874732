"""The operator's price on top of the market's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.protocol_config import TariffConfig
from powergrid.kernels.tariff import add_tariff

__all__ = ["TariffStage"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]


class TariffStage:
    """What the operator adds to the prices of those who follow the market.

    Parameters
    ----------
    price_slot, forecast_slot
        Where their prices are in the feature table, and where the forecasts of them begin.

    Attributes
    ----------
    signal : ndarray, (n_lane,)
        What the operator has said for the next interval [$/MWh], on top of its rule.
    """

    def __init__(
        self, config: TariffConfig, price_slot: Index, forecast_slot: Index, n_lane: int
    ) -> None:
        self._by_hour = np.array(config.by_hour)
        self._price_slot, self._forecast_slot = price_slot, forecast_slot
        self.signal = np.zeros(n_lane)

    def add(
        self, x: Array, n_forecast: int, week_s: Array, offset_s: Array, first: int, last: int
    ) -> None:
        """Add to the prices of the interval that begins now, and to their forecasts."""
        add_tariff(
            x, self._price_slot, self._forecast_slot, n_forecast, self._by_hour, self.signal,
            week_s, offset_s, first, last,
        )  # fmt: skip
