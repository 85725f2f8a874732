"""The message broker that an environment keeps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from heron.messaging import InMemoryBroker, Message, MessageType


def test_a_name_makes_a_broker_of_the_environments_own(make_villages: Callable[..., Any]) -> None:
    one, other = (make_villages(message_broker="in_memory") for _ in range(2))
    assert isinstance(one.message_broker, InMemoryBroker)
    assert one.message_broker is not other.message_broker


def test_an_object_is_kept_as_it_is(make_villages: Callable[..., Any]) -> None:
    broker = InMemoryBroker(capacity=5)
    assert make_villages(message_broker=broker).message_broker is broker


def test_without_one_there_is_none(make_villages: Callable[..., Any]) -> None:
    assert make_villages().message_broker is None


def test_a_copied_environment_has_a_broker_of_its_own(make_villages: Callable[..., Any]) -> None:
    env = make_villages(message_broker="in_memory")
    env.message_broker.publish("info", Message("e", "A", "B", 0.0, MessageType.INFO))
    twin = copy.deepcopy(env)
    assert len(twin.message_broker.consume("info", "B", "e")) == 1
    assert env.message_broker.n_unread == 1
