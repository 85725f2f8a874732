"""Disturbances of an episode: what may go wrong, when, and for how long."""

from __future__ import annotations

from powergrid.disturbances.config import KINDS, DisturbanceConfig, DurationConfig

__all__ = ["KINDS", "DisturbanceConfig", "DurationConfig"]
