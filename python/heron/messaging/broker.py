"""What every message broker does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from heron.errors import ConfigError, nearest
from heron.messaging.message import Message

__all__ = ["BROKER_NAMES", "MessageBroker", "Subscriber", "check_broker", "make_broker"]

BROKER_NAMES = ("in_memory",)

Subscriber = Callable[[Message], object]


class MessageBroker(ABC):
    """Keep messages until their recipients fetch them.

    A message waits on its channel for its recipient in its environment, first in, first out; what
    waits for others is not touched. All methods may be called from several threads at once.
    """

    @abstractmethod
    def create_channel(self, channel: str) -> None:
        """Make a channel known; one that exists stays as it is."""

    @abstractmethod
    def publish(self, channel: str, message: Message) -> None:
        """Leave a message on a channel, which is created if need be, and call its subscribers.

        Subscribers are called by the publishing thread, in the order in which they subscribed and
        without any lock held; one that raises is logged and does not stop the others.
        """

    @abstractmethod
    def consume(
        self, channel: str, recipient_id: str, env_id: str, clear: bool = True
    ) -> list[Message]:
        """Return the messages that wait, oldest first, and take them out if `clear`.

        An unknown channel gives [].
        """

    @abstractmethod
    def subscribe(self, channel: str, callback: Subscriber) -> None:
        """Call a function with every message that is published on a channel from now on.

        The messages wait for their recipients all the same.
        """

    @abstractmethod
    def clear_environment(self, env_id: str) -> None:
        """Drop every message of one environment, and nothing else."""

    @abstractmethod
    def get_environment_channels(self, env_id: str) -> list[str]:
        """Return the channels used by an environment since it was last cleared."""

    @abstractmethod
    def close(self) -> None:
        """Drop all messages and subscribers and refuse new ones; closing again does nothing."""


def check_broker(broker: object) -> None:
    """Raise ConfigError unless `make_broker` takes this."""
    if isinstance(broker, str):
        if broker not in BROKER_NAMES:
            raise ConfigError(nearest(broker, BROKER_NAMES, kind="message broker"))
    elif broker is not None and not isinstance(broker, MessageBroker):
        raise ConfigError(
            f"message_broker is a {type(broker).__name__}, expected a name such as 'in_memory' or "
            f"an object derived from heron.messaging.MessageBroker"
        )


def make_broker(broker: str | MessageBroker | None) -> MessageBroker | None:
    """Return the broker that a configuration means.

    Parameters
    ----------
    broker
        A name ("in_memory"), which makes a new one; a broker; or None for none.

    Raises
    ------
    ConfigError
        If the name is unknown or the object is no broker.
    """
    from heron.messaging.memory import InMemoryBroker  # it derives from the class above

    check_broker(broker)
    return InMemoryBroker() if isinstance(broker, str) else broker
