"""Protocols by name: what goes on between microgrids, and from a coordinator to its devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from heron.errors import nearest
from powergrid.core.config import StrictModel

__all__ = [
    "BetweenMicrogrids",
    "ConsensusConfig",
    "DirectionConfig",
    "MarketConfig",
    "NoProtocolConfig",
    "PriceConfig",
    "SetPointConfig",
    "TariffConfig",
    "WithinMicrogrid",
]

HOURS = 24


class NoProtocolConfig(StrictModel):
    """Microgrids have to do with each other through the network only."""

    name: Literal["none"] = "none"


class MarketConfig(StrictModel):
    """Microgrids trade surplus for deficit among themselves before they turn to the utility.

    `trading_fee` is what seller and buyer pay each [$/MWh].
    """

    name: Literal["p2p"] = "p2p"
    trading_fee: float = Field(default=0.01, ge=0.0)


class ConsensusConfig(StrictModel):
    """Microgrids agree on a common plan before they act; see `heron.protocols.ConsensusProtocol`.

    A value is agreed on if no two differ by more than `tolerance`, on the scale of [-1, 1].
    """

    name: Literal["consensus"] = "consensus"
    max_iterations: int = Field(default=10, ge=0)
    tolerance: float = Field(default=0.01, ge=0.0)
    graph: Literal["complete", "ring"] = "complete"


class TariffConfig(StrictModel):
    """The operator adds a price of its own to the market price [$/MWh], also to what is sold.

    It is `markup` plus, if given, the entry of the hour in `hourly`, which has 24.
    """

    name: Literal["price_signal"] = "price_signal"
    markup: float = 0.0
    hourly: list[float] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_for_each_hour(self) -> TariffConfig:
        if len(self.hourly) not in (0, HOURS):
            raise ValueError(f"hourly has {len(self.hourly)} entries, expected {HOURS}, or none")
        return self

    @property
    def by_hour(self) -> list[float]:
        """What is added in each hour of the day."""
        return [self.markup + extra for extra in (self.hourly or [0.0] * HOURS)]


class DirectionConfig(StrictModel):
    """The operator's policy, if it has one, decides what microgrids do."""

    name: Literal["setpoint"] = "setpoint"


class SetPointConfig(StrictModel):
    """The coordinator sets every device."""

    name: Literal["setpoint"] = "setpoint"


class PriceConfig(StrictModel):
    """The coordinator says a price, to which each device responds.

    Its action, in [-1, 1], is mapped to `lowest_price` .. `highest_price` [$/MWh];
    `initial_price` is what doing nothing means.
    """

    name: Literal["price_signal"] = "price_signal"
    initial_price: float = 50.0
    lowest_price: float = 0.0
    highest_price: float = 200.0

    @model_validator(mode="after")
    def _consistent(self) -> PriceConfig:
        if not self.lowest_price <= self.initial_price <= self.highest_price:
            raise ValueError(
                f"initial_price ({self.initial_price}) lies outside lowest_price "
                f"({self.lowest_price}) .. highest_price ({self.highest_price})"
            )
        if self.lowest_price == self.highest_price:
            raise ValueError(f"lowest_price and highest_price are both {self.lowest_price}")
        return self


def _by_name(names: Iterable[str]) -> BeforeValidator:
    """Return what makes a mapping of a plain name, and complains about an unknown one."""

    def read(given: Any) -> Any:
        if isinstance(given, BaseModel):
            return given
        data = {"name": given} if isinstance(given, str) else given
        if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
            raise ValueError(f"expected a name, or a mapping with one, got {given!r}")
        if data["name"] not in names:
            raise ValueError(nearest(data["name"], names, kind="protocol"))
        return dict(data)

    return BeforeValidator(read)


BetweenMicrogrids: TypeAlias = Annotated[
    NoProtocolConfig | MarketConfig | ConsensusConfig | TariffConfig | DirectionConfig,
    Field(discriminator="name"),
    _by_name(("none", "p2p", "consensus", "price_signal", "setpoint")),
]
WithinMicrogrid: TypeAlias = Annotated[
    SetPointConfig | PriceConfig,
    Field(discriminator="name"),
    _by_name(("setpoint", "price_signal")),
]
