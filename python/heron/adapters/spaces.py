"""Boxes of one agent and of all together, from those of a vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Space

from heron.errors import ConfigError

__all__ = ["agent_box", "box_of_agents", "joint_box"]


def box_of_agents(space: Space[Any], name: str) -> Box:
    """Return a Box (n_agent, n), or say that `name` is none.

    Raises
    ------
    ConfigError
        If it is another space.
    """
    if not isinstance(space, Box) or len(space.shape) != 2:
        raise ConfigError(f"{name} is {space}, expected a Box of shape (n_agent, n)")
    return space


def agent_box(space: Box) -> Box:
    """Return the least Box (n,) that holds every agent's, of a Box (n_agent, n)."""
    return Box(space.low.min(axis=0), space.high.max(axis=0), dtype=np.float32)


def joint_box(space: Box) -> Box:
    """Return the Box of all agents one after the other, of a Box (n_agent, n)."""
    return Box(space.low.reshape(-1), space.high.reshape(-1), dtype=np.float32)
