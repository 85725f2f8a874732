"""A policy that decides for all agents, given to each agent as its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heron.core import policies

if TYPE_CHECKING:
    from powergrid.baselines.base import Policy
    from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["AgentPolicy", "decide_by"]


class AgentPolicy(policies.Policy):
    """One agent's part of a policy that decides for all agents of an environment.

    Parameters
    ----------
    policy : Policy
        Asked for one agent at a time, by that agent's observation alone.
    env : NetworkedGridEnv
        Whose agents they are.
    agent : str
        Name of the agent.
    """

    def __init__(self, policy: Policy, env: NetworkedGridEnv, agent: str) -> None:
        self._policy, self._env, self._agent = policy, env, agent

    def forward(self, observation: Any) -> Any:
        """Return the agent's action for its observation, float32, (n_obs,)."""
        return self._policy.act(self._env, {self._agent: observation})[self._agent]


def decide_by(env: NetworkedGridEnv, policy: Policy, seed: int | None = None) -> None:
    """Begin an episode of the policy, and let every agent decide by it in runs by events.

    Examples
    --------
    >>> from powergrid.baselines import IdlePolicy
    >>> from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
    >>> env = MultiAgentMicrogrids({"max_episode_steps": 2})
    >>> observations, infos = env.reset(seed=0)
    >>> decide_by(env, IdlePolicy())
    >>> n_event = env.run_event_driven()
    >>> len(env.intervals)
    2
    """
    policy.reset(env, seed)
    for name, agent in env.agent_dict.items():
        agent.policy = AgentPolicy(policy, env, name)
