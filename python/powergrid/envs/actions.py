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
            actions[name] if mode == "flat" else _flatten(agent, actions[name])
        )
        for name, agent in agents.items()
    }


def _flatten(agent: PowerGridAgent, action: Any) -> np.ndarray:
    layout = agent.action_layout
    space = layout.space("dict")
    parts = {key: part.shape for key, part in space.spaces.items()}  # type: ignore[attr-defined]
    got = (
        {key: np.shape(value) for key, value in action.items()}
        if isinstance(action, Mapping)
        else type(action).__name__
    )
    if got != parts:
        raise ConfigError(
            f"action of {agent.agent_id} has parts {got}, expected {parts}: "
            f"{', '.join(layout.names)}"
        )
    if "d" in parts:
        options = np.array([dim.n_option for dim in layout.dims if dim.n_option])
        chosen = np.asarray(action["d"])
        if not np.array_equal(chosen, np.clip(np.round(chosen), 0, options - 1)):
            raise ConfigError(
                f"discrete action of {agent.agent_id} is {chosen.tolist()}, expected integers "
                f"below {options.tolist()}"
            )
    return layout.flatten(action)
