"""Power limits of a dispatchable device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["PowerLimits"]


@dataclass
class PowerLimits(FeatureBlock):
    """Bounds of a device's active and reactive injection."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    p_max_MW: float = 1.0  # largest active injection [MW]
    p_min_MW: float = 0.0  # smallest active injection [MW]
    q_max_MVAr: float = 0.0  # largest reactive injection [Mvar]
    q_min_MVAr: float = 0.0  # smallest reactive injection [Mvar]
