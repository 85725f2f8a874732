"""Where a network's elements lie in its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["ElementRows", "positions"]

_AT_BUSES = ("load", "sgen", "storage")


def positions(index: np.ndarray, table_index: np.ndarray) -> NDArray[np.intp]:
    """Return the row positions of element numbers `index` in a table with `table_index`."""
    row_of = {int(number): row for row, number in enumerate(table_index)}
    return np.array([row_of[int(number)] for number in index], dtype=np.intp)


class ElementRows:
    """Rows by element number, and which loads, generators and storages stand at which bus.

    It holds no reference to the network.

    Attributes
    ----------
    bus, sgen, storage, trafo : dict[int, int]
        Row of each element by its number.
    """

    def __init__(self, net: pandapowerNet) -> None:
        self.bus, self.sgen, self.storage, self.trafo = (
            {int(number): row for row, number in enumerate(net[table].index)}
            for table in ("bus", "sgen", "storage", "trafo")
        )
        self._bus_of = {table: net[table]["bus"].to_numpy(np.int64) for table in _AT_BUSES}
        # What an element takes part with: its scaling, 0 out of service.
        self._share_of = {
            table: net[table]["scaling"].to_numpy(np.float64)
            * net[table]["in_service"].to_numpy(np.float64)
            for table in _AT_BUSES
        }
        self._found: dict[tuple[int, ...], list[tuple[NDArray[np.intp], NDArray[np.float64]]]] = {}

    def at_buses(self, buses: Sequence[int]) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        """Return rows and shares of the loads, static generators and storages at some buses."""
        key = tuple(buses)
        if key not in self._found:
            found = []
            for table in _AT_BUSES:
                rows = np.flatnonzero(np.isin(self._bus_of[table], key))
                found.append((rows, self._share_of[table][rows]))
            self._found[key] = found
        return self._found[key]
