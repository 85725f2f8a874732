"""Who lives in an environment, and under which name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from heron.agents.base import Agent
from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.agents.proxy_agent import ProxyAgent
from heron.errors import ConfigError, nearest

__all__ = ["AgentRegistry", "Place"]


class Place(NamedTuple):
    """An agent's place in the hierarchy."""

    name: str
    agent: Agent
    upstream: str | None  # name of the agent above


class AgentRegistry:
    """Mixin that keeps an environment's agents; put it before the interface's base class.

    Parameters
    ----------
    env_id
        Name of the environment.

    Attributes
    ----------
    system_agent
        The agent above all others, None if there is none.
    proxy_agent
        The agent that shows others the state, None if there is none.
    """

    def __init__(self, *args: Any, env_id: str = "default", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.env_id = env_id
        self.system_agent: HierarchicalAgent | None = None
        self.proxy_agent: ProxyAgent | None = None
        self._registered_agents: list[Agent] = []

    def register_agent(self, agent: Agent) -> None:
        """Add an agent and, through it, all its subordinates.

        Raises
        ------
        ConfigError
            If an id is in use, or the agent is a proxy.
        """
        if isinstance(agent, ProxyAgent):
            raise ConfigError(f"{agent.agent_id!r} is a proxy: give it to set_proxy_agent()")
        present = [*self._registered_agents, *([self.system_agent] if self.system_agent else [])]
        if any(agent.agent_id == one.agent_id for one in present):
            raise ConfigError(
                f"the environment already has an agent {agent.agent_id!r}; ids must be unique"
            )
        self._registered_agents.append(agent)
        if self.system_agent is not None:
            self.system_agent.add_subordinate(agent)

    def register_agents(self, agents: Iterable[Agent]) -> None:
        """Add several agents in order."""
        for agent in agents:
            self.register_agent(agent)

    def set_system_agent(self, agent: HierarchicalAgent) -> None:
        """Put an agent above all registered ones, and those registered later.

        They become its subordinates, behind those that it has already, which are registered; the
        names of all stay as they are.

        Raises
        ------
        ConfigError
            If its id, or that of a subordinate it brings along, is in use.
        """
        present = list(self._registered_agents)
        brought = [one for one in agent.subordinate_agents.values() if one not in present]
        taken = {one.agent_id for one in present}
        for one in (agent, *brought):
            if one.agent_id in taken:
                raise ConfigError(
                    f"the environment already has an agent {one.agent_id!r}; ids must be unique"
                )
            taken.add(one.agent_id)
        for one in present:
            if one not in agent.subordinate_agents.values():
                agent.add_subordinate(one)
        self._registered_agents += brought
        self.system_agent = agent

    def set_proxy_agent(self, agent: ProxyAgent) -> None:
        """Let a proxy show the agents what they may see; it neither ticks nor has subordinates."""
        self.proxy_agent = agent

    @property
    def heron_agents(self) -> dict[str, Agent]:
        """All agents but the proxy: the system agent, then those registered, in order.

        Each is followed by its subordinates. A subordinate is named by its path, "MG1/ess1": ids
        differ among siblings only.

        Raises
        ------
        ConfigError
            If the id of one agent is the path of another.
        """
        return {place.name: place.agent for place in self.places()}

    def places(self) -> list[Place]:
        """Return the place of each of `heron_agents`, in the same order."""
        top = self.system_agent
        upstream = None if top is None else top.agent_id
        places = [] if top is None else [Place(top.agent_id, top, None)]
        for agent in self._registered_agents:
            places += _with_subordinates(agent, agent.agent_id, upstream)
        names = set()
        for place in places:
            if place.name in names:
                raise ConfigError(f"two agents are named {place.name!r}; rename one of them")
            names.add(place.name)
        return places

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


def _with_subordinates(agent: Agent, name: str, upstream: str | None) -> Iterator[Place]:
    yield Place(name, agent, upstream)
    if isinstance(agent, HierarchicalAgent):
        for subordinate in agent.subordinate_agents.values():
            yield from _with_subordinates(subordinate, f"{name}/{subordinate.agent_id}", name)
