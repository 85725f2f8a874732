"""What environments of every interface share: agents, their messages, and running by events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron.agents.base import Agent
from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.envs.event_driven import EventDrivenAgents

__all__ = ["HeronEnvCore"]


class HeronEnvCore(EventDrivenAgents):
    """Mixin for environments with HERON agents; put it before the interface's base class.

    `heron.envs.agent_registry` keeps the agents, `heron.envs.distributed` connects them by
    messages, `heron.envs.event_driven` lets them tick; here they are stepped all together.

    Parameters
    ----------
    env_id
        Name of the environment.
    """

    def get_observations(self) -> dict[str, Any]:
        """Return what the system agent and each registered agent may see now, by name."""
        shared = self._global_state()
        top = [] if self.system_agent is None else [self.system_agent]
        return {
            agent.agent_id: agent.observe(shared, timestamp=self.simulation_time)
            for agent in (*top, *self._registered_agents)
        }

    def apply_actions(self, actions: Mapping[str, Any]) -> dict[str, Any]:
        """Let agents act, and all below them, at once; return what is to take effect.

        A field agent that nothing reaches decides by its policy, and does nothing without one.
        After `configure_agents_for_distributed` actions go down by messages.

        Parameters
        ----------
        actions
            {agent: action}, by names of `heron_agents`.

        Returns
        -------
        dict
            {field agent: action}, what `_on_action_effect` is called with in a run by events.

        Raises
        ------
        ConfigError
            If an agent does not exist.
        """
        chosen = {name: self.get_agent(name) for name in actions}  # all of them, or none
        names = {id(agent): name for name, agent in self.heron_agents.items()}
        effects: dict[str, Any] = {}
        for name, agent in chosen.items():
            self._apply(agent, actions[name], names, effects)
        return effects

    def _apply(
        self, agent: Agent, action: Any, names: Mapping[int, str], effects: dict[str, Any]
    ) -> None:
        observation = agent.observe(self._global_state(), timestamp=self.simulation_time)
        if isinstance(agent, HierarchicalAgent):
            parts = agent.act(observation, upstream_action=action)
            is_by_message = agent.message_broker is not None and agent.courier is None
            if is_by_message:
                agent.hand_down(parts)
            for agent_id, member in agent.subordinate_agents.items():
                part = parts.get(agent_id)
                if is_by_message:
                    arrived = member.receive_action_messages()
                    part = arrived[-1] if arrived else None
                self._apply(member, part, names, effects)
        elif action is not None or agent.policy is not None:
            effects[names[id(agent)]] = agent.carry_out(action, observation)
