"""Kinds of events."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EventType"]


class EventType(IntEnum):
    """What an event stands for; the values are those of the compiled core."""

    AGENT_TICK = 0  # an agent observes, decides and acts
    ACTION_EFFECT = 1  # an action reaches what it acts on
    MESSAGE_DELIVERY = 2  # a message reaches its recipient
    OBSERVATION_READY = 3  # a delayed observation reaches its agent
    ENV_UPDATE = 4  # the environment advances
    CUSTOM = 5
