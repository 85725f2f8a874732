"""What may befall messages on their way, as configuration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from heron.errors import ConfigError, nearest

__all__ = ["MessageFaults", "Outage"]


@dataclass(frozen=True)
class Outage:
    """A span of simulated time in which what an agent sends is lost.

    Attributes
    ----------
    start, end
        From `start` to before `end` [s]; `end` may be infinite.
    sender
        Whose messages: an agent's name, or its number where agents are numbers; None for all.

    Raises
    ------
    ConfigError
        If the start is not before the end.
    """

    start: float
    end: float
    sender: str | int | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            _check_number(f"{name} of an outage", getattr(self, name))
        if not self.start < self.end:
            raise ConfigError(
                f"an outage lasts from {self.start} s to {self.end} s, expected a start before "
                f"the end"
            )
        if isinstance(self.sender, int) and self.sender < 0:
            raise ConfigError(
                f"sender of an outage is {self.sender}, expected an agent's name or number, or "
                f"None for all"
            )


@dataclass(frozen=True)
class MessageFaults:
    """What may befall a message on its way.

    Each fault has random draws of its own, so switching one on leaves what the others do as it was.

    Attributes
    ----------
    loss
        Probability that a message never arrives.
    duplication
        Probability that it arrives twice, each copy with its own reordering.
    reordering
        Probability that it is held back, so that later ones may overtake it.
    reordering_delay
        It is held back for a time uniform in [0, reordering_delay) [s].
    outages
        Spans of time in which messages are lost: `Outage` or mappings of its arguments.

    Raises
    ------
    ConfigError
        If a value is out of range.

    Examples
    --------
    >>> faults = MessageFaults(loss=0.05, outages=[Outage(60.0, 120.0, sender="MG1")])
    >>> faults.outages[0].sender
    'MG1'
    >>> MessageFaults.from_config({"los": 0.1})
    Traceback (most recent call last):
        ...
    heron.errors.ConfigError: faults: unknown key 'los'; did you mean 'loss'? ...
    """

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    reordering_delay: float = 0.0
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        for name in ("loss", "duplication", "reordering"):
            value = getattr(self, name)
            _check_number(name, value)
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} is {value}, expected a probability from 0 to 1")
        _check_number("reordering_delay", self.reordering_delay)
        if not 0.0 <= self.reordering_delay < math.inf:
            raise ConfigError(
                f"reordering_delay is {self.reordering_delay}, expected a finite number of "
                f"seconds, at least 0"
            )
        outages = tuple(
            _from_config(Outage, "outage", outage) if isinstance(outage, Mapping) else outage
            for outage in self.outages
        )
        for outage in outages:
            if not isinstance(outage, Outage):
                raise ConfigError(f"outages holds {outage!r}, expected Outage(start, end, sender)")
        object.__setattr__(self, "outages", outages)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MessageFaults:
        """Make faults from a mapping; an unknown key is refused and the nearest known one named."""
        faults: MessageFaults = _from_config(cls, "faults", config)
        return faults


def _from_config(kind: type[Any], where: str, config: Mapping[str, Any]) -> Any:
    names = [field.name for field in dataclasses.fields(kind)]
    for key in config:
        if key not in names:
            raise ConfigError(f"{where}: {nearest(key, names)}")
    try:
        return kind(**config)
    except TypeError as error:  # an argument that has no default is missing
        raise ConfigError(f"{where}: {error}") from None


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        raise ConfigError(f"{name} is {value!r}, expected a number")
