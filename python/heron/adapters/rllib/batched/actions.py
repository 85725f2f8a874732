"""From the networks' actions to the environment's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns

from heron.adapters.rllib.batched.module_pass import Outputs, Rows

__all__ = ["ActionScale"]


class ActionScale:
    """Do for arrays what RLlib's `NormalizeAndClipActions` does for single actions, bit for bit.

    Parameters
    ----------
    space : Box
        (n_agent, n_entry), of all agents.
    n_lane : int
        Number of lanes.
    normalize, clip : bool
        The settings ``normalize_actions`` and ``clip_actions``.
    """

    def __init__(self, space: Box, n_lane: int, *, normalize: bool, clip: bool) -> None:
        self._space = space
        self._normalize = normalize
        self._clip = clip
        n_agent, n_entry = space.shape
        self._shape = (n_lane, n_agent, n_entry)
        is_bounded = np.isfinite(space.low).all(1) & np.isfinite(space.high).all(1)
        # By row, an agent of a lane. Agents without bounds are not scaled.
        self._is_bounded = np.tile(is_bounded, n_lane)[:, np.newaxis]
        self._low = np.tile(space.low, (n_lane, 1))
        self._high = np.tile(space.high, (n_lane, 1))
        if normalize:
            self._low = np.where(self._is_bounded, self._low, np.float32(-1.0))
            self._high = np.where(self._is_bounded, self._high, np.float32(1.0))

    def __call__(self, outputs: Outputs, rows: Mapping[str, Rows]) -> NDArray[np.float32]:
        """Return actions for the environment, (n_lane, n_agent, n_entry); 0 of who does not act."""
        actions = np.zeros((self._shape[0] * self._shape[1], self._shape[2]), np.float32)
        for name, at in rows.items():
            given = outputs.get(name, Columns.ACTIONS, at)
            if given is None:
                continue
            where: Any = slice(None) if at is None else at
            low, high = self._low[where], self._high[where]
            if self._normalize:
                scaled = np.clip(low + (given + 1.0) * (high - low) / 2.0, low, high)
                given = np.where(self._is_bounded[where], scaled, given)
            elif self._clip:
                given = np.clip(given, low, high)
            else:
                ready = outputs.get(name, Columns.ACTIONS_FOR_ENV, at)
                given = given if ready is None else ready
            actions[where] = given
        return actions.reshape(self._shape)

    def random(self) -> NDArray[np.float32]:
        """Draw actions from the space, (n_lane, n_agent, n_entry)."""
        return np.stack([self._space.sample() for _ in range(self._shape[0])]).astype(np.float32)
