"""What environments of every interface share: their agents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heron.agents.base import Agent
from heron.errors import ConfigError, nearest

__all__ = ["HeronEnvCore"]


class HeronEnvCore:
    """Mixin that keeps an environment's agents; put it before the interface's base class.

    Parameters
    ----------
    env_id
        Name of the environment.
    """

    def __init__(self, *args: Any, env_id: str = "default", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.env_id = env_id
        self._registered_agents: list[Agent] = []

    def register_agent(self, agent: Agent) -> None:
        """Add an agent and, through it, all its subordinates.

        Raises
        ------
        ConfigError
            If an id is in use.
        """
        if any(agent.agent_id == present.agent_id for present in self._registered_agents):
            raise ConfigError(
                f"the environment already has an agent {agent.agent_id!r}; ids must be unique"
            )
        self._registered_agents.append(agent)

    def register_agents(self, agents: Iterable[Agent]) -> None:
        """Add several agents in order."""
        for agent in agents:
            self.register_agent(agent)

    @property
    def heron_agents(self) -> dict[str, Agent]:
        """All agents, in order of registration, each followed by its subordinates.

        A subordinate is named by its path, "MG1/ess1": ids differ among siblings only.

        Raises
        ------
        ConfigError
            If the id of one agent is the path of another.
        """
        found: dict[str, Agent] = {}
        for agent in self._registered_agents:
            for name, member in _with_subordinates(agent).items():
                if name in found:
                    raise ConfigError(f"two agents are named {name!r}; rename one of them")
                found[name] = member
        return found

    def get_agent(self, agent_id: str) -> Agent:
        """Return the agent of that name, as in `heron_agents`.

        Raises
        ------
        ConfigError
            If there is none.
        """
        agents = self.heron_agents
        if agent_id not in agents:
            raise ConfigError(nearest(agent_id, agents, kind="agent"))
        return agents[agent_id]


def _with_subordinates(agent: Agent, path: str = "") -> dict[str, Agent]:
    """Return an agent and all below it, by path: ids need to differ among siblings only."""
    name = f"{path}/{agent.agent_id}" if path else agent.agent_id
    found = {name: agent}
    for subordinate in getattr(agent, "subordinate_agents", {}).values():
        found |= _with_subordinates(subordinate, name)
    return found
