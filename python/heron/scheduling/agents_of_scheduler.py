"""What every event scheduler does with agents, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from heron._core import Event
from heron.errors import ConfigError, InvalidArgumentError, nearest
from heron.scheduling.event_type import EventType
from heron.scheduling.priority import MESSAGE_DELIVERY
from heron.scheduling.stream import Stream
from heron.scheduling.tick_config import TickConfig

__all__ = ["AgentsOfScheduler"]


class AgentsOfScheduler:
    """Mixin that registers agents and schedules their events.

    The scheduler it is mixed into provides `current_time`, `schedule`, `_add_agent`,
    `_remove_agent` and `_draw_s`.
    """

    def _start_without_agents(self) -> None:
        self._configs: dict[str, TickConfig] = {}
        self._tick_priorities: dict[str, int] = {}

    @property
    def agent_tick_configs(self) -> Mapping[str, TickConfig]:
        """Timing of each registered agent, in order of registration; read only."""
        return MappingProxyType(self._configs)

    @property
    def agent_intervals(self) -> Mapping[str, float]:
        """Tick interval of each registered agent without jitter [s]; read only."""
        return MappingProxyType({i: c.tick_interval for i, c in self._configs.items()})

    def register_agent(
        self,
        agent_id: str,
        tick_interval: float = 1.0,
        obs_delay: float = 0.0,
        act_delay: float = 0.0,
        first_tick: float | None = None,
        tick_config: TickConfig | None = None,
        *,
        tick_priority: int | None = None,
    ) -> None:
        """Let an agent tick from `first_tick` on, or from now.

        A second registration replaces the first. The timing is taken as it is now; to change it
        later, register the agent again.

        Parameters
        ----------
        agent_id
            Name of the agent.
        tick_interval, obs_delay, act_delay
            Seconds, without jitter; not used if `tick_config` is given.
        first_tick
            Simulated time of the first tick [s], now or later.
        tick_config
            Timing. Jitter is drawn from its own seed if it has one, else from the scheduler's.
        tick_priority
            Priority of the agent's ticks among the events of one time; without it, that of its last
            registration, at first 0. See `heron.scheduling.priority`.

        Raises
        ------
        ValueError
            If a value is out of range, `first_tick` is in the past or not finite, or `tick_config`
            has a NumPy generator. Nothing has changed then.
        """
        if isinstance(tick_interval, TickConfig):
            raise ConfigError("a TickConfig is given as tick_config=, not as tick_interval")
        if tick_config is not None and not isinstance(tick_config, TickConfig):
            raise ConfigError(
                f"tick_config is a {type(tick_config).__name__}, expected a TickConfig"
            )
        config = tick_config or TickConfig(tick_interval, obs_delay, act_delay)
        priority = (
            self._tick_priorities.get(agent_id, 0) if tick_priority is None else tick_priority
        )
        if not -(2**31) <= priority < 2**31:
            raise InvalidArgumentError(f"tick_priority is {priority}, expected a 32-bit integer")
        self._add_agent(agent_id, config, first_tick, priority)
        self._configs[agent_id] = config
        self._tick_priorities[agent_id] = priority

    def unregister_agent(self, agent_id: str) -> None:
        """Take an agent out; its pending events will be counted and skipped.

        An agent that is not registered stays so.
        """
        if self._configs.pop(agent_id, None) is not None:
            self._remove_agent(agent_id)

    def schedule_agent_tick(
        self, agent_id: str, timestamp: float | None = None, payload: Any = None
    ) -> None:
        """Schedule one more tick, at `timestamp` or a drawn interval from now [s].

        The agent's own rhythm goes on beside it.

        Raises
        ------
        ConfigError
            If the agent is not registered and no time is given.
        """
        if timestamp is None:
            if agent_id not in self._configs:
                raise ConfigError(nearest(agent_id, self._configs, kind="agent"))
            timestamp = self.current_time + self._draw_s(agent_id, Stream.TICK_INTERVAL)
        payload = {} if payload is None else payload
        priority = self._tick_priorities.get(agent_id, 0)
        self.schedule(Event(timestamp, priority, 0, EventType.AGENT_TICK, agent_id, payload))

    def schedule_action_effect(
        self, agent_id: str, action: Any, delay: float | None = None, *, priority: int = 0
    ) -> None:
        """Schedule the effect of an action, after `delay` or the agent's drawn `act_delay` [s].

        The event's payload is ``{"action": action}``.
        """
        if delay is None:
            delay = self._draw_s(agent_id, Stream.ACT_DELAY)
        timestamp = self.current_time + delay
        payload = {"action": action}
        self.schedule(Event(timestamp, priority, 0, EventType.ACTION_EFFECT, agent_id, payload))

    def schedule_message_delivery(
        self, sender_id: str, recipient_id: str, message: Any, delay: float | None = None
    ) -> None:
        """Schedule the arrival of a message, after `delay` or the sender's drawn `msg_delay` [s].

        The event belongs to the recipient, has priority 1 (behind ticks of priority 0) and
        the payload ``{"sender": sender_id, "message": message}``.
        """
        if delay is None:
            delay = self.get_msg_delay(sender_id)
        timestamp = self.current_time + delay
        payload = {"sender": sender_id, "message": message}
        kind = EventType.MESSAGE_DELIVERY
        self.schedule(Event(timestamp, MESSAGE_DELIVERY, 0, kind, recipient_id, payload))

    def get_obs_delay(self, agent_id: str) -> float:
        """Draw the age of what the agent observes [s]; 0 for one that is not registered."""
        return self._draw_s(agent_id, Stream.OBS_DELAY)

    def get_msg_delay(self, agent_id: str) -> float:
        """Draw how long the agent's message travels [s]; 0 for one that is not registered."""
        return self._draw_s(agent_id, Stream.MSG_DELAY)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(current_time={self.current_time}, "
            f"pending_count={self.pending_count}, agents={list(self._configs)})"
        )

    # Provided by the scheduler.

    @property
    def current_time(self) -> float:
        """Simulated time of the last event, or of the start [s]."""
        raise NotImplementedError

    @property
    def pending_count(self) -> int:
        """Number of events to come, armed ticks included."""
        raise NotImplementedError

    def schedule(self, event: Event) -> None:
        """Add an event."""
        raise NotImplementedError

    def _add_agent(
        self, agent_id: str, config: TickConfig, first_tick_s: float | None, tick_priority: int
    ) -> None:
        raise NotImplementedError

    def _remove_agent(self, agent_id: str) -> None:
        raise NotImplementedError

    def _draw_s(self, agent_id: str, stream: int) -> float:
        raise NotImplementedError
