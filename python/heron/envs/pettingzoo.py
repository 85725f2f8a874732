"""Base of environments with PettingZoo's parallel interface."""

from __future__ import annotations

from typing import Any, ClassVar

from gymnasium import spaces
from pettingzoo import ParallelEnv

from heron.envs.core import HeronEnvCore
from heron.errors import ConfigError, nearest

__all__ = ["PettingZooParallelEnv"]


# PettingZoo carries no type information, so mypy takes its base class for Any.
class PettingZooParallelEnv(HeronEnvCore, ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """A PettingZoo ParallelEnv that keeps HERON agents.

    Subclasses set `possible_agents`, `observation_spaces` and `action_spaces`, and implement
    `reset` and `step`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "name": "heron_v0"}

    def __init__(self, *args: Any, env_id: str = "default", **kwargs: Any) -> None:
        super().__init__(*args, env_id=env_id, **kwargs)
        self.possible_agents: list[str] = []
        self.agents: list[str] = []
        self.observation_spaces: dict[str, spaces.Space[Any]] = {}
        self.action_spaces: dict[str, spaces.Space[Any]] = {}

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's observation space, the same object at every call."""
        return _of_agent(self.observation_spaces, agent)

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the agent's action space, the same object at every call."""
        return _of_agent(self.action_spaces, agent)


def _of_agent(of_agent: dict[str, spaces.Space[Any]], agent: str) -> spaces.Space[Any]:
    if agent not in of_agent:
        raise ConfigError(nearest(agent, of_agent, kind="agent"))
    return of_agent[agent]
