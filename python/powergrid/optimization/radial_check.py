"""Whether the branch-flow model holds for a network."""

from __future__ import annotations

import numpy as np

from heron.errors import ConfigError
from powergrid.optimization.element_names import branch_name, node_name
from powergrid.powerflow.compilation import CompiledNetwork

__all__ = ["check_radial"]


def check_radial(compiled: CompiledNetwork) -> None:
    """Raise ConfigError if the branch-flow model does not hold, naming the branch or bus."""
    data = compiled.data
    part = np.arange(len(data["p_fixed_pu"]))  # of each node: one that it is connected with

    def root(node: int) -> int:
        while part[node] != node:
            part[node] = part[part[node]]
            node = int(part[node])
        return node

    for row in np.flatnonzero(data["from_node"] >= 0).tolist():
        a, b = root(int(data["from_node"][row])), root(int(data["to_node"][row]))
        if a == b:
            raise ConfigError(
                f"the network is not radial: {branch_name(compiled, row)} closes a loop, and the "
                f"branch-flow relaxation drops the angles that a loop needs; open it"
            )
        part[a] = b
        for name in "rx":
            if data[f"{name}_pu"][row] != data[f"{name}_back_pu"][row]:
                raise ConfigError(
                    f"{branch_name(compiled, row)}: its impedance differs by direction, which the "
                    f"branch-flow model does not know"
                )
    source_of: dict[int, int] = {}
    for node in data["controlled_node"][data["is_source"] == 1].tolist():
        other = source_of.setdefault(root(node), node)
        if other != node:
            raise ConfigError(
                f"the network is not radial: external grids at {node_name(compiled, other)} and "
                f"{node_name(compiled, node)} supply one part of it, and the branch-flow "
                f"relaxation drops the angle between them"
            )
