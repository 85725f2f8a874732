"""What all agents share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from heron.core.observation import Observation
from heron.core.policies import Policy
from heron.core.state import State
from heron.errors import ConfigError
from heron.protocols.base import Protocol
from heron.scheduling.tick_config import TickConfig

__all__ = ["Agent"]


class Agent(ABC):
    """An agent with a state, a place in the hierarchy, a policy and its timing.

    Parameters
    ----------
    agent_id
        Name, unique among the agents below the same one.
    policy
        What decides if nothing comes from upstream.
    protocol
        How its action becomes actions of its subordinates.
    upstream_id
        Id of the agent above; set by that agent when it takes this one as subordinate.
    env_id
        Environment that the agent belongs to.
    config
        Free-form settings, kept as `config`.
    tick_config
        Timing. Without it, one is made from the four scalars.
    tick_interval, obs_delay, act_delay, msg_delay
        Seconds; see `heron.scheduling.TickConfig`. Not used if `tick_config` is given.
    message_broker
        What carries messages between agents, kept as `message_broker`.

    Attributes
    ----------
    level
        1 field, 2 coordinator, 3 system.
    state
        Features of the agent.
    action
        What the agent did last.
    """

    level: int
    state: State
    action: Any

    def __init__(
        self,
        agent_id: str,
        policy: Policy | None = None,
        protocol: Protocol | None = None,
        *,
        upstream_id: str | None = None,
        env_id: str | None = None,
        config: Mapping[str, Any] | None = None,
        tick_config: TickConfig | None = None,
        tick_interval: float = 1.0,
        obs_delay: float = 0.0,
        act_delay: float = 0.0,
        msg_delay: float = 0.0,
        message_broker: Any = None,
    ) -> None:
        self.agent_id = agent_id
        self.policy = policy
        self.protocol = protocol
        self.upstream_id = upstream_id
        self.env_id = env_id
        # Subclasses often put their own parsed configuration in its place.
        self.config: Any = {} if config is None else dict(config)
        self.tick_config = (
            TickConfig(tick_interval, obs_delay, act_delay, msg_delay)
            if tick_config is None
            else tick_config
        )
        self.message_broker = message_broker

    @abstractmethod
    def observe(
        self, global_state: Mapping[str, Any] | None = None, *, timestamp: float = 0.0
    ) -> Observation:
        """Return what the agent may see.

        Parameters
        ----------
        global_state
            Passed on as the observation's `global_info`.
        timestamp
            Simulated time in seconds.
        """

    @abstractmethod
    def act(self, observation: Any, upstream_action: Any = None) -> Any:
        """Decide: `upstream_action` if there is one, else what the policy says."""

    def reset(self, seed: int | None = None) -> None:
        """Return the state to its initial values and begin an episode.

        Parameters
        ----------
        seed
            If given, the policy's random draws start anew from it.
        """
        self.state.reset()
        if self.policy is not None:
            if seed is not None:
                self.policy.seed(seed)
            self.policy.reset()

    def _decide(self, observation: Any, upstream_action: Any) -> Any:
        if upstream_action is not None:
            return upstream_action
        if self.policy is None:
            raise ConfigError(
                f"agent {self.agent_id!r} has neither a policy nor an upstream action; "
                "give it policy=..., or pass upstream_action"
            )
        return self.policy.forward(observation)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.agent_id!r}, level={self.level})"
