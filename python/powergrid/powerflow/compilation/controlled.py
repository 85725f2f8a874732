"""Nodes whose voltage is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.pypower.idx_bus import BUS_TYPE, REF, VA
from pandapower.pypower.idx_gen import GEN_BUS, VG

from powergrid.powerflow.compilation.internal import InternalModel

__all__ = ["controlled_arrays", "rows_of"]


def controlled_arrays(model: InternalModel) -> dict[str, Any]:
    """Return the fields of NetworkData of held nodes: external grids first, then generators.

    Every external grid and generator of a node holds the same voltage; pandapower refuses others.
    """
    bus, gen = model.ppci["bus"], model.ppci["gen"]
    node = gen[:, GEN_BUS].astype(np.int64)
    _, first = np.unique(node, return_index=True)
    first.sort()
    node = node[first]
    is_source = bus[node, BUS_TYPE] == REF
    return {
        "controlled_node": node.astype(np.int32),
        "is_source": is_source.astype(np.uint8),
        "controlled_vm_pu": gen[first, VG].astype(np.float64),
        "controlled_va_degree": np.where(is_source, bus[node, VA], 0.0),
    }


def rows_of(
    model: InternalModel, net: pp.pandapowerNet, table: str, controlled: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the controlled row of each element of ``ext_grid`` or ``gen``; -1: out of service."""
    frame = net[table]
    row_of_node = np.full(model.n_node + 1, -1, np.int32)
    row_of_node[controlled] = np.arange(len(controlled))
    is_on = np.asarray(model.net._is_elements[table], bool)[: len(frame)]
    node = np.where(is_on, model.nodes(frame["bus"].to_numpy(np.int64)), -1)
    return row_of_node[node]
