"""Agents that agree on a value by exchanging theirs with their neighbours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Agreement", "complete_graph", "metropolis_weights", "reach_consensus", "ring_graph"]


class Agreement(NamedTuple):
    """How far agents came.

    Attributes
    ----------
    values
        The value of each agent at the end, (n_agent, ...).
    n_iteration
        Exchanges that took place, int64, (...).
    spread
        Largest value less smallest, (...).
    """

    values: NDArray[np.float64]
    n_iteration: NDArray[np.int64]
    spread: NDArray[np.float64]


def complete_graph(n_agent: int) -> NDArray[np.bool_]:
    """Return who talks to whom if all do, (n_agent, n_agent)."""
    return ~np.eye(n_agent, dtype=np.bool_)


def ring_graph(n_agent: int) -> NDArray[np.bool_]:
    """Return who talks to whom if each talks to the one before and the one behind it."""
    graph = np.zeros((n_agent, n_agent), dtype=np.bool_)
    here = np.arange(n_agent)
    graph[here, (here + 1) % n_agent] = graph[(here + 1) % n_agent, here] = True
    np.fill_diagonal(graph, False)
    return graph


def metropolis_weights(graph: ArrayLike) -> NDArray[np.float64]:
    """Return how much each agent heeds each other one, (n_agent, n_agent).

    ``w[i, j] = 1 / (1 + max(degree[i], degree[j]))`` between neighbours (Xiao, Boyd and Kim,
    "Distributed average consensus with least-mean-square deviation", JPDC 67, 2007), 0 elsewhere.
    An agent keeps ``1 - sum(w[i])`` of its own value. The matrix is symmetric, hence the mean of
    all values stays; each agent needs to know its neighbours' degrees only.

    Raises
    ------
    ValueError
        If the graph is not square and symmetric, or an agent is its own neighbour.
    """
    linked = np.asarray(graph, dtype=np.bool_)
    if linked.ndim != 2 or linked.shape[0] != linked.shape[1]:
        raise ValueError(f"graph has shape {linked.shape}, expected (n_agent, n_agent)")
    if (linked != linked.T).any() or linked.diagonal().any():
        raise ValueError("graph must be symmetric, and nobody is a neighbour of itself")
    degree = linked.sum(axis=0)
    weights: NDArray[np.float64] = linked / (1.0 + np.maximum(degree[:, None], degree[None, :]))
    return weights


def reach_consensus(
    proposals: ArrayLike,
    graph: ArrayLike,
    *,
    max_iterations: int = 10,
    tolerance: float = 0.01,
    lost: ArrayLike | None = None,
) -> Agreement:
    """Let agents average with their neighbours until they agree.

    ``x[i] += sum over j of w[i, j] * (x[j] - x[i])`` with `metropolis_weights`, as long as the
    spread is above the tolerance. All values stay between the smallest and the largest proposal, up
    to rounding.

    Parameters
    ----------
    proposals
        What each agent begins with, (n_agent, ...); further axes are agreements side by side, such
        as lanes, and each ends for itself.
    graph
        Who talks to whom, bool, (n_agent, n_agent), symmetric; see `complete_graph` (where one
        exchange is enough) and `ring_graph`.
    max_iterations
        Most exchanges that take place.
    tolerance
        Spread at which agents agree.
    lost
        Messages that do not arrive, bool, (n_agent, n_agent) for all exchanges, or (max_iterations,
        n_agent, n_agent): ``lost[i, j]`` keeps j's value from i, which then goes without it. The
        mean of all values stays only if losses are symmetric, as those of a link in both
        directions; otherwise the agents may agree on another value between the proposals.

    Raises
    ------
    ValueError
        If a value is not finite or a shape does not fit.

    Examples
    --------
    >>> reach_consensus([0.0, 3.0, 6.0], ring_graph(3)).values
    array([3., 3., 3.])
    """
    values = np.array(proposals, dtype=np.float64, order="C")
    weights = metropolis_weights(graph)
    n_agent = len(weights)
    if n_agent < 1 or values.shape[:1] != (n_agent,):
        raise ValueError(f"proposals has shape {values.shape}, expected ({n_agent}, ...)")
    if not np.isfinite(values).all():
        raise ValueError(f"proposals is {values.tolist()}; expected finite values")
    if max_iterations < 0 or not tolerance >= 0.0:
        raise ValueError(
            f"max_iterations is {max_iterations} and tolerance {tolerance}; expected none below 0"
        )
    arrives = _arrivals(lost, n_agent, max_iterations)
    flat = values.reshape(n_agent, -1)
    n_iteration = np.zeros(flat.shape[1], dtype=np.int64)
    for k in range(max_iterations):
        is_open = np.ptp(flat, axis=0) > tolerance
        if not is_open.any():
            break
        here = flat[:, is_open]
        # Of differences, so that what i gives j is exactly what j gets, and equal values stay.
        heeded, change = weights * arrives[k], np.zeros_like(here)
        # One neighbour after the other, so that rounding does not depend on how many agreements
        # are side by side.
        for j in range(n_agent):
            change += heeded[:, j, None] * (here[j] - here)
        flat[:, is_open] = here + change
        n_iteration += is_open
    spread = np.ptp(flat, axis=0)
    lanes = values.shape[1:]
    return Agreement(flat.reshape(values.shape), n_iteration.reshape(lanes), spread.reshape(lanes))


def _arrivals(lost: ArrayLike | None, n_agent: int, n_iteration: int) -> NDArray[np.bool_]:
    whole = (n_iteration, n_agent, n_agent)
    mask = np.zeros(whole[1:], dtype=np.bool_) if lost is None else np.asarray(lost, dtype=np.bool_)
    if mask.shape not in (whole, whole[1:]):
        raise ValueError(f"lost has shape {mask.shape}, expected {whole[1:]} or {whole}")
    return np.broadcast_to(~mask, whole)
