"""What happens first among the events of one instant: the smaller priority.

The interval that ends is closed before anybody acts; a message that takes no time is read by the
tick of its recipient if that is still to come, since ticks go from the top level down; and what was
decided takes effect when all have decided.
"""

from __future__ import annotations

__all__ = [
    "ACTION_EFFECT",
    "COORDINATOR_TICK",
    "ENV_UPDATE",
    "FIELD_TICK",
    "MESSAGE_DELIVERY",
    "SYSTEM_TICK",
    "tick_priority",
]

ENV_UPDATE = 0
MESSAGE_DELIVERY = 1
SYSTEM_TICK = 2
COORDINATOR_TICK = 3
FIELD_TICK = 4
ACTION_EFFECT = 5


def tick_priority(level: int) -> int:
    """Return the priority of the ticks of an agent of that level: 1 field, 2 coordinator, 3 system.

    Levels above count as 3, those below as 1.
    """
    return {3: SYSTEM_TICK, 2: COORDINATOR_TICK}.get(min(level, 3), FIELD_TICK)
