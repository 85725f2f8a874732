"""Messages between agents: brokers with bounded queues, channels' names, faults on the way."""

from __future__ import annotations

from heron.messaging.broker import MessageBroker, check_broker, make_broker
from heron.messaging.channels import ChannelManager
from heron.messaging.courier import MessageCourier
from heron.messaging.faults import MessageFaults, Outage
from heron.messaging.memory import InMemoryBroker
from heron.messaging.message import Message, MessageType

__all__ = [
    "ChannelManager",
    "InMemoryBroker",
    "Message",
    "MessageBroker",
    "MessageCourier",
    "MessageFaults",
    "MessageType",
    "Outage",
    "check_broker",
    "make_broker",
]
