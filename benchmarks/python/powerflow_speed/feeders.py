"""Radial networks of any size, for the growth of a solve's cost with the number of buses."""

from __future__ import annotations

import numpy as np
import pandapower as pp

__all__ = ["radial_feeder"]

SEED = 7
VN_KV, P_MW, Q_MVAR = 20.0, 0.02, 0.008  # each bus's load on average
DROP_PU = 0.05  # the largest voltage drop, by the linear estimate sum(r P + x Q)
REACH = 20  # a bus hangs on one of so many before it: long feeders with short branches


def radial_feeder(n_bus: int) -> pp.pandapowerNet:
    """Build a tree of lines with a load at every bus but the first.

    Parameters
    ----------
    n_bus
        Number of buses, at least 2.
    """
    random = np.random.default_rng(SEED)
    child = np.arange(1, n_bus)
    parent = child - random.integers(1, np.minimum(child, REACH) + 1)
    p = P_MW * random.uniform(0.5, 1.5, n_bus - 1)
    q = Q_MVAR * random.uniform(0.5, 1.5, n_bus - 1)
    r = random.uniform(0.5, 1.5, n_bus - 1)
    x = random.uniform(0.3, 1.0, n_bus - 1)
    # Of equal drop whatever the size: impedances are scaled to it.
    scale = DROP_PU / _largest_drop(parent, p, q, r / VN_KV**2, x / VN_KV**2)
    net = pp.create_empty_network(name=f"radial {n_bus}", sn_mva=1.0)
    pp.create_buses(net, n_bus, VN_KV)
    pp.create_ext_grid(net, 0)
    pp.create_loads(net, child, p_mw=p, q_mvar=q)
    pp.create_lines_from_parameters(
        net,
        parent,
        child,
        length_km=1.0,
        r_ohm_per_km=r * scale,
        x_ohm_per_km=x * scale,
        c_nf_per_km=10.0,
        max_i_ka=1.0,
    )
    return net


def _largest_drop(
    parent: np.ndarray, p: np.ndarray, q: np.ndarray, r: np.ndarray, x: np.ndarray
) -> float:
    flow_p, flow_q = np.r_[0.0, p], np.r_[0.0, q]
    for child in range(len(parent), 0, -1):
        flow_p[parent[child - 1]] += flow_p[child]
        flow_q[parent[child - 1]] += flow_q[child]
    drop = np.zeros(len(parent) + 1)
    for child, above in enumerate(parent, 1):
        drop[child] = drop[above] + r[child - 1] * flow_p[child] + x[child - 1] * flow_q[child]
    return float(drop.max())
