"""Agents of an environment that talk through a message broker."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from heron.envs.agent_registry import AgentRegistry
from heron.messaging.broker import MessageBroker
from heron.messaging.channels import ChannelManager
from heron.messaging.courier import MessageCourier
from heron.messaging.memory import InMemoryBroker
from heron.messaging.message import Message, MessageType

__all__ = ["DistributedAgents"]


class DistributedAgents(AgentRegistry):
    """Mixin that connects an environment's agents by messages; see `AgentRegistry`.

    Attributes
    ----------
    message_broker
        What keeps the messages; made when it is needed first. Environments that share one need ids
        of their own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.message_broker: MessageBroker | None = None

    @property
    def simulation_time(self) -> float:
        """Simulated time [s]."""
        return 0.0

    def configure_agents_for_distributed(self, courier: MessageCourier | None = None) -> None:
        """Connect every agent with those above and below it; call it when all are registered.

        Parameters
        ----------
        courier
            What messages travel by; without one they arrive at once.
        """
        broker = self._make_sure_of_broker()
        for name, agent, upstream in self.places():
            agent.connect(name, upstream, self.env_id, broker, courier)
            if upstream is not None:
                broker.create_channel(ChannelManager.action_channel(upstream, name, self.env_id))
                broker.create_channel(ChannelManager.info_channel(name, upstream, self.env_id))

    def _make_sure_of_broker(self) -> MessageBroker:
        if self.message_broker is None:
            self.message_broker = InMemoryBroker()
        return self.message_broker

    # --- what the environment itself says and hears -------------------------------------------

    def publish_action(self, sender_id: str, recipient_id: str, action: Any) -> None:
        """Leave an action for an agent, in the name of the one above it; it arrives at once."""
        channel = ChannelManager.action_channel(sender_id, recipient_id, self.env_id)
        self._publish(channel, sender_id, recipient_id, MessageType.ACTION, {"action": action})

    def publish_info(self, sender_id: str, recipient_id: str, info: Mapping[str, Any]) -> None:
        """Leave an information for an agent; it arrives at once."""
        channel = ChannelManager.info_channel(sender_id, recipient_id, self.env_id)
        self._publish(channel, sender_id, recipient_id, MessageType.INFO, info)

    def broadcast_to_agents(self, sender_id: str, payload: Mapping[str, Any]) -> None:
        """Leave a message for every agent but the sender; it arrives at once."""
        channel = ChannelManager.broadcast_channel(sender_id, self.env_id)
        for name in self.heron_agents:
            if name != sender_id:
                self._publish(channel, sender_id, name, MessageType.BROADCAST, payload)

    def consume_actions_for_agent(self, agent_id: str) -> list[Any]:
        """Return, and take out, the actions that wait for an agent, oldest first."""
        return self.get_agent(agent_id).receive_action_messages()

    def consume_info_for_agent(self, agent_id: str) -> list[Message]:
        """Return, and take out, what else waits for an agent, oldest first."""
        return self.get_agent(agent_id).receive_messages()

    def clear_broker_environment(self) -> None:
        """Drop every message of this environment."""
        if self.message_broker is not None:
            self.message_broker.clear_environment(self.env_id)

    def _publish(
        self,
        channel: str,
        sender_id: str,
        recipient_id: str,
        kind: MessageType,
        payload: Mapping[str, Any],
    ) -> None:
        self.get_agent(recipient_id)  # complains now if there is none
        content = copy.deepcopy(dict(payload))
        message = Message(self.env_id, sender_id, recipient_id, self.simulation_time, kind, content)
        self._make_sure_of_broker().publish(channel, message)
