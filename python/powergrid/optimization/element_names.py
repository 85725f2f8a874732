"""What nodes and branches of a compiled network are called."""

from __future__ import annotations

import numpy as np

from powergrid.powerflow.compilation import CompiledNetwork

__all__ = ["branch_name", "node_name"]


def node_name(compiled: CompiledNetwork, node: int) -> str:
    """Return the name of the first bus of a node; buses joined by switches are one node."""
    buses = np.flatnonzero(compiled.data["node_of_bus"] == node)
    if not buses.size:  # inside a transformer, or at the open end of a line
        return f"node {node}"
    name: str = compiled.elements.names["bus"][buses[0]]
    return name


def branch_name(compiled: CompiledNetwork, row: int) -> str:
    """Return a branch's table, its row there, and the names of the buses at its ends."""
    ends = (node_name(compiled, int(compiled.data[end][row])) for end in ("from_node", "to_node"))
    tables = {"line": compiled.lines, "trafo": compiled.trafos, "trafo3w": compiled.trafo3ws}
    table, number = "branch", row
    for name, rows in tables.items():
        if rows.start <= row < rows.stop:
            n = (rows.stop - rows.start) // (3 if name == "trafo3w" else 1)
            table, number = name, (row - rows.start) % n
    return f"{table} {number} ({' - '.join(ends)})"
