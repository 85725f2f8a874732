"""Sequences of random draws that do not disturb one another."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Stream"]


class Stream(IntEnum):
    """Which of an agent's independent sequences of draws.

    One for each kind, so that reading one never shifts another. The numbers are part of every
    result.
    """

    TICK_INTERVAL = 0
    OBS_DELAY = 1
    ACT_DELAY = 2
    MSG_DELAY = 3
    MESSAGE_LOSS = 4
    MESSAGE_DUPLICATION = 5
    MESSAGE_REORDERING = 6
    DISTURBANCE = 7
