"""When agents act: intervals, delays, their jitter, and the events they lead to."""

from __future__ import annotations

from heron._core import Event
from heron.scheduling.control_loop import ControlLoop
from heron.scheduling.event_queue import EventQueue
from heron.scheduling.event_scheduler import EventScheduler
from heron.scheduling.event_type import EventType
from heron.scheduling.stream import Stream
from heron.scheduling.tick_config import JitterType, ScheduleConfig, TickConfig
from heron.scheduling.tick_scheduler import TickScheduler

__all__ = [
    "ControlLoop",
    "Event",
    "EventQueue",
    "EventScheduler",
    "EventType",
    "JitterType",
    "ScheduleConfig",
    "Stream",
    "TickConfig",
    "TickScheduler",
]
