"""Commitment of a generating unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["UnitStatus"]


@dataclass
class UnitStatus(FeatureBlock):
    """Whether a unit is on line, and how long a start or stop in progress still takes."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    status: float = 1.0  # 1 on line, 0 off line
    hours_to_switch: float = 0.0  # until a started or stopping unit changes status [h]
