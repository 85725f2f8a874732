"""Where a network's elements lie in its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["ElementRows", "positions"]

_NUMBERED = ("bus", "sgen", "storage", "trafo", "line", "switch")
_NAMED = ("bus", "trafo", "line", "switch")
_AT_BUSES = ("load", "sgen", "storage")


def positions(index: np.ndarray, table_index: np.ndarray) -> NDArray[np.intp]:
    """Return the row positions of element numbers `index` in a table with `table_index`."""
    row_of = {int(number): row for row, number in enumerate(table_index)}
    return np.array([row_of[int(number)] for number in index], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class ElementRows:
    """Rows by element number, and which loads, generators and storages stand at which bus.

    It holds no reference to the network.

    Attributes
    ----------
    numbers : mapping of str to ndarray of int64, (n_row,)
        Numbers of buses, static generators, storages, transformers, lines and switches, by table.
    names : mapping of str to tuple of str
        Names of buses, transformers, lines and switches, by table.
    bus_of : mapping of str to ndarray of int64, (n_row,)
        Number of the bus of each load, static generator and storage, by table.
    share_of : mapping of str to ndarray, (n_row,)
        What each of them takes part with: its scaling, 0 out of service.
    can_open : mapping of str to ndarray of bool, (n_row,)
        Lines in service, and closed switches between buses or at an end of a line or transformer
        of two windings.
    """

    numbers: Mapping[str, NDArray[np.int64]]
    names: Mapping[str, tuple[str, ...]]
    bus_of: Mapping[str, NDArray[np.int64]]
    share_of: Mapping[str, NDArray[np.float64]]
    can_open: Mapping[str, NDArray[np.bool_]]
    _found: dict[tuple[int, ...], list[tuple[NDArray[np.intp], NDArray[np.float64]]]] = field(
        default_factory=dict, init=False, repr=False
    )

    @classmethod
    def of(cls, net: pandapowerNet) -> ElementRows:
        """Read the tables of a network."""
        return cls(
            numbers={table: net[table].index.to_numpy(np.int64) for table in _NUMBERED},
            names={table: tuple(map(str, net[table]["name"])) for table in _NAMED},
            bus_of={table: net[table]["bus"].to_numpy(np.int64) for table in _AT_BUSES},
            share_of={
                table: net[table]["scaling"].to_numpy(np.float64)
                * net[table]["in_service"].to_numpy(np.float64)
                for table in _AT_BUSES
            },
            can_open={
                "line": net.line["in_service"].to_numpy(np.bool_, copy=True),
                "switch": _closed_switches(net),
            },
        )

    @cached_property
    def bus(self) -> dict[int, int]:
        """Row of each bus by its number."""
        return self._rows("bus")

    @cached_property
    def sgen(self) -> dict[int, int]:
        """Row of each static generator by its number."""
        return self._rows("sgen")

    @cached_property
    def storage(self) -> dict[int, int]:
        """Row of each storage by its number."""
        return self._rows("storage")

    @cached_property
    def trafo(self) -> dict[int, int]:
        """Row of each transformer by its number."""
        return self._rows("trafo")

    def _rows(self, table: str) -> dict[int, int]:
        return {number: row for row, number in enumerate(self.numbers[table].tolist())}

    def at_buses(self, buses: Sequence[int]) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        """Return rows and shares of the loads, static generators and storages at some buses."""
        key = tuple(buses)
        if key not in self._found:
            found = []
            for table in _AT_BUSES:
                rows = np.flatnonzero(np.isin(self.bus_of[table], key))
                found.append((rows, self.share_of[table][rows]))
            self._found[key] = found
        return self._found[key]


def _closed_switches(net: pandapowerNet) -> NDArray[np.bool_]:
    """Return which switches are closed, of a kind that can be opened, and between buses in service.

    Those at three-winding transformers cannot.
    """
    switch, in_use = net.switch, net.bus.index[net.bus["in_service"].to_numpy(np.bool_)]
    at_bus = switch["et"].to_numpy() == "b"
    is_known = switch["et"].isin(["b", "l", "t"]) & switch["bus"].isin(in_use)
    is_known &= ~at_bus | switch["element"].isin(in_use)
    closed: NDArray[np.bool_] = is_known.to_numpy(np.bool_) & switch["closed"].to_numpy(np.bool_)
    return closed
