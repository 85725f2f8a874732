"""What befalls a message on its way, in pure Python: the definition of what the core does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from heron.messaging.faults import MessageFaults, Outage
from heron.reference.random import random_bits, to_uniform
from heron.scheduling.stream import Stream

__all__ = ["MessageFate", "is_out", "message_fate"]

_MASK = 2**64 - 1


class MessageFate(NamedTuple):
    """What became of one message."""

    n_copy: int = 1  # how many travel: 0, 1 or 2
    is_held_back: tuple[bool, bool] = (False, False)  # by copy
    held_back_s: tuple[float, float] = (0.0, 0.0)  # by copy; 0 if it is not
    is_lost: bool = False  # by chance
    is_outage: bool = False  # then no chance is taken, but the draws are used up


def is_out(outages: Iterable[Outage], sender: int, time_s: float) -> bool:
    """Tell whether an outage loses what the sender sends at `time_s`."""
    return any(
        outage.sender in (None, sender) and outage.start <= time_s < outage.end
        for outage in outages
    )


def message_fate(
    faults: MessageFaults, seed: int, lane_key: int, sender: int, message: int, time_s: float
) -> MessageFate:
    """Return the fate of message number `message` (0, 1, ...) that `sender` sends at `time_s`.

    It is a function of these numbers alone. Loss, duplication and reordering have streams of their
    own, so that switching one on leaves the draws of the others as they were.
    """

    def uniform(stream: Stream, draw: int) -> float:
        return to_uniform(random_bits(seed, lane_key, sender & _MASK, stream, draw))

    if is_out(faults.outages, sender, time_s):
        return MessageFate(n_copy=0, is_outage=True)
    if uniform(Stream.MESSAGE_LOSS, message) < faults.loss:
        return MessageFate(n_copy=0, is_lost=True)
    n_copy = 2 if uniform(Stream.MESSAGE_DUPLICATION, message) < faults.duplication else 1
    is_held_back, held_back_s = [False, False], [0.0, 0.0]
    for copy in range(n_copy):
        draw = 4 * message + 2 * copy
        if uniform(Stream.MESSAGE_REORDERING, draw) < faults.reordering:
            is_held_back[copy] = True
            held_back_s[copy] = faults.reordering_delay * uniform(
                Stream.MESSAGE_REORDERING, draw + 1
            )
    return MessageFate(n_copy, (is_held_back[0], is_held_back[1]), (held_back_s[0], held_back_s[1]))
