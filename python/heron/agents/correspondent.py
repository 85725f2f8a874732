"""One who sends and receives messages."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heron.errors import ConfigError, nearest
from heron.messaging.channels import ChannelManager
from heron.messaging.message import Message, MessageType

if TYPE_CHECKING:
    from heron.messaging.broker import MessageBroker
    from heron.messaging.courier import MessageCourier

__all__ = ["Correspondent"]


class Correspondent:
    """A name in the hierarchy, with what carries messages from and to it.

    Ids differ among siblings only, so in an environment an agent is known by its *address*, which
    is its path there ("MG1/ess1"). Outside of one its id is its address.

    Attributes
    ----------
    current_time
        Simulated time of the last tick [s], under which messages are sent.
    is_commanded
        Whether the agent above decides: the last thing that arrived from it was an action. Such an
        agent does each action once and holds it until the next one arrives, rather than falling
        back to a policy of its own in between.
    courier
        What makes messages take time and go wrong on their way to the broker; None if they arrive
        at once.
    """

    def __init__(
        self, agent_id: str, upstream_id: str | None, env_id: str | None, message_broker: Any
    ) -> None:
        self.agent_id = agent_id
        self.upstream_id = upstream_id
        self.env_id = env_id
        self.message_broker: MessageBroker | None = message_broker
        self.courier: MessageCourier | None = None
        self.current_time = 0.0
        self.is_commanded = False
        self._address: str | None = None
        self._upstream_address: str | None = None

    @property
    def address(self) -> str:
        """Name under which messages reach the agent: its path in the environment, or its id."""
        return self.agent_id if self._address is None else self._address

    @property
    def upstream_address(self) -> str | None:
        """Address of the agent above, None if there is none."""
        return self.upstream_id if self._upstream_address is None else self._upstream_address

    def connect(
        self,
        address: str,
        upstream_address: str | None,
        env_id: str,
        message_broker: MessageBroker,
        courier: MessageCourier | None = None,
    ) -> None:
        """Take a place in an environment, under nobody's command; environments call this."""
        self._address = address
        self._upstream_address = upstream_address
        self.env_id = env_id
        self.message_broker = message_broker
        self.courier = courier
        self.is_commanded = False

    def set_message_broker(self, broker: MessageBroker | None) -> None:
        """Send and receive through this broker from now on, without a courier."""
        self.message_broker = broker
        self.courier = None

    # --- sending ------------------------------------------------------------------------------

    def send_message(
        self, content: Any, recipient_id: str, message_type: MessageType | str = "INFO"
    ) -> None:
        """Send something to another agent.

        It is copied, so that nothing changes on its way.

        Parameters
        ----------
        content
            The payload; what is no mapping becomes ``{"content": content}``.
        recipient_id
            Id of the agent above or of one below, or any agent's address.
        message_type
            A `MessageType` or its name; says on which channel of `ChannelManager` it goes.

        Raises
        ------
        ConfigError
            If there is no broker, or no such type.
        """
        kind = _message_type(message_type)
        payload = dict(content) if isinstance(content, Mapping) else {"content": content}
        self._send(self._channel(kind, self._address_of(recipient_id)), kind, recipient_id, payload)

    def _send(
        self, channel: str, kind: MessageType, recipient_id: str, payload: dict[str, Any]
    ) -> None:
        if self.message_broker is None:
            raise ConfigError(
                f"agent {self.agent_id!r} has no message broker: call set_message_broker(), or "
                f"configure_agents_for_distributed() of its environment"
            )
        message = Message(
            self._env_id,
            self.address,
            self._address_of(recipient_id),
            self.current_time,
            kind,
            copy.deepcopy(payload),
        )
        if self.courier is None:
            self.message_broker.publish(channel, message)
        else:
            self.courier.send(channel, message)

    def _channel(self, kind: MessageType, recipient: str) -> str:
        if kind is MessageType.ACTION:
            return ChannelManager.action_channel(self.address, recipient, self._env_id)
        if kind is MessageType.INFO:
            return ChannelManager.info_channel(self.address, recipient, self._env_id)
        if kind is MessageType.BROADCAST:
            return ChannelManager.broadcast_channel(self.address, self._env_id)
        if kind is MessageType.STATE_UPDATE:
            return ChannelManager.state_update_channel(self._env_id)
        if kind is MessageType.RESULT:
            return ChannelManager.result_channel(self._env_id, recipient)
        return ChannelManager.custom_channel("custom", self._env_id, recipient)

    # --- receiving ----------------------------------------------------------------------------

    def receive_messages(self, sender_id: str | None = None, clear: bool = True) -> list[Message]:
        """Return what has arrived but for actions, by the time at which it was sent.

        Parameters
        ----------
        sender_id
            Only what this agent sent to this one or to everybody; id or address as in
            `send_message`.
        clear
            Whether to take the messages out.
        """
        broker = self.message_broker
        if broker is None:
            return []
        if sender_id is None:
            actions = self._action_channel()
            channels = [c for c in broker.get_environment_channels(self._env_id) if c != actions]
        else:
            sender = self._address_of(sender_id)
            channels = [
                ChannelManager.info_channel(sender, self.address, self._env_id),
                ChannelManager.broadcast_channel(sender, self._env_id),
            ]
        messages: list[Message] = []
        for channel in channels:
            messages += broker.consume(channel, self.address, self._env_id, clear)
        return sorted(messages, key=lambda message: message.timestamp)

    def receive_action_messages(self, clear: bool = True) -> list[Any]:
        """Return the actions that have arrived from above, in the order of their arrival.

        None among them means that the agent is to decide for itself again.
        """
        channel = self._action_channel()
        if self.message_broker is None or channel is None:
            return []
        messages = self.message_broker.consume(channel, self.address, self._env_id, clear)
        return [message.payload["action"] for message in messages]

    def _action_channel(self) -> str | None:
        if self.upstream_address is None:
            return None
        return ChannelManager.action_channel(self.upstream_address, self.address, self._env_id)

    # --- names --------------------------------------------------------------------------------

    @property
    def _env_id(self) -> str:
        return "default" if self.env_id is None else self.env_id

    def _address_of(self, agent_id: str) -> str:
        """Return the address of one whom this agent knows by id; others are known by address."""
        is_upstream = agent_id == self.upstream_id and self.upstream_address is not None
        return self.upstream_address or agent_id if is_upstream else agent_id


def _message_type(given: MessageType | str) -> MessageType:
    if isinstance(given, MessageType):
        return given
    names = [kind.name for kind in MessageType]
    if given.upper() not in names:
        raise ConfigError(nearest(given, names, kind="message type"))
    return MessageType[given.upper()]
