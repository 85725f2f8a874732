"""Errors of power flow."""

from __future__ import annotations

from heron.errors import HeronError

__all__ = ["UnsupportedNetworkError"]


class UnsupportedNetworkError(HeronError, NotImplementedError):
    """A network has an element that the native power flow has no model of.

    Parameters
    ----------
    table : str
        The pandapower table, such as "svc".
    row : object
        Index of the first such element in it.
    reason : str
        Why it cannot be compiled, as the end of a sentence.
    """

    def __init__(self, table: str, row: object, reason: str) -> None:
        row = getattr(row, "item", lambda: row)()  # a number as Python writes it
        super().__init__(table, row, reason)
        self.table = table
        self.row = row
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"net.{self.table}.loc[{self.row!r}]: {self.reason}; "
            'take it out of service or solve with power_flow="pandapower"'
        )
