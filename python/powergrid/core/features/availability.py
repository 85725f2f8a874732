"""What sun or wind would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["AvailablePower"]


@dataclass
class AvailablePower(FeatureBlock):
    """Power that a renewable unit could inject in the present interval."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    available_p_MW: float = 0.0  # profile times rating [MW]
