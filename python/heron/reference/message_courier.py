"""Messages that travel, in pure Python: the definition of what the compiled courier does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from heron.errors import InvalidArgumentError, QueueFullError
from heron.messaging.faults import MessageFaults
from heron.reference.message_broker import Message, MessageBroker
from heron.reference.message_faults import message_fate
from heron.reference.tick_scheduler import NO_AGENT, TickEvent, TickScheduler
from heron.scheduling.event_type import EventType
from heron.scheduling.stream import Stream

__all__ = ["MessageCourier"]

_COUNTERS = (
    "sent",
    "delivered",
    "rejected",
    "lost",
    "outage",
    "duplicated",
    "held_back",
    "cancelled",
)


@dataclass
class _Lane:
    seed: int
    key: int
    in_flight: dict[int, Message] = field(default_factory=dict)  # by ticket
    n_ticket: int = 0  # never starts again, so that old tickets stay invalid
    n_sent: dict[int, int] = field(default_factory=dict)  # by sender
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTERS, 0))


class MessageCourier:
    """Carry messages from a scheduler's agents to a broker.

    Each travels for the sender's drawn message delay, meets its faults on the way and reaches its
    queue at a MESSAGE_DELIVERY event. The message's environment is the lane.

    Parameters
    ----------
    scheduler
        Whose lanes and agents; it draws the delays and keeps the time.
    broker
        Where the messages arrive.
    faults
        What may befall them, with senders as numbers; None for nothing.
    seed
        Seed of the fates, which are keyed (seed, lane, sender).
    delivery_priority
        Priority of the delivery events.

    Raises
    ------
    InvalidArgumentError
        If a lane, channel, sender or delay cannot be right; nothing is sent then.

    Examples
    --------
    >>> from heron.scheduling import TickConfig
    >>> scheduler, broker = TickScheduler(), MessageBroker()
    >>> sender = scheduler.register_agent(TickConfig(tick_interval=60.0, msg_delay=2.0))
    >>> courier = MessageCourier(scheduler, broker)
    >>> courier.attach()
    >>> prices = broker.intern_channel("prices")
    >>> courier.send(0, prices, sender, 7, 0, 52.5)
    1
    >>> _ = scheduler.run_until(0, 1.9)
    >>> broker.consume_payloads(prices, 7, 0)
    []
    >>> _ = scheduler.run_until(0, 2.0)
    >>> broker.consume_payloads(prices, 7, 0)
    [52.5]
    """

    def __init__(
        self,
        scheduler: TickScheduler,
        broker: MessageBroker,
        faults: MessageFaults | None = None,
        seed: int = 0,
        delivery_priority: int = 1,
    ) -> None:
        self._scheduler = scheduler
        self._broker = broker
        self._faults = MessageFaults() if faults is None else faults
        self._priority = delivery_priority
        self._lanes = [_Lane(seed, key) for key in range(scheduler.n_lane)]
        for outage in self._faults.outages:
            if isinstance(outage.sender, str):
                raise InvalidArgumentError(
                    f"an outage names its sender '{outage.sender}', expected the number of an "
                    f"agent, or None for every sender"
                )

    def send(
        self,
        lane: int,
        channel: int,
        sender: int,
        recipient: int,
        type: int,
        payload: Any,
        delay_s: float | None = None,
    ) -> int:
        """Send a message at the lane's present time; return how many copies travel.

        `delay_s` replaces the sender's drawn delay; without it the sender must be an agent of the
        scheduler.
        """
        here = self._lane(lane)
        self._broker.channel_name(channel)
        if sender < 0:
            raise InvalidArgumentError(f"sender is {sender}, expected at least 0")
        if delay_s is not None and not 0.0 <= delay_s < math.inf:
            raise InvalidArgumentError(
                f"delay_s is {delay_s}, expected a finite number of seconds, at least 0"
            )
        now_s = self._scheduler.now_s(lane)
        # Drawn for lost messages too: then faults leave the delays of all others as they were.
        travel_s = (
            self._scheduler.draw_s(lane, sender, Stream.MSG_DELAY) if delay_s is None else delay_s
        )
        number = here.n_sent.get(sender, 0)
        fate = message_fate(self._faults, here.seed, here.key, sender, number, now_s)
        arrivals_s = [now_s + (travel_s + fate.held_back_s[copy]) for copy in range(fate.n_copy)]
        for arrival_s in arrivals_s:
            # Known before any copy leaves, since a message is sent as a whole or not at all.
            if not math.isfinite(arrival_s):
                raise InvalidArgumentError(
                    f"the message would arrive at {arrival_s} s, expected a finite time: give it a "
                    f"shorter delay"
                )
        for copy, arrival_s in enumerate(arrivals_s):
            self._scheduler.schedule(
                lane,
                arrival_s,
                EventType.MESSAGE_DELIVERY.value,
                NO_AGENT,
                self._priority,
                here.n_ticket,
            )
            message = Message(channel, lane, sender, recipient, type, now_s, payload)
            here.in_flight[here.n_ticket] = message
            here.n_ticket += 1
            here.counters["held_back"] += fate.is_held_back[copy]
        here.n_sent[sender] = number + 1
        here.counters["sent"] += 1
        here.counters["lost"] += fate.is_lost
        here.counters["outage"] += fate.is_outage
        here.counters["duplicated"] += fate.n_copy == 2
        return fate.n_copy

    def deliver(self, event: TickEvent) -> bool:
        """Put the message of a MESSAGE_DELIVERY event into its queue.

        The handler that `attach` sets does this; loops of one's own call it themselves. Returns
        False, and nothing happens, if the event's message is not in flight (any more). A full
        queue that rejects is counted, not raised: its sender has gone on long ago.
        """
        here = self._lane(event[5])
        message = here.in_flight.pop(event[7], None)
        if message is None:
            return False
        try:
            self._broker.publish(*message)
        except QueueFullError:
            here.counters["rejected"] += 1
        else:
            here.counters["delivered"] += 1
        return True

    def attach(self) -> None:
        """Let the scheduler deliver by itself."""
        self._scheduler.set_handler(EventType.MESSAGE_DELIVERY.value, self.deliver)

    def clear(self, lane: int) -> None:
        """Forget what is in flight in a lane and number its messages from 0; counters stay.

        Call it with the scheduler's `clear` or `reset` of that lane.
        """
        here = self._lane(lane)
        here.counters["cancelled"] += len(here.in_flight)
        here.in_flight.clear()
        here.n_sent.clear()

    def seed_lane(self, lane: int, seed: int, lane_key: int) -> None:
        """Key the fates of what the lane sends from now on by (seed, lane_key)."""
        here = self._lane(lane)
        here.seed, here.key = seed, lane_key

    def n_in_flight(self, lane: int) -> int:
        """Return how many copies are on their way."""
        return len(self._lane(lane).in_flight)

    def counters(self, lane: int) -> dict[str, int]:
        """Return what became of the lane's messages so far.

        Those sent, and the second copies of those duplicated, are delivered, rejected, lost,
        in an outage, cancelled or still in flight.
        """
        return dict(self._lane(lane).counters)

    def _lane(self, lane: int) -> _Lane:
        if not 0 <= lane < len(self._lanes):
            raise InvalidArgumentError(f"lane is {lane}, expected 0 to {len(self._lanes) - 1}")
        return self._lanes[lane]
