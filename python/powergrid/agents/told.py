"""Attributes that an engine answers for while it steps the agent they belong to."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Teller", "Told"]


class Teller(Protocol):
    """Who keeps the books of an agent or device."""

    def tell(self, number: int, name: str) -> Any:
        """Return the attribute `name` of the one that is known under `number`."""


class Told:
    """An attribute with a value of its own, until somebody else keeps the books.

    Whoever steps agents by arrays sets ``agent.told_by = (teller, number)``: reading the attribute
    then asks ``teller.tell(number, name)``. So nothing is copied that nobody reads.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name, self._own = name, f"_own_{name}"

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        told_by = obj.__dict__.get("told_by")
        if told_by is None:
            return obj.__dict__[self._own]
        teller, number = told_by
        return teller.tell(number, self._name)

    def __set__(self, obj: Any, value: Any) -> None:
        obj.__dict__[self._own] = value
