"""What agents send to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Message", "MessageType"]


class MessageType(Enum):
    """What a message is for."""

    ACTION = "action"  # from a coordinator to a subordinate
    INFO = "info"  # from a subordinate to its coordinator
    BROADCAST = "broadcast"
    STATE_UPDATE = "state_update"
    RESULT = "result"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. It is shared by all who receive it, so its fields cannot be set.

    Attributes
    ----------
    env_id
        The environment it belongs to; others neither see nor clear it.
    sender_id, recipient_id
        Names of agents.
    timestamp
        Simulated time at which it was sent [s].
    message_type
        What it is for.
    payload
        What it says.

    Examples
    --------
    >>> message = Message("env_0", "DSO", "MG1", 60.0, MessageType.INFO, {"price": 52.5})
    >>> message.payload["price"]
    52.5
    """

    env_id: str
    sender_id: str
    recipient_id: str
    timestamp: float
    message_type: MessageType
    payload: dict[str, Any] = field(default_factory=dict)
