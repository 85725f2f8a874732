"""The event scheduler in pure Python: the definition of what `heron.scheduling` does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from heron._core import Event
from heron.errors import InvalidArgumentError
from heron.reference.tick_scheduler import NO_AGENT, TickEvent, TickScheduler
from heron.scheduling.agents_of_scheduler import AgentsOfScheduler
from heron.scheduling.event_type import EventType
from heron.scheduling.tick_config import TickConfig, check_seed

__all__ = ["EventScheduler", "Handler"]

Handler = Callable[[Event, Any], object]
"""Called with the event and the scheduler."""


class EventScheduler(AgentsOfScheduler):
    """Run agents and events in simulated time.

    See `heron.scheduling.EventScheduler`.

    Attributes
    ----------
    processed_count : int
        Events that were handled or skipped since the start or the last `reset`.
    """

    def __init__(self, start_time: float = 0.0, *, seed: int = 0) -> None:
        self._ticks = TickScheduler(1, check_seed(seed), start_time)
        self._numbers: dict[str, int] = {}  # of every agent that was ever registered
        self._names: list[str] = []  # by number
        self._handlers: dict[EventType, Handler] = {}
        self._events: dict[int, Event] = {}  # scheduled ones, by the payload that the core carries
        self._n_scheduled = 0
        self.processed_count = 0
        self._start_without_agents()

    # --- events -------------------------------------------------------------------------------

    def schedule(self, event: Event) -> None:
        """Add an event and assign its sequence.

        Raises
        ------
        ValueError
            If its timestamp is not finite or in the past.
        TypeError
            If it is no Event, or its event_type no EventType.
        """
        if not isinstance(event, Event):
            raise TypeError(f"expected an Event, got {type(event).__name__}")
        if not isinstance(event.event_type, EventType):
            raise TypeError(
                f"event_type is {event.event_type!r}, expected a member of "
                f"heron.scheduling.EventType"
            )
        if not -(2**31) <= event.priority < 2**31:
            raise InvalidArgumentError(f"priority is {event.priority}, expected a 32-bit integer")
        place = self._n_scheduled
        self._ticks.schedule(
            0, event.timestamp, event.event_type.value, NO_AGENT, event.priority, place
        )
        event.sequence = self._ticks.next_sequence(0) - 1
        self._events[place] = event
        self._n_scheduled += 1

    def peek(self) -> Event | None:
        """Return the next event, which stays, or None if there is none."""
        tick = self._ticks.peek(0)
        if tick is None:
            return None
        return self._tick(tick) if tick.is_periodic else self._events[tick.payload]

    def pop(self) -> Event | None:
        """Take the next event without handling it, and move the time to it.

        Returns the object that was scheduled. A tick that is popped is not followed by another.
        """
        tick = self._ticks.next(0)
        if tick is None:
            return None
        return self._tick(tick) if tick.is_periodic else self._events.pop(tick.payload)

    def set_handler(self, event_type: EventType, handler: Handler | None) -> None:
        """Call `handler(event, scheduler)` for every event of a type; None takes it away."""
        if not isinstance(event_type, EventType):
            raise TypeError(
                f"event_type is {event_type!r}, expected a member of heron.scheduling.EventType"
            )
        if handler is None:
            self._handlers.pop(event_type, None)
        elif callable(handler):
            self._handlers[event_type] = handler
        else:
            raise TypeError(
                f"a handler is called with (event, scheduler), or is None; got "
                f"{type(handler).__name__}"
            )

    @property
    def handlers(self) -> dict[EventType, Handler]:
        """Handlers by event type; a copy, in the order of the types."""
        return {kind: self._handlers[kind] for kind in EventType if kind in self._handlers}

    # --- the loop -----------------------------------------------------------------------------

    def process_next(self) -> bool:
        """Handle one event; return False if there is none."""
        return self.run_until(math.inf, 1) == 1

    def run_until(self, t_end: float, max_events: int | None = None) -> int:
        """Handle events in order up to and including `t_end`, at most `max_events` of them.

        Returns how many, those skipped included. `current_time` stays at the last of them. If a
        handler raises, its event counts as handled and the scheduler can go on.
        """
        if math.isnan(t_end):
            raise InvalidArgumentError("t_end is nan, expected a number of seconds")
        n_event = 0
        while max_events is None or n_event < max_events:
            tick = self._ticks.next(0, t_end)
            if tick is None:
                break
            n_event += 1
            self.processed_count += 1
            self._process(tick)
        return n_event

    def run_steps(self, n: int) -> int:
        """Handle `n` events; return how many there were."""
        return self.run_until(math.inf, n)

    def _process(self, tick: TickEvent) -> None:
        event = self._tick(tick) if tick.is_periodic else self._events.pop(tick.payload)
        if event.agent_id is not None:
            # Resolved only now: until then the agent may come, go or be replaced.
            if event.agent_id not in self._configs:
                return
            tick = tick._replace(agent=self._numbers[event.agent_id])
        handler = self._handlers.get(EventType(tick.type))
        try:
            if handler is not None:
                handler(event, self)
        finally:
            self._ticks.finish(tick)

    def clear(self) -> None:
        """Drop every pending event, ticks included; agents and time stay."""
        self._ticks.clear(0)
        self._events.clear()

    def reset(self, start_time: float = 0.0) -> None:
        """Start again with the first tick of every agent, in order of registration."""
        self._ticks.reset(0, start_time)
        self._events.clear()
        self.processed_count = 0

    @property
    def current_time(self) -> float:
        """Simulated time of the last event, or of the start [s]."""
        return self._ticks.now_s(0)

    @property
    def pending_count(self) -> int:
        """Number of events to come, armed ticks included."""
        return self._ticks.n_pending(0)

    # --- agents, by number --------------------------------------------------------------------

    def _add_agent(
        self, agent_id: str, config: TickConfig, first_tick_s: float | None, tick_priority: int
    ) -> None:
        if agent_id in self._numbers:
            number = self._numbers[agent_id]
            self._ticks.register_again(number, config, first_tick_s, tick_priority)
        else:
            number = self._ticks.register_agent(config, first_tick_s, tick_priority)
            self._numbers[agent_id] = number
            self._names.append(agent_id)

    def _remove_agent(self, agent_id: str) -> None:
        self._ticks.unregister_agent(self._numbers[agent_id])

    def _draw_s(self, agent_id: str, stream: int) -> float:
        if agent_id not in self._configs:
            return 0.0
        return self._ticks.draw_s(0, self._numbers[agent_id], stream)

    def _tick(self, tick: TickEvent) -> Event:
        agent_id = self._names[tick.agent]
        return Event(tick.time_s, tick.priority, tick.sequence, EventType.AGENT_TICK, agent_id)
