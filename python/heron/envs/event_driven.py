"""Environments run by events: each agent ticks when it is due, and nothing is instantaneous."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from heron._core import Event
from heron.agents.base import Agent
from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.agents.proxy_agent import ProxyAgent
from heron.envs.distributed import DistributedAgents
from heron.errors import HeronError
from heron.messaging.courier import MessageCourier
from heron.scheduling.event_scheduler import EventScheduler
from heron.scheduling.event_type import EventType
from heron.scheduling.priority import ENV_UPDATE, tick_priority

if TYPE_CHECKING:
    from heron.messaging.faults import MessageFaults
    from heron.reference.event_scheduler import EventScheduler as ReferenceScheduler

__all__ = ["EventDrivenAgents"]

Scheduler: TypeAlias = "EventScheduler | ReferenceScheduler"
EventHandler: TypeAlias = "Callable[[Event, Any], object]"

_LEAST_HISTORY = 100  # snapshots of the proxy that is made if there is none


class EventDrivenAgents(DistributedAgents):
    """Mixin that lets an environment's agents tick in simulated time; see `AgentRegistry`.

    Time passes in intervals of `_event_driven_step_s`. Within an instant the interval that ends is
    closed first, then messages arrive and agents tick from the top level down, and actions take
    effect last; see `heron.scheduling.priority`.

    A concrete environment overrides what it needs of

    - `_event_driven_step_s`: the length of an interval;
    - `_on_action_effect`: an action reaches what it acts on;
    - `_on_env_update`: an interval ends;
    - `_global_state`: what there is to see beside the agents' features.

    Attributes
    ----------
    scheduler, courier
        Of the present run; None before `setup_event_driven`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scheduler: Scheduler | None = None
        self.courier: MessageCourier | None = None
        self._ticking: dict[str, Agent] = {}
        self._led_s: dict[str, float] = {}  # when those with subordinates ticked last
        self._global_state_fn: Callable[[], Mapping[str, Any]] | None = None
        self._on_action_effect_fn: Callable[[str, Any], object] | None = None

    # --- what a concrete environment says -----------------------------------------------------

    def _event_driven_step_s(self) -> float | None:
        """Return the length of an interval [s]; it is also the tick interval of agents without one.

        None, as here: no intervals. The proxy takes a snapshot whenever an action took effect then.
        """
        return None

    def _on_action_effect(self, agent_name: str, action: Any, time_s: float) -> None:
        """Let the action of a field agent act from now on."""

    def _on_env_update(self, time_s: float) -> bool:
        """Close the interval that ends now: advance the world through it.

        Returns
        -------
        bool
            Whether the episode is over; then no event follows.
        """
        return False

    def _global_state(self) -> Mapping[str, Any]:
        """Return what agents may see beside features, by name; the values belong to nobody."""
        return {}

    # --- setting up ---------------------------------------------------------------------------

    def setup_event_driven(
        self,
        scheduler: Scheduler | None = None,
        *,
        seed: int = 0,
        faults: MessageFaults | None = None,
    ) -> Scheduler:
        """Make ready for a run by events; call it after every reset of the environment.

        Every agent first ticks at the scheduler's present time. The environment gets a proxy if it
        has none, and its messages go by a courier.

        Parameters
        ----------
        scheduler
            A fresh one, or one after its `reset`; without it one is made. Agents that are
            registered with it keep their timing.
        seed
            Of the draws of all agents without a seed of their own, if the scheduler is made here,
            and of what befalls messages.
        faults
            What may befall messages; None for nothing. Outages name senders as `heron_agents` does.

        Returns
        -------
        EventScheduler
            The scheduler, with the default handlers set.
        """
        scheduler = EventScheduler(seed=seed) if scheduler is None else scheduler
        courier = MessageCourier(scheduler, self._make_sure_of_broker(), faults=faults, seed=seed)
        self.clear_broker_environment()
        self.configure_agents_for_distributed(courier)
        step_s = self._event_driven_step_s()
        self._ticking, self._led_s = self.heron_agents, {}
        for name, agent in self._ticking.items():
            timing = scheduler.agent_tick_configs.get(name) or agent.timing(step_s)
            priority = tick_priority(agent.level)
            scheduler.register_agent(name, tick_config=timing, tick_priority=priority)
        if self.proxy_agent is None:
            self.set_proxy_agent(ProxyAgent(history_length=self._wanted_history(step_s)))
        assert self.proxy_agent is not None
        self.proxy_agent.reset()
        self.scheduler, self.courier = scheduler, courier
        self.setup_default_handlers()
        if step_s is not None:
            scheduler.schedule(_env_update(scheduler.current_time + step_s))
        return scheduler

    def setup_default_handlers(
        self,
        global_state_fn: Callable[[], Mapping[str, Any]] | None = None,
        on_action_effect: Callable[[str, Any], object] | None = None,
    ) -> None:
        """Let events do what the class describes, and take the first snapshot.

        Parameters
        ----------
        global_state_fn
            Called for the values that belong to nobody, in place of `_global_state`.
        on_action_effect
            Called with the name of a field agent and its action, in place of `_on_action_effect`.
        """
        _, courier = self._set_up()
        self._global_state_fn, self._on_action_effect_fn = global_state_fn, on_action_effect
        self.set_event_handlers(
            on_agent_tick=self._handle_agent_tick,
            on_action_effect=self._handle_action_effect,
            on_message_delivery=courier.handle,
            on_env_update=self._handle_env_update,
        )
        self._record_state(self.simulation_time)

    def set_event_handlers(
        self,
        on_agent_tick: EventHandler | None = None,
        on_action_effect: EventHandler | None = None,
        on_message_delivery: EventHandler | None = None,
        on_env_update: EventHandler | None = None,
        on_custom: EventHandler | None = None,
    ) -> None:
        """Replace what events of a type do; types left out keep their handlers.

        Each is called with the event and the scheduler. One for deliveries should call
        ``env.courier.handle``; one for ENV_UPDATE schedules the next one itself.
        """
        scheduler, _ = self._set_up()
        for kind, handler in (
            (EventType.AGENT_TICK, on_agent_tick),
            (EventType.ACTION_EFFECT, on_action_effect),
            (EventType.MESSAGE_DELIVERY, on_message_delivery),
            (EventType.ENV_UPDATE, on_env_update),
            (EventType.CUSTOM, on_custom),
        ):
            if handler is not None:
                scheduler.set_handler(kind, handler)

    # --- running ------------------------------------------------------------------------------

    def run_event_driven(self, t_end: float, max_events: int | None = None) -> int:
        """Handle events up to and including `t_end` [s]; return how many there were.

        It can be called again to go on. Without `setup_event_driven` before, that is done first.
        """
        scheduler = self.setup_event_driven() if self.scheduler is None else self.scheduler
        return scheduler.run_until(t_end, max_events)

    @property
    def simulation_time(self) -> float:
        """Simulated time of the last event [s], 0 before the first."""
        return 0.0 if self.scheduler is None else self.scheduler.current_time

    # --- default handlers ---------------------------------------------------------------------

    def _handle_agent_tick(self, event: Event, scheduler: Any) -> None:
        name = event.agent_id or ""
        agent = self._ticking.get(name)
        if agent is None:  # others of the same scheduler are not ours
            return
        if isinstance(agent, HierarchicalAgent):
            # One woken at an instant at which it ticks anyway decides once.
            if self._led_s.get(name) == event.timestamp:
                return
            self._led_s[name] = event.timestamp
        agent.tick(scheduler, event.timestamp, None, self.proxy_agent)

    def _handle_action_effect(self, event: Event, scheduler: Any) -> None:
        name, action = event.agent_id or "", event.payload["action"]
        if self._on_action_effect_fn is not None:
            self._on_action_effect_fn(name, action)
        else:
            self._on_action_effect(name, action, event.timestamp)
        if self._event_driven_step_s() is None:
            self._record_state(event.timestamp)

    def _handle_env_update(self, event: Event, scheduler: Any) -> None:
        step_s = self._event_driven_step_s()
        is_over = self._on_env_update(event.timestamp)
        self._record_state(event.timestamp)
        if is_over:
            scheduler.clear()
        elif step_s is not None:
            scheduler.schedule(_env_update(event.timestamp + step_s))

    def _record_state(self, time_s: float) -> None:
        """Show the proxy the present state, unless it looks at a table of the environment's."""
        proxy = self.proxy_agent
        if proxy is None or not proxy.is_recording:
            return
        shared = (self._global_state_fn or self._global_state)()
        states = {name: agent.state for name, agent in self._ticking.items()}
        proxy.update_state({**shared, **states}, time_s)

    def _wanted_history(self, step_s: float | None) -> int:
        """Return how many snapshots reach back to the longest delay, with room for jitter."""
        longest_s = max((a.tick_config.obs_delay for a in self._ticking.values()), default=0.0)
        return max(_LEAST_HISTORY, math.ceil(2.0 * longest_s / step_s) + 2 if step_s else 0)

    def _set_up(self) -> tuple[Scheduler, MessageCourier]:
        if self.scheduler is None or self.courier is None:
            raise HeronError("the environment does not run by events: call setup_event_driven()")
        return self.scheduler, self.courier


def _env_update(time_s: float) -> Event:
    return Event(time_s, ENV_UPDATE, 0, EventType.ENV_UPDATE)
