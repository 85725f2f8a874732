"""Priced exchange with the utility at the point of common coupling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from pydantic import Field

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.told import Told
from powergrid.core.config import StrictModel, parse_config
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.utils.cost import energy_cost
from powergrid.utils.safety import s_over_rating

if TYPE_CHECKING:
    from powergrid.agents.placement import DevicePlace

__all__ = ["Grid", "GridConfig"]


class GridConfig(StrictModel):
    """Parameters of a connection.

    `price_scale` multiplies the market price, `sell_ratio` is the share of the price paid for
    energy sold, `s_rated_MVA` the rating of the connection (that of the matching transformer if
    none is given). `bus` defaults to the point of common coupling.
    """

    bus: str | None = None
    price_scale: float = Field(default=1.0, ge=0.0)
    sell_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    s_rated_MVA: float | None = Field(default=None, gt=0.0)


class Grid(DeviceAgent):
    """The utility as a device: it injects what the microgrid takes, at the market price.

    Positive P is energy bought. The device has no action; its power is metered after each power
    flow, on the utility's side of the connection.

    Examples
    --------
    >>> grid = Grid("pcc", device_state_config={"sell_ratio": 0.9})
    >>> grid.price = 40.0
    >>> grid.update_state({"p_mw": 0.5, "q_mvar": 0.1})
    >>> grid.update_cost_safety()
    >>> grid.cost
    20.0
    """

    element: ClassVar[str] = ""
    kernels: ClassVar = "powergrid.kernels.grid:KERNELS"
    observed: ClassVar = (
        ("electrical", "p_MW"),
        ("electrical", "q_MVAr"),
        ("electrical", "v_pu"),
    )

    price: float = Told()  # type: ignore[assignment]

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = parse_config(GridConfig, self._config, f"Grid '{agent_id}'")
        self.state.add_feature("electrical", ElectricalBasePh())
        self.s_rated_mva = self.config.s_rated_MVA
        self.price = 50.0  # market price of the present interval [$/MWh]

    def take_place(self, place: DevicePlace) -> None:
        """Take over bus and, where none is configured, rating of the connection."""
        super().take_place(place)
        if self.s_rated_mva is None:
            self.s_rated_mva = place.s_rated_mva

    def get_action_space(self) -> Box:
        """Return the empty box: there is nothing to decide."""
        return Box(low=-1.0, high=1.0, shape=(0,), dtype=np.float32)

    def kernel_parameters(self) -> list[float]:
        """Return the parameters in the order of the kernels' declaration."""
        rating = self.s_rated_mva or math.inf
        return [self.config.price_scale, self.config.sell_ratio, rating]

    def set_device_action(self, action: np.ndarray) -> None:
        """Accept the empty action."""

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Take over the metered exchange."""
        if net_results is not None:
            self.state.electrical.p_MW = net_results["p_mw"]
            self.state.electrical.q_MVAr = net_results["q_mvar"]

    def update_cost_safety(self) -> None:
        """Book energy bought minus sold [$/h]; safety is the excess over the rating."""
        config, electrical = self.config, self.state.electrical
        price = config.price_scale * self.price
        self.cost_parts = {
            "energy": energy_cost(electrical.p_MW, price, sell_ratio=config.sell_ratio)
        }
        self.cost = self.cost_parts["energy"]
        self.safety = s_over_rating(electrical.p_MW, electrical.q_MVAr, self.s_rated_mva)
