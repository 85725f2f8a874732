"""Configuration of one grid agent."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from powergrid.agents.protocol_config import SetPointConfig, WithinMicrogrid
from powergrid.core.config import StrictModel

__all__ = ["GridAgentConfig"]


class GridAgentConfig(StrictModel):
    """A microgrid: its devices, and how it is fed and connected.

    `network`, `connection_bus` and `load_scale` matter where an environment builds the network:
    which feeder the microgrid is, the distribution grid's bus it hangs on, and the share of the
    feeder's published load (0.1 if it is merged into a distribution grid, 1 alone). `load_area` and
    `renew_area` name the areas whose series it follows. `grid_price` is "market", a fixed price
    [$/MWh], or "none" for an exchange that is neither metered nor paid. `protocol` is how the
    coordinator's action reaches the devices where an environment makes the agent: "setpoint",
    "price_signal", or a mapping with such a name and its parameters.
    """

    name: str = Field(default="grid", min_length=1)
    base_power: float = Field(default=1.0, gt=0.0)
    devices: list[dict[str, Any]] = Field(default_factory=list)
    network: str = "ieee13"
    connection_bus: str | None = None
    load_scale: float | None = Field(default=None, ge=0.0)
    load_area: str | None = None
    renew_area: str | None = None
    grid_price: float | Literal["market", "none"] = "market"
    protocol: WithinMicrogrid = Field(default_factory=SetPointConfig)
