"""Checking the actions of all agents before anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heron.errors import ConfigError, nearest
from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["check_actions"]


def check_actions(
    agents: Mapping[str, PowerGridAgent], actions: Mapping[str, Any], mode: str
) -> dict[str, np.ndarray]:
    """Return every agent's action as a flat float64 array.

    Raises
    ------
    ConfigError
        (a ValueError) if an agent is unknown or has no action, or what it was given has the wrong
        form, the wrong shape or a value that is not finite.
    """
    if not isinstance(actions, Mapping):
        raise ConfigError(
            f"actions is {type(actions).__name__}, expected a mapping with an action for each of "
            f"{', '.join(agents)}"
        )
    for name in actions:
        if name not in agents:
            raise ConfigError(nearest(str(name), agents, kind="agent"))
    missing = [name for name in agents if name not in actions]
    if missing:
        raise ConfigError(
            f"no action for {', '.join(missing)}: each of {', '.join(agents)} needs one"
        )
    return {
        name: agent.check_action(
            actions[name] if mode == "flat" else agent.flatten_action(actions[name])
        )
        for name, agent in agents.items()
    }
