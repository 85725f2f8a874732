"""Events with Python handlers, on the compiled loop."""

from __future__ import annotations

from heron._core import EventLoop
from heron.scheduling.agents_of_scheduler import AgentsOfScheduler
from heron.scheduling.event_type import EventType
from heron.scheduling.tick_config import check_seed

__all__ = ["EventScheduler"]


# The loop comes first: what it provides is not looked up in the mixin.
class EventScheduler(EventLoop, AgentsOfScheduler):
    """Run agents and events in simulated time.

    Events leave in the order of (timestamp, priority, sequence); the sequence is assigned when an
    event is scheduled. A registered agent ticks for ever: after the handler of a tick ran, its next
    one is armed a drawn interval later. Its twin in plain Python is
    `heron.reference.event_scheduler.EventScheduler`.

    Parameters
    ----------
    start_time : float
        Simulated time at the start [s].
    seed : int
        Seed of the jitter of all agents without a seed of their own.

    Examples
    --------
    >>> from heron.scheduling import EventScheduler, EventType, TickConfig
    >>> scheduler, seen = EventScheduler(), []
    >>> scheduler.register_agent("ess1", tick_config=TickConfig.deterministic(tick_interval=60.0))
    >>> scheduler.set_handler(
    ...     EventType.AGENT_TICK, lambda event, scheduler: seen.append(event.timestamp)
    ... )
    >>> scheduler.run_until(t_end=150.0)
    3
    >>> seen
    [0.0, 60.0, 120.0]
    """

    def __init__(self, start_time: float = 0.0, *, seed: int = 0) -> None:
        super().__init__(start_time, check_seed(seed), list(EventType))
        self._start_without_agents()
