"""What an agent knows of its surroundings: the market, the clock and the coming hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from heron.core.feature import FeatureBlock

__all__ = ["ClockBlock", "ForecastBlock", "MarketBlock"]


@dataclass
class MarketBlock(FeatureBlock):
    """Market price of the interval that begins now."""

    visibility: ClassVar[list[str]] = ["public"]

    price: float = 50.0  # [$/MWh]


@dataclass
class ClockBlock(FeatureBlock):
    """Time of day and day of week on the unit circle, so that midnight and Monday are no jumps."""

    visibility: ClassVar[list[str]] = ["public"]

    sin_hour: float = 0.0
    cos_hour: float = 1.0
    sin_weekday: float = 0.0
    cos_weekday: float = 1.0


@dataclass
class ForecastBlock(FeatureBlock):
    """The agent's area over the coming steps; entry 0 is the interval that begins now."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    price: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [$/MWh], (n_step,)
    load: np.ndarray = field(default_factory=lambda: np.zeros(0))  # load multiplier, (n_step,)
    solar: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [p.u. of rating], (n_step,)
    wind: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [p.u. of rating], (n_step,)
