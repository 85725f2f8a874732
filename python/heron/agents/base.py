"""What all agents share."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heron.agents.correspondent import Correspondent
from heron.core.observation import Observation
from heron.core.policies import Policy
from heron.core.state import State
from heron.errors import ConfigError
from heron.protocols.base import Protocol
from heron.scheduling.tick_config import JitterType, TickConfig

if TYPE_CHECKING:
    from heron.agents.proxy_agent import ProxyAgent
    from heron.agents.state_history import SeenState
    from heron.scheduling.agents_of_scheduler import AgentsOfScheduler

__all__ = ["Agent"]


class Agent(Correspondent, ABC):
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
        Seconds; see `heron.scheduling.TickConfig`. Not used if `tick_config` is given. Without an
        interval it is 1 s, or in an environment the length of its step.
    message_broker
        What carries messages between agents, kept as `message_broker`.

    Attributes
    ----------
    level
        0 proxy, 1 field, 2 coordinator, 3 system.
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
        tick_interval: float | None = None,
        obs_delay: float = 0.0,
        act_delay: float = 0.0,
        msg_delay: float = 0.0,
        message_broker: Any = None,
    ) -> None:
        super().__init__(agent_id, upstream_id, env_id, message_broker)
        self.policy = policy
        self.protocol = protocol
        # Subclasses often put their own parsed configuration in its place.
        self.config: Any = {} if config is None else dict(config)
        self._has_own_interval = tick_config is not None or tick_interval is not None
        self._tick_config = tick_config or TickConfig(
            1.0 if tick_interval is None else tick_interval, obs_delay, act_delay, msg_delay
        )

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

    def carry_out(self, command: Any, observation: Any = None) -> Any:
        """Act on a command, else by the policy, and return what is to take effect."""
        return self.act(observation, upstream_action=command)

    def reset(self, seed: int | None = None) -> None:
        """Return the state to its initial values and begin an episode.

        Parameters
        ----------
        seed
            If given, the policy's random draws start anew from it.
        """
        self.state.reset()
        self.current_time = 0.0
        self.is_commanded = False
        if self.policy is not None:
            if seed is not None:
                self.policy.seed(seed)
            self.policy.reset()

    # --- timing -------------------------------------------------------------------------------

    @property
    def tick_config(self) -> TickConfig:
        """How often the agent ticks and how late it is."""
        return self._tick_config

    @tick_config.setter
    def tick_config(self, config: TickConfig) -> None:
        self._tick_config = config
        self._has_own_interval = True

    def timing(self, step_s: float | None) -> TickConfig:
        """Return the timing where a step has that length [s]: its interval unless one is given."""
        if self._has_own_interval or step_s is None:
            return self._tick_config
        return self._changed(tick_interval=step_s)

    def enable_jitter(
        self,
        jitter_type: JitterType = JitterType.UNIFORM,
        jitter_ratio: float = 0.1,
        seed: int | None = None,
    ) -> None:
        """Let interval and delays jitter; see `heron.scheduling.TickConfig`."""
        self._tick_config = self._changed(jitter_type=jitter_type, jitter_ratio=jitter_ratio)
        if seed is not None:
            self._tick_config.seed(seed)

    def disable_jitter(self) -> None:
        """Let interval and delays have their base values."""
        self._tick_config = self._changed(jitter_type=JitterType.NONE)

    def _changed(self, **values: Any) -> TickConfig:
        # A copy, since agents may share a configuration.
        config = dataclasses.replace(self._tick_config, **values)
        if self._tick_config.own_seed is not None:
            config.seed(self._tick_config.own_seed)
        return config

    # --- event-driven -------------------------------------------------------------------------

    def tick(
        self,
        scheduler: AgentsOfScheduler,
        current_time: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> None:
        """Do what is to be done at one tick: observe, decide, and pass the decision on.

        Parameters
        ----------
        scheduler
            Draws the delays and takes what the tick leads to; the agent is registered with it under
            its `address`.
        current_time
            Simulated time [s].
        global_state
            Passed on as the observation's `global_info`.
        proxy
            Shows the state as of the observation's drawn delay ago. Without one the agent sees
            itself and its subordinates as they are now.
        """
        raise NotImplementedError(
            f"{type(self).__name__} needs tick(): what it does when it is due"
        )

    def observe_as_of(
        self,
        time_s: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> Any:
        """Return what the agent may see of how things were at `time_s` [s]; its policy gets this.

        It is laid out as by `observe`. Features of nobody that the proxy shows join the
        observation's `global_info`. Where the proxy has no snapshot that old, it is stale: zeros.
        """
        if proxy is None:
            return self.observe(global_state, timestamp=time_s)
        seen = self.request_state_from_proxy(proxy, at_time=time_s)
        shared = {name: value for name, value in seen.items() if not isinstance(value, Mapping)}
        info = {**shared, **(global_state or {})}
        return Observation(self._local_view(seen), info, time_s, seen.is_stale)

    def request_state_from_proxy(
        self, proxy: ProxyAgent, owner_id: str | None = None, at_time: float | None = None
    ) -> SeenState:
        """Return what the proxy lets the agent see, of one owner or of all.

        See `ProxyAgent.get_state_for_agent`.
        """
        return proxy.get_state_for_agent(self.address, self.level, owner_id, at_time)

    def _local_view(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Return the local part of an observation from what a proxy shows by owner."""
        return dict(seen.get(self.address, {}))

    def _newest_command(self) -> Any:
        """Return the action that arrived last since the last tick; None if there is none."""
        arrived = self.receive_action_messages()
        if not arrived:
            return None
        self.is_commanded = arrived[-1] is not None
        return arrived[-1]

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
