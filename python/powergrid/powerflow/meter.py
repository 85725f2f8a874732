"""Power exchanged with the utility, metered at the point of common coupling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.errors import ConfigError
from powergrid.powerflow.lane import FlowLane

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["Meter"]


@dataclass(frozen=True)
class Meter:
    """Where a grid's exchange is read.

    Through a matching transformer it is the flow into the transformer's side towards the grid, so
    its losses are the microgrid's. Across a switch it is what the microgrid's own elements draw
    from their side of the switch. Without a connection it is what the external grid supplies.
    """

    bus: int  # bus whose voltage is shown
    s_rated_mva: float | None  # rating of the connection
    trafo: int | None  # index of the matching transformer
    grid_side: str  # of the transformer, "hv" or "lv"
    buses: tuple[int, ...]  # one node behind a switch
    branches: tuple[tuple[str, str, int], ...]  # results of P and Q, and row, behind a switch
    is_source: bool  # read the external grid

    @classmethod
    def at_connection(
        cls,
        net: pandapowerNet,
        pcc: Mapping[str, Any] | None,
        bus: int | None,
        owner: str,
        own_buses: Sequence[int],
    ) -> Meter:
        """Place a meter.

        Parameters
        ----------
        pcc : mapping or None
            How a merged microgrid is connected (``grid_bus``, ``bus``, ``trafo``, ``switch``).
        bus : int or None
            Bus that the configuration wants; it must be the connection's.
        owner : str
            For messages.
        own_buses : sequence of int
            The agent's part of the network.
        """
        if pcc is None:
            sources = [b for b in net.ext_grid["bus"].tolist() if b in set(own_buses)]
            if not sources:
                raise ConfigError(
                    f"{owner}: the network does not say how it is connected, so a Grid has nothing "
                    f"to read: merge it with powergrid.networks.merge.merge_microgrid"
                )
            if bus is not None and bus not in sources:
                raise ConfigError(
                    f"{owner}: a Grid stands at the network's source, "
                    f"{net.bus.at[sources[0], 'name']}, not at {net.bus.at[bus, 'name']}"
                )
            return cls(int(sources[0]), None, None, "", (), (), is_source=True)
        if bus is not None and bus not in (pcc["bus"], pcc["grid_bus"]):
            raise ConfigError(
                f"{owner}: a Grid stands at the point of common coupling, "
                f"{net.bus.at[pcc['bus'], 'name']}, not at {net.bus.at[bus, 'name']}"
            )
        if pcc["trafo"] is not None:
            trafo = int(pcc["trafo"])
            rating = float(net.trafo.at[trafo, "sn_mva"])
            side = "hv" if net.trafo.at[trafo, "hv_bus"] == pcc["grid_bus"] else "lv"
            return cls(int(pcc["bus"]), rating, trafo, side, (), (), is_source=False)
        buses = _node_of(net, int(pcc["bus"]), int(pcc["switch"]))
        return cls(int(pcc["bus"]), None, None, "", buses, _branches_at(net, buses), False)

    def read(self, flow: FlowLane) -> tuple[float, float]:
        """Return active [MW] and reactive [Mvar] power taken from the utility."""
        result = flow.result
        if self.is_source:
            return result.source_p_mw, result.source_q_mvar
        if self.trafo is not None:
            row = flow.trafo_row(self.trafo)
            if self.grid_side == "lv":
                return float(result.trafo_p_lv_mw[row]), float(result.trafo_q_lv_mvar[row])
            return float(result.trafo_p_hv_mw[row]), float(result.trafo_q_hv_mvar[row])
        p, q = flow.consumption_at(self.buses)
        for p_name, q_name, row in self.branches:
            p += float(getattr(result, p_name)[row])
            q += float(getattr(result, q_name)[row])
        return p, q


def _node_of(net: pandapowerNet, bus: int, switch: int) -> tuple[int, ...]:
    """Return the buses joined to `bus` by closed bus-bus switches other than `switch`."""
    joins = net.switch[(net.switch["et"] == "b") & net.switch["closed"]].drop(index=switch)
    pairs = list(zip(joins["bus"].tolist(), joins["element"].tolist(), strict=True))
    node, todo = {bus}, [bus]
    while todo:
        here = todo.pop()
        for a, b in pairs:
            if here in (a, b) and not {a, b} <= node:
                todo += [end for end in (a, b) if end not in node]
                node |= {a, b}
    return tuple(sorted(node))


def _branches_at(net: pandapowerNet, buses: Sequence[int]) -> tuple[tuple[str, str, int], ...]:
    sides = (("line", "from"), ("line", "to"), ("trafo", "hv"), ("trafo", "lv"))
    found = []
    for table, side in sides:
        rows = np.flatnonzero(net[table][f"{side}_bus"].isin(buses))
        names = f"{table}_p_{side}_mw", f"{table}_q_{side}_mvar"
        found += [(*names, int(row)) for row in rows]
    return tuple(found)
