"""Generalised advantage estimation over episodes laid end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["value_targets"]

Array = NDArray[Any]


def value_targets(
    values: NDArray[np.float32],
    rewards: NDArray[np.float32],
    terminateds: NDArray[np.bool_],
    truncateds: NDArray[np.bool_],
    gamma: float,
    lambda_: float,
) -> NDArray[np.float32]:
    """Return the targets of the value function that RLlib's `compute_value_targets` does.

    With delta_t = r_t + gamma (1 - terminated_t) V_{t+1} - V_t, advantages are
    A_t = delta_t + gamma lambda (1 - done_t) A_{t+1} (Schulman et al., 2016, eq. 16), and targets
    A_t + V_t. V_{t+1} is that of the next row; after the last one it is 0.

    Parameters
    ----------
    values, rewards : ndarray of float32, (n,)
        Each episode has one row more than steps, for the value after its last step.
    terminateds, truncateds : ndarray of bool, (n,)
        Set in the row of an episode's last step.
    gamma, lambda_ : float
        Discount, and how far rewards count instead of values.
    """
    advantages = np.empty_like(rewards)
    _advantages(values, rewards, terminateds, truncateds, gamma, lambda_, advantages)
    return advantages + values


@njit(cache=True)
def _advantages(
    values: Array,
    rewards: Array,
    terminateds: Array,
    truncateds: Array,
    gamma: float,
    lambda_: float,
    advantages: Array,
) -> None:
    """Go through the rows from the last to the first, in double precision."""
    running = 0.0
    following = 0.0
    for t in range(len(values) - 1, -1, -1):
        not_terminal = 0.0 if terminateds[t] else 1.0
        goes_on = not_terminal * (0.0 if truncateds[t] else 1.0)
        value = np.float64(values[t])
        delta = np.float64(rewards[t]) + gamma * not_terminal * following - value
        running = delta + gamma * lambda_ * goes_on * running
        advantages[t] = running
        following = value
