"""Lines and switches that single lanes of a power flow may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid.powerflow.element_rows import ElementRows

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["Openable", "Unsupplied"]


@dataclass(frozen=True)
class Openable:
    """Rows of lines and switches, in the order of `PowerFlow.is_open`: lines first.

    An open line is out of service, at both ends.
    """

    lines: tuple[int, ...] = ()
    switches: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.lines) + len(self.switches)

    def check(self, rows: ElementRows) -> None:
        """Raise InvalidArgumentError for one that cannot be opened, or is named twice."""
        for table, chosen in (("line", self.lines), ("switch", self.switches)):
            can_open = rows.can_open[table]
            for row in chosen:
                if not 0 <= row < len(can_open):
                    raise InvalidArgumentError(
                        f"there is no row {row} of net.{table} to open: it has {len(can_open)}"
                    )
                if not can_open[row]:
                    why = {
                        "line": "is out of service",
                        "switch": "is open, or at a transformer of three windings, or at a bus "
                        "that is out of service",
                    }[table]
                    raise InvalidArgumentError(f"row {row} of net.{table} {why}")
            if len(set(chosen)) < len(chosen):
                raise InvalidArgumentError(f"a row of net.{table} is named twice: {chosen}")

    def write(self, net: pandapowerNet, is_open: NDArray[np.uint8]) -> None:
        """Write what is open, (n,), to a network's tables."""
        in_use = is_open == 0
        n = len(self.lines)
        if n:
            label = net.line.index[list(self.lines)]
            net.line.loc[label, "in_service"] = in_use[:n]
        if self.switches:
            label = net.switch.index[list(self.switches)]
            net.switch.loc[label, "closed"] = in_use[n:]


@dataclass(frozen=True, eq=False)
class Unsupplied:
    """What some open lines and switches leave without supply: rows, intp.

    `buses`, and the elements on them by table.
    """

    buses: NDArray[np.intp]
    loads: NDArray[np.intp]
    sgens: NDArray[np.intp]
    storages: NDArray[np.intp]

    @classmethod
    def at_buses(cls, is_dead: NDArray[np.bool_], rows: ElementRows) -> Unsupplied:
        """Find the elements on buses without supply, (n_bus,)."""
        numbers = rows.numbers["bus"][is_dead]

        def on(table: str) -> NDArray[np.intp]:
            return np.flatnonzero(np.isin(rows.bus_of[table], numbers))

        return cls(np.flatnonzero(is_dead), on("load"), on("sgen"), on("storage"))
