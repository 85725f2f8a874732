"""Tap changer position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["TapBlock"]


@dataclass
class TapBlock(FeatureBlock):
    """Position of a transformer's tap changer and the transformer's loading."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    tap: float = 0.0  # position; one step is the transformer's tap_step_percent
    loading_pct: float = 0.0  # transformer loading [%]
