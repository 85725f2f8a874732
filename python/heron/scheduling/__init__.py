"""When agents act: intervals, delays and their jitter."""

from __future__ import annotations

from heron.scheduling.tick_config import JitterType, ScheduleConfig, TickConfig

__all__ = ["JitterType", "ScheduleConfig", "TickConfig"]
