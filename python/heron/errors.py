"""Errors of the package, and the sentence that an unknown name gets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["ConfigError", "HeronError", "InvalidArgumentError", "QueueFullError", "nearest"]


class HeronError(Exception):
    """Base of every error that the package raises on purpose."""


class ConfigError(HeronError, ValueError):
    """A name, a value or a combination that a user gave cannot be used."""


class InvalidArgumentError(HeronError, ValueError):
    """An argument of a call cannot be right, such as a time in the past; nothing has changed."""


class QueueFullError(HeronError):
    """A queue of messages has no room and its policy is to reject; the message was not taken."""


def nearest(name: object, options: Iterable[object], *, kind: str = "key") -> str:
    """Say that a name is unknown, which known one is closest, and which exist.

    Parameters
    ----------
    name
        What was given.
    options
        The names that would have been right, in the order to list them.
    kind
        What is named, such as "key", "bus" or "agent".

    Examples
    --------
    >>> nearest("p_mx_MW", ["p_max_MW", "bus"])
    "unknown key 'p_mx_MW'; did you mean 'p_max_MW'? Known: 'p_max_MW', 'bus'"
    """
    given = str(name)
    known = [str(option) for option in options]
    if not known:
        return f"unknown {kind} {given!r}; there is none to choose from"
    # Compared without case, because 'p_max_mw' for 'p_max_MW' is the commonest slip.
    of_folded = {option.casefold(): option for option in known}
    close = difflib.get_close_matches(given.casefold(), of_folded, n=1)
    hint = f"; did you mean {of_folded[close[0]]!r}?" if close else "."
    return f"unknown {kind} {given!r}{hint} Known: {', '.join(map(repr, known))}"
