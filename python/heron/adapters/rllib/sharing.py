"""Which agents share a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heron.errors import ConfigError

__all__ = ["SHARED_POLICY", "PolicyMapping", "own_policy", "policies_of", "shared_policy"]

SHARED_POLICY = "shared_policy"
SHARES = ("all", "by_type", "none")


# Functions of a module, not lambdas: a checkpoint and remote workers find them by name.
def shared_policy(agent_id: Any, *args: Any, **kwargs: Any) -> str:
    """Map every agent to the one policy of all."""
    return SHARED_POLICY


def own_policy(agent_id: Any, *args: Any, **kwargs: Any) -> str:
    """Map every agent to a policy of its name."""
    return str(agent_id)


class PolicyMapping:
    """Map every agent to the policy of its type.

    Parameters
    ----------
    policy_of : mapping
        Policy by agent.
    """

    def __init__(self, policy_of: Mapping[str, str]) -> None:
        self.policy_of = dict(policy_of)

    def __call__(self, agent_id: Any, *args: Any, **kwargs: Any) -> str:
        """Return the policy's name."""
        return self.policy_of[agent_id]


def policies_of(env: Any, share: str) -> dict[str, list[str]]:
    """Return the agents of each policy.

    Parameters
    ----------
    env : ParallelEnv
        For "by_type" its ``agent_types``, type by agent, says who is alike. Without such, agents of
        equal spaces are.
    share : str
        "all": one policy for all agents; "by_type"; "none": one for each, under the agent's name.

    Raises
    ------
    ConfigError
        If `share` is something else, or one policy would serve agents whose spaces differ.
    """
    if share not in SHARES:
        raise ConfigError(f"share is {share!r}, expected one of {', '.join(SHARES)}")
    agents = list(env.possible_agents)
    spaces = {a: (env.observation_space(a), env.action_space(a)) for a in agents}
    if share == "none":
        return {agent: [agent] for agent in agents}
    if share == "all":
        groups = {SHARED_POLICY: agents}
    else:
        groups = _by_type(getattr(env, "agent_types", None), agents, spaces)
    for alike in groups.values():
        if any(spaces[agent] != spaces[alike[0]] for agent in alike):
            sizes = ", ".join(f"{a}: {spaces[a][0].shape} and {spaces[a][1]}" for a in alike)
            raise ConfigError(
                f"one policy cannot serve agents of different spaces ({sizes}): set uniform_spaces "
                f"in the environment's configuration, or choose share='none'"
            )
    return groups


def _by_type(
    types: Mapping[str, str] | None, agents: Sequence[str], spaces: Mapping[str, Any]
) -> dict[str, list[str]]:
    if types is None:
        kinds: list[Any] = []
        for agent in agents:
            if spaces[agent] not in kinds:
                kinds.append(spaces[agent])
        types = {agent: f"type_{kinds.index(spaces[agent])}" for agent in agents}
    groups: dict[str, list[str]] = {}
    for agent in agents:
        groups.setdefault(types[agent], []).append(agent)
    return groups
