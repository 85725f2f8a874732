"""The message broker in pure Python: the definition of what the compiled one does."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from heron.errors import InvalidArgumentError, QueueFullError

__all__ = ["POLICIES", "Message", "MessageBroker"]

_Key: TypeAlias = tuple[int, int, int]  # channel, recipient, environment

POLICIES = ("drop_oldest", "drop_newest", "reject")


class Message(NamedTuple):
    """One message; all but `payload` and `time_s` are numbers that the caller chose."""

    channel: int
    env: int
    sender: int
    recipient: int
    type: int
    time_s: float  # when it was sent
    payload: Any


@dataclass
class _Channel:
    name: str
    capacity: int
    policy: str


class MessageBroker:
    """Keep unread messages in bounded queues, one for each (channel, recipient, environment).

    Each queue is first in, first out. Channels are named once and numbered from then on;
    environments and agents are any numbers of the caller's. All methods may be called from several
    threads at once.

    Parameters
    ----------
    capacity
        Most unread messages of a queue, at least 1.
    policy
        What happens to a message for which there is no room: under "drop_oldest" the oldest
        unread one makes room, under "drop_newest" the new one is dropped, and under "reject"
        publishing raises.

    Raises
    ------
    InvalidArgumentError
        If a capacity, a policy or a channel cannot be right. Nothing has changed then.
    QueueFullError
        If a message is rejected.

    Examples
    --------
    >>> broker = MessageBroker(capacity=2)
    >>> channel = broker.intern_channel("prices")
    >>> for price in (50.0, 55.0, 60.0):
    ...     _ = broker.publish(channel, 0, 0, 7, 0, 0.0, price)
    >>> broker.consume_payloads(channel, 7, 0)
    [55.0, 60.0]
    >>> broker.counters()["dropped_oldest"]
    1
    """

    def __init__(self, capacity: int = 1024, policy: str = "drop_oldest") -> None:
        self._check_policy(policy)
        self._check_capacity(capacity)
        self._capacity = capacity
        self._policy = policy
        self._channels: list[_Channel] = []
        self._number_of: dict[str, int] = {}
        self._queues: dict[_Key, deque[Message]] = {}
        self._counters = dict.fromkeys(
            ("published", "consumed", "dropped_oldest", "dropped_newest", "rejected", "cleared"), 0
        )
        # Reentrant, because the garbage collector may run a finaliser in here that publishes.
        self._lock = threading.RLock()

    def intern_channel(self, name: str) -> int:
        """Return the number of a channel, given at first use: 0, 1, 2, ..."""
        with self._lock:
            if name not in self._number_of:
                self._channels.append(_Channel(name, self._capacity, self._policy))
                self._number_of[name] = len(self._channels) - 1
            return self._number_of[name]

    def find_channel(self, name: str) -> int | None:
        """Return the number of a channel, or None if the name was never interned."""
        with self._lock:
            return self._number_of.get(name)

    def channel_name(self, channel: int) -> str:
        """Return the name of a channel."""
        return self._channel(channel).name

    @property
    def n_channel(self) -> int:
        """How many channels there are."""
        return len(self._channels)

    def configure_channel(self, channel: int, capacity: int, policy: str) -> None:
        """Give the queues of a channel a bound and a policy of their own.

        Unread messages stay, even beyond a smaller bound: under "drop_oldest" one leaves for each
        that comes.
        """
        self._check_policy(policy)
        with self._lock:
            configured = self._channel(channel)
            self._check_capacity(capacity)
            configured.capacity, configured.policy = capacity, policy

    def publish(
        self,
        channel: int,
        env: int,
        sender: int,
        recipient: int,
        type: int,
        time_s: float,
        payload: Any,
    ) -> bool:
        """Put a message at the end of its queue; return False if it was dropped."""
        message = Message(channel, env, sender, recipient, type, float(time_s), payload)
        dropped = None  # kept until the lock is free: its finaliser may do anything
        with self._lock:
            known = self._channel(channel)
            queue = self._queues.setdefault((channel, recipient, env), deque())
            is_full = len(queue) >= known.capacity
            if is_full and known.policy == "reject":
                self._counters["rejected"] += 1
                raise QueueFullError(
                    f"the queue of channel '{known.name}' for recipient {recipient} in environment "
                    f"{env} is full and rejects more: consume it, or raise its capacity"
                )
            self._counters["published"] += 1
            if is_full and known.policy == "drop_newest":
                self._counters["dropped_newest"] += 1
                return False
            if is_full:
                self._counters["dropped_oldest"] += 1
                dropped = queue.popleft()
            queue.append(message)
        del dropped
        return True

    def consume(
        self,
        channel: int,
        recipient: int,
        env: int,
        clear: bool = True,
        max_messages: int | None = None,
    ) -> list[Message]:
        """Return unread messages of a queue, oldest first, and take them out if `clear`.

        An unknown channel has none.
        """
        with self._lock:
            queue = self._queues.get((channel, recipient, env), deque())
            messages = list(queue)[:max_messages]
            if clear:
                for _ in messages:
                    queue.popleft()
                self._counters["consumed"] += len(messages)
        return messages

    def consume_payloads(
        self, channel: int, recipient: int, env: int, clear: bool = True
    ) -> list[Any]:
        """Do as `consume`, but return the payloads alone."""
        return [message.payload for message in self.consume(channel, recipient, env, clear)]

    def n_unread(self, channel: int, recipient: int, env: int) -> int:
        """Return how many messages wait in a queue."""
        with self._lock:
            return len(self._queues.get((channel, recipient, env), ()))

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._queues.values()))

    def unread(self) -> list[Message]:
        """Return all unread messages, ordered by channel, recipient, environment and age."""
        with self._lock:
            return [message for _, queue in sorted(self._queues.items()) for message in queue]

    def clear_environment(self, env: int) -> int:
        """Drop everything unread of one environment, and nothing else; return how many."""
        with self._lock:
            closed = [self._queues.pop(key) for key in list(self._queues) if key[2] == env]
            n_message = sum(map(len, closed))
            self._counters["cleared"] += n_message
        return n_message

    def environment_channels(self, env: int) -> list[int]:
        """Return the channels used by an environment since it was last cleared, ascending."""
        with self._lock:
            return sorted({channel for channel, _, key_env in self._queues if key_env == env})

    def counters(self) -> dict[str, int]:
        """Return what became of all messages so far.

        Those published are consumed, dropped_oldest, dropped_newest, cleared or still unread;
        those rejected are not among them.
        """
        with self._lock:
            return dict(self._counters)

    def _channel(self, channel: int) -> _Channel:
        if not 0 <= channel < len(self._channels):
            raise InvalidArgumentError(
                f"channel {channel} is unknown: there are {len(self._channels)}; "
                f"intern_channel(name) gives the number of a new one"
            )
        return self._channels[channel]

    @staticmethod
    def _check_policy(policy: str) -> None:
        if policy not in POLICIES:
            raise InvalidArgumentError(
                f"unknown queue policy '{policy}', expected drop_oldest, drop_newest or reject"
            )

    @staticmethod
    def _check_capacity(capacity: int) -> None:
        if capacity < 1:
            raise InvalidArgumentError(
                f"capacity is {capacity}, expected at least 1: a queue must hold a message"
            )
