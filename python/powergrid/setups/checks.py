"""Warnings about connections that leave a microgrid badly served."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandapower as pp
from pandapower.topology import create_nxgraph

__all__ = ["connection_warnings"]


def connection_warnings(net: pp.pandapowerNet, grid: str) -> list[str]:
    """Return a text for each microgrid that hangs behind a transformer too small for it.

    A transformer of the distribution grid is too small if the load behind it, microgrids included
    and nothing generated, exceeds its rating. Regulators do not count.

    Parameters
    ----------
    net : pandapowerNet
        Network with merged microgrids.
    grid : str
        Name of the distribution grid.
    """
    connections = net.get("heron_pcc", {})
    if not connections or net.trafo.empty:
        return []
    graph = create_nxgraph(net, multi=False)
    source = int(net.ext_grid["bus"].iloc[0])
    load_mva = np.hypot(net.load["p_mw"], net.load["q_mvar"]).groupby(net.load["bus"]).sum()
    texts = []
    for microgrid, pcc in connections.items():
        path = nx.shortest_path(graph, source, pcc["grid_bus"])
        steps = list(pairwise(path))
        for index, trafo in net.trafo.iterrows():
            ends = (int(trafo["hv_bus"]), int(trafo["lv_bus"]))
            if trafo.get("is_regulator") is True or trafo.get("is_regulator") == 1.0:
                continue
            if ends not in steps and ends[::-1] not in steps:
                continue
            cut = graph.copy()
            cut.remove_edge(*ends)
            behind = nx.node_connected_component(cut, pcc["grid_bus"])
            demand = float(sum(load_mva.get(bus, 0.0) for bus in behind))
            if demand > float(trafo["sn_mva"]):
                texts.append(
                    f"{microgrid} is connected at {net.bus.at[pcc['grid_bus'], 'name']}, behind "
                    f"{net.trafo.at[index, 'name']} ({trafo['sn_mva']:g} MVA), which would carry "
                    f"{demand:.2f} MVA at full load: voltages there will be low and the power flow "
                    f"may not converge. Connect it upstream of that transformer, for example at "
                    f"{net.bus.at[ends[0], 'name']}, or lower its load_scale"
                )
    return texts
