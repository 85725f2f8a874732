"""Limits of voltages and currents on the variables of the branch-flow model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.optimization.branch_flow import BranchFlow
from powergrid.optimization.convex import cp
from powergrid.optimization.element_names import branch_name, node_name
from powergrid.optimization.limits import LimitBook, OpfLimits
from powergrid.optimization.radial_network import RadialNetwork

__all__ = ["keep_currents", "keep_voltages"]

Array = NDArray[np.float64]


def keep_voltages(
    branches: BranchFlow, above: BranchFlow, limits: OpfLimits, book: LimitBook
) -> None:
    """Add the voltage band to a book; `above` is the model whose voltages the upper limit binds."""
    network = branches.network
    low, high = _band(network, limits)
    for model, bound, sign, word in (
        (branches, low, -1.0, "at least"),
        (above, high, 1.0, "at most"),
    ):
        rows = np.flatnonzero(np.isfinite(bound) & (bound > 0.0))
        name = _voltage_name(model, rows, bound, word)
        slack = book.slack((len(rows), network.n_step), name)
        square = np.repeat(bound[rows, np.newaxis] ** 2, network.n_step, axis=1)
        book.constraints.append(sign * model.v[rows] <= sign * square + slack)


def _band(network: RadialNetwork, limits: OpfLimits) -> tuple[Array, Array]:
    """Return the band of each node [p.u.], the tightest of its buses': 0 and infinite without."""
    node_of_bus = network.compiled.data["node_of_bus"]
    is_on = node_of_bus >= 0
    low, high = np.zeros(network.n_node), np.full(network.n_node, np.inf)
    of_bus = (
        np.broadcast_to(np.asarray(value, np.float64), node_of_bus.shape)[is_on]
        for value in (limits.v_min_pu, limits.v_max_pu)
    )
    np.maximum.at(low, node_of_bus[is_on], next(of_bus))
    np.minimum.at(high, node_of_bus[is_on], next(of_bus))
    low[network.held_node], high[network.held_node] = 0.0, np.inf
    return low, high


def _voltage_name(
    model: BranchFlow, rows: NDArray[np.intp], bound: Array, word: str
) -> Callable[[int, int], str]:
    without = "" if model.has_losses else ", without losses,"

    def name(row: int, step: int) -> str:
        node = int(rows[row])
        vm = np.sqrt(max(model.v.value[node, step], 0.0))
        return (
            f"step {step}: the voltage of {node_name(model.network.compiled, node)}{without} is "
            f"{vm:.4f} p.u., {word} {bound[node]:g} is asked for"
        )

    return name


def keep_currents(branches: BranchFlow, limits: OpfLimits, book: LimitBook) -> None:
    """Add the loadings of lines and transformers, the larger of both ends, to a book."""
    most = (limits.loading_percent / 100.0) ** 2
    network = branches.network
    shares = []  # of what is allowed, squared
    for l_end, l_max in zip(
        branches.currents(), (network.l_max_from, network.l_max_to), strict=True
    ):
        # What has no rating is not loaded.
        per_l = np.where(np.isfinite(most * l_max), 1.0 / (most * l_max), 0.0)
        shares.append(cp.multiply(np.repeat(per_l[:, np.newaxis], network.n_step, axis=1), l_end))
    rows = np.flatnonzero(np.isfinite(most * np.minimum(network.l_max_from, network.l_max_to)))
    if rows.size:
        name = _current_name(network, rows, cp.maximum(*shares), limits)
        slack = book.slack((len(rows), network.n_step), name)
        book.constraints += [share[rows] <= 1.0 + slack for share in shares]


def _current_name(
    network: RadialNetwork, rows: NDArray[np.intp], share: Any, limits: OpfLimits
) -> Callable[[int, int], str]:
    def name(row: int, step: int) -> str:
        loading = limits.loading_percent * np.sqrt(max(share.value[rows[row], step], 0.0))
        return (
            f"step {step}: {branch_name(network.compiled, int(network.rows[rows[row]]))} is loaded "
            f"to {loading:.1f} %, at most {limits.loading_percent:g} is asked for"
        )

    return name
