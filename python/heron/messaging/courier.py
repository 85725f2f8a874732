"""Messages that travel: delays and faults between an event scheduler's agents and a broker."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heron._core import Event, message_fate
from heron.errors import ConfigError, QueueFullError
from heron.messaging.broker import MessageBroker
from heron.messaging.faults import MessageFaults
from heron.messaging.message import Message
from heron.scheduling.event_type import EventType
from heron.scheduling.priority import MESSAGE_DELIVERY

if TYPE_CHECKING:
    from heron.scheduling.agents_of_scheduler import AgentsOfScheduler

__all__ = ["MessageCourier", "Travelling"]

_COUNTERS = ("sent", "delivered", "rejected", "lost", "outage", "duplicated", "held_back")


@dataclass(frozen=True, slots=True)
class Travelling:
    """A message on its way, as the delivery event's ``payload["message"]``."""

    channel: str
    message: Message


class MessageCourier:
    """Carry messages from a scheduler's agents to a broker.

    Each message travels for the sender's drawn ``msg_delay``, meets its faults on the way, and is
    published when its MESSAGE_DELIVERY event is handled. Its fate depends on the seed, the sender's
    place in the order of registration and how many messages that sender has sent, and is the same
    as in the compiled core.

    Parameters
    ----------
    scheduler
        An `EventScheduler`. An event whose recipient is taken out while the message travels is
        skipped as all its events are, so that message does not arrive.
    broker
        Where the messages arrive.
    faults
        What may befall them; None for nothing.
    seed
        Seed of the fates, 0 to 2**64 - 1.

    Raises
    ------
    ConfigError
        If an outage gives its sender as a number.

    Examples
    --------
    >>> from heron.messaging import InMemoryBroker, MessageType
    >>> from heron.scheduling import EventScheduler, TickConfig
    >>> scheduler, broker = EventScheduler(), InMemoryBroker()
    >>> for agent in ("DSO", "MG1"):
    ...     timing = TickConfig.deterministic(tick_interval=60.0, msg_delay=2.0)
    ...     scheduler.register_agent(agent, tick_config=timing)
    >>> courier = MessageCourier(scheduler, broker)
    >>> scheduler.set_handler(EventType.MESSAGE_DELIVERY, courier.handle)
    >>> message = Message("env_0", "DSO", "MG1", 0.0, MessageType.INFO, {"price": 52.5})
    >>> courier.send("prices", message)
    1
    >>> _ = scheduler.run_until(1.9)
    >>> broker.consume("prices", "MG1", "env_0")
    []
    >>> _ = scheduler.run_until(2.0)
    >>> broker.consume("prices", "MG1", "env_0") == [message]
    True
    """

    def __init__(
        self,
        scheduler: AgentsOfScheduler,
        broker: MessageBroker,
        *,
        faults: MessageFaults | None = None,
        seed: int = 0,
    ) -> None:
        self._scheduler = scheduler
        self._broker = broker
        self._faults = MessageFaults() if faults is None else faults
        for outage in self._faults.outages:
            if isinstance(outage.sender, int):
                raise ConfigError(
                    f"an outage gives its sender as the number {outage.sender}, expected the name "
                    f"of an agent, or None for every sender"
                )
        self._seed = seed
        self._counters = dict.fromkeys(_COUNTERS, 0)
        self._numbers: dict[str, int] = {}  # of senders
        self._n_sent: dict[str, int] = {}  # by sender
        self._faults_of: dict[str, MessageFaults] = {}  # what may befall a sender's messages

    def send(self, channel: str, message: Message, delay: float | None = None) -> int:
        """Send a message now; return how many copies travel: 0, 1 or 2.

        Parameters
        ----------
        channel
            The broker's channel on which the message arrives.
        message
            What travels; its sender's timing and faults apply.
        delay
            Travel time [s] in place of the sender's drawn ``msg_delay``.

        Raises
        ------
        ConfigError
            If the delay is negative or not finite, or the message would arrive at no finite time;
            nothing is sent then.
        """
        if delay is not None and not 0.0 <= delay < math.inf:
            raise ConfigError(f"delay is {delay}, expected a finite number of seconds, at least 0")
        sender, now_s = message.sender_id, self._scheduler.current_time
        # Drawn for lost messages too: then faults leave the delays of all others as they were.
        travel_s = self._scheduler.get_msg_delay(sender) if delay is None else delay
        number = self._n_sent.get(sender, 0)
        n_copy, is_held_back, held_back_s, is_lost, is_outage = message_fate(
            self._faults_for(sender), self._seed, 0, self._number(sender), number, now_s
        )
        for held_s in held_back_s[:n_copy]:
            # Known before any copy leaves, since a message is sent as a whole or not at all.
            if not math.isfinite(now_s + (travel_s + held_s)):
                raise ConfigError(
                    f"the message would arrive at {now_s + (travel_s + held_s)} s, expected a "
                    f"finite time: give it a shorter delay"
                )
        for copy in range(n_copy):
            self._schedule(Travelling(channel, message), travel_s + held_back_s[copy])
            self._counters["held_back"] += is_held_back[copy]
        self._n_sent[sender] = number + 1
        self._counters["sent"] += 1
        self._counters["lost"] += is_lost
        self._counters["outage"] += is_outage
        self._counters["duplicated"] += n_copy == 2
        return n_copy

    def deliver(self, event: Event) -> bool:
        """Publish the message of a MESSAGE_DELIVERY event; return False if it carries none of ours.

        A full queue that rejects is counted, not raised: the sender has gone on long ago.
        """
        payload = event.payload
        travelling = payload.get("message") if isinstance(payload, dict) else None
        if not isinstance(travelling, Travelling):
            return False
        try:
            self._broker.publish(travelling.channel, travelling.message)
        except QueueFullError:
            self._counters["rejected"] += 1
        else:
            self._counters["delivered"] += 1
        return True

    def handle(self, event: Event, scheduler: Any) -> None:
        """Deliver; the handler to set for MESSAGE_DELIVERY."""
        self.deliver(event)

    def reset(self) -> None:
        """Begin to count every sender's messages anew; call it with the scheduler's reset."""
        self._n_sent.clear()

    @property
    def counters(self) -> dict[str, int]:
        """What became of all messages so far.

        Of those ``sent`` and of the second copies ``duplicated``, those that are not ``delivered``,
        ``rejected``, ``lost`` or in an ``outage`` are on their way, or were dropped with the
        scheduler's events.
        """
        return dict(self._counters)

    def _schedule(self, travelling: Travelling, delay_s: float) -> None:
        sender, recipient = travelling.message.sender_id, travelling.message.recipient_id
        if recipient in self._scheduler.agent_tick_configs:
            self._scheduler.schedule_message_delivery(sender, recipient, travelling, delay_s)
            return
        # Who is no agent of the scheduler gets messages too, but events of such are skipped.
        self._scheduler.schedule(
            Event(
                self._scheduler.current_time + delay_s,
                MESSAGE_DELIVERY,
                0,
                EventType.MESSAGE_DELIVERY,
                None,
                {"sender": sender, "message": travelling},
            )
        )

    def _number(self, sender: str) -> int:
        """Return the sender's number, which it keeps: agents come in order of registration."""
        if sender not in self._numbers:
            for agent in (*self._scheduler.agent_tick_configs, sender):
                self._numbers.setdefault(agent, len(self._numbers))
        return self._numbers[sender]

    def _faults_for(self, sender: str) -> MessageFaults:
        if sender not in self._faults_of:
            outages = tuple(
                dataclasses.replace(outage, sender=None)
                for outage in self._faults.outages
                if outage.sender in (None, sender)
            )
            self._faults_of[sender] = dataclasses.replace(self._faults, outages=outages)
        return self._faults_of[sender]
