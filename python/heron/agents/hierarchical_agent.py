"""Agents that direct others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from heron.agents.base import Agent
from heron.core.observation import Observation
from heron.errors import ConfigError, nearest
from heron.messaging.message import MessageType
from heron.protocols.base import NoProtocol, Protocol

if TYPE_CHECKING:
    from heron.agents.proxy_agent import ProxyAgent
    from heron.scheduling.agents_of_scheduler import AgentsOfScheduler

__all__ = ["HierarchicalAgent"]


class HierarchicalAgent(Agent):
    """An agent with subordinates, to which its protocol hands down its action.

    Parameters
    ----------
    agent_id, policy, protocol, **kwargs
        See `Agent`. Without a protocol nothing is handed down.
    subordinates
        Agents directly below, as a mapping by id or in sequence.
    """

    def __init__(
        self,
        agent_id: str,
        *args: Any,
        subordinates: Mapping[str, Agent] | Iterable[Agent] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(agent_id, *args, **kwargs)
        if self.protocol is None:
            self.protocol = NoProtocol()
        self.action: Any = None
        self._subordinates: dict[str, Any] = {}
        self._told: set[str] = set()  # subordinates whose last message was an action
        agents = subordinates.values() if isinstance(subordinates, Mapping) else subordinates
        for agent in agents or ():
            self.add_subordinate(agent)

    @property
    def subordinate_agents(self) -> dict[str, Any]:
        """Agents directly below by id, in order."""
        return self._subordinates

    @subordinate_agents.setter
    def subordinate_agents(self, agents: dict[str, Any]) -> None:
        self._subordinates = agents
        for agent in agents.values():
            agent.upstream_id = self.agent_id

    def add_subordinate(self, agent: Agent) -> None:
        """Take an agent as the last subordinate.

        Raises
        ------
        ConfigError
            If there is one of that id.
        """
        if agent.agent_id in self._subordinates:
            raise ConfigError(f"{self.agent_id!r} already has a subordinate {agent.agent_id!r}")
        self._subordinates[agent.agent_id] = agent
        agent.upstream_id = self.agent_id

    def get_action_space(self) -> spaces.Space[Any]:
        """Return the subordinates' spaces in a Dict by id."""
        return spaces.Dict({i: a.get_action_space() for i, a in self._subordinates.items()})

    def observe(
        self, global_state: Mapping[str, Any] | None = None, *, timestamp: float = 0.0
    ) -> Observation:
        """Return the agent's own features and, under "subordinates", those of each below.

        Features whose visibility does not allow this agent are left out.
        """
        local: dict[str, Any] = dict(self.state.observed_by(self.agent_id, self.level))
        local["subordinates"] = {
            agent_id: agent.state.observed_by(self.agent_id, self.level)
            for agent_id, agent in self._subordinates.items()
        }
        return Observation(local, dict(global_state or {}), timestamp)

    def act(self, observation: Any, upstream_action: Any = None) -> dict[str, Any]:
        """Split the upstream action, else the policy's, into {subordinate id: action}.

        `action` keeps what was split. The subordinates are not told: the environment hands their
        parts on, each to its subordinate's `act`, when they arrive.

        Raises
        ------
        ConfigError
            If there is neither an upstream action nor a policy, and a protocol that needs one.
        """
        protocol = self._protocol()
        has_own_action = upstream_action is not None or self.policy is not None
        if isinstance(protocol, NoProtocol) and not has_own_action:
            return {}
        action = self._decide(observation, upstream_action)
        split = protocol.coordinate(action, self._subordinates)
        self.action = action
        return split

    def tick(
        self,
        scheduler: AgentsOfScheduler,
        current_time: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> None:
        """Observe, decide, and send each subordinate its part of the decision.

        The decision is the newest action that arrived from above. If none has, an agent that is not
        commanded decides by its policy, and one that is does nothing: its subordinates hold what
        they were told. A subordinate that the protocol leaves out decides for itself.

        Raises
        ------
        ConfigError
            If the agent is to lead its subordinates by a protocol, but has neither an agent above
            nor a policy.
        """
        self.current_time = current_time
        command = self._newest_command()
        # Drawn at every tick, whoever decides, so that draws depend on the number of ticks alone.
        seen_s = current_time - scheduler.get_obs_delay(self.address)
        is_waiting = self.policy is None and self.upstream_address is not None
        if command is None and (self.is_commanded or is_waiting):
            return
        observation = self.observe_as_of(seen_s, global_state, proxy)
        self.hand_down(self.act(observation, upstream_action=command))

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Take a place in an environment, as one who has told nobody anything yet."""
        super().connect(*args, **kwargs)
        self._told.clear()

    def hand_down(self, parts: Mapping[str, Any]) -> None:
        """Send each subordinate its action, in the order of the subordinates.

        One that got an action before and is left out now is told to decide for itself.
        """
        for agent_id in self._subordinates:
            if agent_id in parts:
                self.send_action_to_subordinate(agent_id, parts[agent_id])
            elif agent_id in self._told:
                self.send_action_to_subordinate(agent_id, None)

    def send_action_to_subordinate(self, recipient_id: str, action: Any) -> None:
        """Send an action to an agent directly below; None tells it to decide for itself.

        Raises
        ------
        ConfigError
            If there is no such subordinate, or no message broker.
        """
        agent_id = recipient_id
        if agent_id not in self._subordinates:
            known = {agent.address: name for name, agent in self._subordinates.items()}
            agent_id = known.get(recipient_id, recipient_id)
        if agent_id not in self._subordinates:
            raise ConfigError(nearest(recipient_id, self._subordinates, kind="subordinate"))
        address = self._subordinates[agent_id].address
        channel = self._channel(MessageType.ACTION, address)
        self._send(channel, MessageType.ACTION, address, {"action": action})
        (self._told.discard if action is None else self._told.add)(agent_id)

    def _address_of(self, agent_id: str) -> str:
        if agent_id in self._subordinates:
            address: str = self._subordinates[agent_id].address
            return address
        return super()._address_of(agent_id)

    def _local_view(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        local = super()._local_view(seen)
        local["subordinates"] = {
            agent_id: dict(seen.get(agent.address, {}))
            for agent_id, agent in self._subordinates.items()
        }
        return local

    def reset(self, seed: int | None = None) -> None:
        """Reset the agent and everything below it, each with a seed of its own."""
        super().reset(seed)
        self.action = None
        self._told.clear()
        for index, agent in enumerate(self._subordinates.values()):
            if seed is None:
                agent.reset()
            else:
                agent.reset(seed=int(np.random.SeedSequence((seed, index)).generate_state(1)[0]))

    def _protocol(self) -> Protocol:
        return NoProtocol() if self.protocol is None else self.protocol
