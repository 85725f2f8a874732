"""A broker inside this process, over the compiled queues."""

from __future__ import annotations

import logging
import threading
from typing import Any

from heron import _core
from heron.errors import ConfigError, HeronError, QueueFullError, nearest
from heron.messaging.broker import MessageBroker, Subscriber
from heron.messaging.message import Message
from heron.reference.message_broker import POLICIES
from heron.reference.message_broker import MessageBroker as ReferenceQueues

__all__ = ["InMemoryBroker"]

_logger = logging.getLogger(__name__)

_QUEUES: dict[str, Any] = {"native": _core.MessageBroker, "reference": ReferenceQueues}


class InMemoryBroker(MessageBroker):
    """Keep messages in bounded queues in this process's memory.

    Each recipient has a queue of its own on each channel in each environment. A copy, also one by
    pickle, has the same unread messages, subscribers and counters, and shares nothing more.

    Parameters
    ----------
    capacity
        Most messages that may wait in one queue.
    policy
        What happens to a message for which there is no room. "drop_oldest": the oldest that waits
        makes room. "drop_newest": the new one is dropped, and subscribers do not hear of it.
        "reject": `publish` raises `QueueFullError`.
    backend
        "native", or "reference" for the same in plain Python.

    Raises
    ------
    ConfigError
        If the capacity is below 1, or the policy or the backend is unknown.

    Examples
    --------
    >>> from heron.messaging import ChannelManager, MessageType
    >>> broker = InMemoryBroker()
    >>> channel = ChannelManager.action_channel("DSO", "MG1", "env_0")
    >>> message = Message("env_0", "DSO", "MG1", 0.0, MessageType.ACTION, {"p_MW": 0.5})
    >>> broker.publish(channel, message)
    >>> broker.consume(channel, "MG1", "env_0") == [message]
    True
    >>> broker.consume(channel, "MG1", "env_0")
    []
    """

    def __init__(
        self, capacity: int = 1024, policy: str = "drop_oldest", *, backend: str = "native"
    ) -> None:
        _check_bound(capacity, policy)
        if backend not in _QUEUES:
            raise ConfigError(nearest(backend, _QUEUES, kind="backend"))
        self._capacity = capacity
        self._policy = policy
        self._backend = backend
        self._queues = _QUEUES[backend](capacity, policy)
        self._channels: dict[str, int] = {}
        self._envs: dict[str, int] = {}
        self._agents: dict[str, int] = {}
        self._bounds: dict[str, tuple[int, str]] = {}  # of channels that have their own
        self._subscribers: dict[str, tuple[Subscriber, ...]] = {}
        self._earlier = dict.fromkeys(self._queues.counters(), 0)  # counted before a copy was made
        self._is_closed = False
        self._lock = threading.Lock()  # of the dicts; reading one needs none

    def create_channel(
        self, channel: str, *, capacity: int | None = None, policy: str | None = None
    ) -> None:
        """Make a channel known, and give it a bound or a policy of its own if wanted.

        Messages that wait stay, even beyond a smaller bound.
        """
        self._check_open()
        number = self._channel(channel)
        if capacity is None and policy is None:
            return
        with self._lock:
            old = self._bounds.get(channel, (self._capacity, self._policy))
            bound = (
                old[0] if capacity is None else capacity,
                old[1] if policy is None else policy,
            )
            _check_bound(*bound)
            self._queues.configure_channel(number, *bound)
            self._bounds[channel] = bound

    def publish(self, channel: str, message: Message) -> None:
        """Leave a message on a channel and call its subscribers, unless it was dropped.

        Raises
        ------
        QueueFullError
            If the queue is full and its policy is "reject".
        HeronError
            If the broker is closed.
        """
        self._check_open()
        try:
            is_kept = self._queues.publish(
                self._channel(channel),
                self._number(self._envs, message.env_id),
                0,  # the message itself says who sent it, and what it is
                self._number(self._agents, message.recipient_id),
                0,
                message.timestamp,
                message,
            )
        except QueueFullError:
            raise QueueFullError(
                f"the queue of channel {channel!r} for {message.recipient_id!r} in environment "
                f"{message.env_id!r} is full and rejects more: consume it, or raise its capacity"
            ) from None
        if is_kept:
            for subscriber in self._subscribers.get(channel, ()):
                self._call(subscriber, channel, message)

    def consume(
        self, channel: str, recipient_id: str, env_id: str, clear: bool = True
    ) -> list[Message]:
        """Return the messages that wait, oldest first, and take them out if `clear`."""
        number = self._channels.get(channel)
        recipient, env = self._agents.get(recipient_id), self._envs.get(env_id)
        if number is None or recipient is None or env is None:
            return []
        messages: list[Message] = self._queues.consume_payloads(number, recipient, env, clear)
        return messages

    def subscribe(self, channel: str, callback: Subscriber) -> None:
        """Call a function with every message that is published on a channel from now on."""
        self._check_open()
        if not callable(callback):
            raise ConfigError(f"a subscriber must be callable, got {callback!r}")
        with self._lock:
            self._subscribers[channel] = (*self._subscribers.get(channel, ()), callback)

    def clear_environment(self, env_id: str) -> None:
        """Drop every message of one environment, and nothing else."""
        env = self._envs.get(env_id)
        if env is not None:
            self._queues.clear_environment(env)

    def get_environment_channels(self, env_id: str) -> list[str]:
        """Return the channels used by an environment since it was last cleared, in order of age."""
        env = self._envs.get(env_id)
        if env is None:
            return []
        return [
            self._queues.channel_name(number) for number in self._queues.environment_channels(env)
        ]

    def close(self) -> None:
        """Drop all messages and subscribers and refuse new ones; closing again does nothing."""
        self._is_closed = True
        with self._lock:
            self._subscribers = {}
            envs = list(self._envs.values())
        for env in envs:
            self._queues.clear_environment(env)

    @property
    def n_unread(self) -> int:
        """How many messages wait in all."""
        return len(self._queues)

    @property
    def counters(self) -> dict[str, int]:
        """What became of all messages so far.

        Those ``published`` were ``consumed``, ``dropped_oldest``, ``dropped_newest``, ``cleared``
        with their environment, or wait still. Those ``rejected`` are not among them.
        """
        return {name: n + self._earlier[name] for name, n in self._queues.counters().items()}

    # --- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = self.__dict__ | {
                "_envs": dict(self._envs),
                "_agents": dict(self._agents),
                "_bounds": dict(self._bounds),
                "_subscribers": dict(self._subscribers),
                "_earlier": self.counters,
            }
        n_channel = self._queues.n_channel
        state["_channels"] = [self._queues.channel_name(number) for number in range(n_channel)]
        state["_queues"] = [tuple(message) for message in self._queues.unread()]
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._queues = _QUEUES[self._backend](self._capacity, self._policy)
        self._channels = {name: self._queues.intern_channel(name) for name in state["_channels"]}
        unread = state["_queues"]
        for number in self._channels.values():  # what waited may be more than the bound of now
            self._queues.configure_channel(number, max(1, len(unread)), "reject")
        for message in unread:
            self._queues.publish(*message)
        for name, number in self._channels.items():
            bound = self._bounds.get(name, (self._capacity, self._policy))
            self._queues.configure_channel(number, *bound)
        self._earlier = dict(state["_earlier"])
        self._earlier["published"] -= len(unread)

    # --- inside -------------------------------------------------------------------------------

    def _channel(self, name: str) -> int:
        number = self._channels.get(name)
        if number is None:
            number = self._channels[name] = self._queues.intern_channel(name)
        return number

    def _number(self, numbers: dict[str, int], name: str) -> int:
        number = numbers.get(name)
        if number is None:
            with self._lock:
                number = numbers.setdefault(name, len(numbers))
        return number

    def _check_open(self) -> None:
        if self._is_closed:
            raise HeronError("the message broker is closed: make a new one")

    @staticmethod
    def _call(subscriber: Subscriber, channel: str, message: Message) -> None:
        try:
            subscriber(message)
        except Exception:  # whatever it is, it is the subscriber's alone
            _logger.exception("a subscriber of channel %r raised on %r", channel, message)


def _check_bound(capacity: int, policy: str) -> None:
    if policy not in POLICIES:
        raise ConfigError(nearest(policy, POLICIES, kind="policy"))
    if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
        raise ConfigError(f"capacity is {capacity!r}, expected an integer of at least 1")
