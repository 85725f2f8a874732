"""The order of what happens at one instant: priorities of events, smaller first.

An environment closes its interval, what arrives is there before anyone ticks, ticks go from the top
of the hierarchy down, and what they lead to at once takes effect last.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACTION_EFFECT",
    "COORDINATOR_TICK",
    "ENV_UPDATE",
    "FIELD_TICK",
    "MESSAGE_DELIVERY",
    "SYSTEM_TICK",
]

ENV_UPDATE: Final = 0
MESSAGE_DELIVERY: Final = 1
SYSTEM_TICK: Final = 2
COORDINATOR_TICK: Final = 3
FIELD_TICK: Final = 4
ACTION_EFFECT: Final = 5
