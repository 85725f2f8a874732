"""The action of a coordinator that says a price instead of set-points."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from powergrid.agents.protocol_config import PriceConfig

__all__ = ["PriceDial"]


class PriceDial:
    """What stands in an action's layout in place of devices: one price [$/MWh].

    Parameters
    ----------
    config
        Its range, and the price of doing nothing.
    """

    kind = "PriceSignal"
    agent_id = "price_signal"

    def __init__(self, config: PriceConfig) -> None:
        self.config = config

    def get_action_space(self) -> Box:
        """Return Box [price]."""
        low, high = self.config.lowest_price, self.config.highest_price
        return Box(low=low, high=high, shape=(1,), dtype=np.float64)

    def action_names(self) -> list[str]:
        """Return the name of the entry."""
        return ["price"]

    def idle_action(self) -> np.ndarray:
        """Return the initial price."""
        return np.array([self.config.initial_price])
