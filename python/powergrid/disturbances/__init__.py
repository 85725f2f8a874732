"""Disturbances of an episode, and conditions that wake agents."""

from __future__ import annotations

from powergrid.disturbances.conditions import Condition, GridView, VoltageAlarm
from powergrid.disturbances.config import KINDS, DisturbanceConfig, DurationConfig

__all__ = [
    "KINDS",
    "Condition",
    "DisturbanceConfig",
    "DurationConfig",
    "GridView",
    "VoltageAlarm",
]
