"""What every message broker promises. A broker of one's own is tested by adding it to BROKERS."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from heron.errors import HeronError
from heron.messaging import InMemoryBroker, Message, MessageBroker, MessageType

BROKERS: dict[str, Callable[[], MessageBroker]] = {
    "native": InMemoryBroker,
    "reference": lambda: InMemoryBroker(backend="reference"),
}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> MessageBroker:
    return BROKERS[request.param]()


def message(text: Any = "", recipient: str = "MG1", env: str = "env_0") -> Message:
    return Message(env, "DSO", recipient, 0.0, MessageType.INFO, {"text": text})


def texts(messages: list[Message]) -> list[Any]:
    return [each.payload["text"] for each in messages]


def test_a_recipient_reads_the_very_messages_in_the_order_of_publishing(
    broker: MessageBroker,
) -> None:
    sent = [message(i) for i in range(5)]
    for each in sent:
        broker.publish("info", each)
    received = broker.consume("info", "MG1", "env_0")
    assert all(ours is theirs for ours, theirs in zip(received, sent, strict=True))
    assert broker.consume("info", "MG1", "env_0") == []


def test_reading_without_clearing_leaves_the_messages(broker: MessageBroker) -> None:
    broker.publish("info", message(1))
    assert texts(broker.consume("info", "MG1", "env_0", clear=False)) == [1]
    assert texts(broker.consume("info", "MG1", "env_0")) == [1]


def test_others_messages_stay(broker: MessageBroker) -> None:
    broker.publish("info", message("mine"))
    broker.publish("info", message("another agent's", recipient="MG2"))
    broker.publish("info", message("another environment's", env="env_1"))
    broker.publish("action", message("another channel's"))
    assert texts(broker.consume("info", "MG1", "env_0")) == ["mine"]
    assert texts(broker.consume("info", "MG2", "env_0")) == ["another agent's"]
    assert texts(broker.consume("info", "MG1", "env_1")) == ["another environment's"]
    assert texts(broker.consume("action", "MG1", "env_0")) == ["another channel's"]


def test_an_unknown_channel_recipient_or_environment_has_no_messages(
    broker: MessageBroker,
) -> None:
    assert broker.consume("info", "MG1", "env_0") == []
    broker.publish("info", message())
    assert broker.consume("nowhere", "MG1", "env_0") == []
    assert broker.consume("info", "nobody", "env_0") == []
    assert broker.consume("info", "MG1", "no_env") == []
    assert broker.get_environment_channels("no_env") == []
    broker.clear_environment("no_env")
    assert len(broker.consume("info", "MG1", "env_0")) == 1


def test_a_channel_may_be_created_twice(broker: MessageBroker) -> None:
    broker.create_channel("info")
    broker.publish("info", message(1))
    broker.create_channel("info")
    assert texts(broker.consume("info", "MG1", "env_0")) == [1]


def test_clearing_an_environment_leaves_the_others(broker: MessageBroker) -> None:
    for env in ("env_0", "env_1", "env_10"):
        broker.publish("b", message(env, env=env))
        broker.publish("a", message(env, env=env))
    assert sorted(broker.get_environment_channels("env_1")) == ["a", "b"]
    broker.clear_environment("env_1")
    assert broker.get_environment_channels("env_1") == []
    assert broker.consume("a", "MG1", "env_1") == []
    assert texts(broker.consume("a", "MG1", "env_10")) == ["env_10"]
    assert sorted(broker.get_environment_channels("env_0")) == ["a", "b"]


def test_an_environment_remembers_the_channels_that_it_read_empty(broker: MessageBroker) -> None:
    broker.publish("info", message())
    broker.consume("info", "MG1", "env_0")
    assert broker.get_environment_channels("env_0") == ["info"]


def test_subscribers_are_called_in_order_with_what_is_published_later(
    broker: MessageBroker,
) -> None:
    calls: list[tuple[str, Any]] = []
    broker.publish("info", message("early"))
    broker.subscribe("info", lambda m: calls.append(("first", m.payload["text"])))
    broker.subscribe("info", lambda m: calls.append(("second", m.payload["text"])))
    broker.publish("info", message("late"))
    broker.publish("action", message("elsewhere"))
    assert calls == [("first", "late"), ("second", "late")]
    assert texts(broker.consume("info", "MG1", "env_0")) == ["early", "late"]


def test_a_subscriber_that_raises_is_logged_and_does_not_stop_the_others(
    broker: MessageBroker, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fail(_: Message) -> None:
        raise RuntimeError("out of order")

    broker.subscribe("info", fail)
    broker.subscribe("info", calls.append)
    with caplog.at_level(logging.ERROR):
        broker.publish("info", message(1))
    assert texts(calls) == [1]
    assert "out of order" in caplog.text
    assert "'info'" in caplog.text


def test_a_subscriber_may_use_the_broker(broker: MessageBroker) -> None:
    seen = []

    def answer(question: Message) -> None:
        seen.extend(broker.consume("question", "MG1", "env_0"))
        broker.subscribe("question", seen.append)
        broker.publish("answer", message(question.payload["text"] + 1))
        broker.clear_environment("env_1")

    broker.subscribe("question", answer)
    broker.publish("question", message(41))
    assert texts(seen) == [41]
    assert texts(broker.consume("answer", "MG1", "env_0")) == [42]


def test_a_subscriber_is_called_without_a_lock(broker: MessageBroker) -> None:
    """Another thread gets through to the broker while a subscriber is at work."""

    def ask_another_thread(_: Message) -> None:
        thread = threading.Thread(target=lambda: broker.publish("info", message("theirs")))
        thread.start()
        thread.join(timeout=20.0)
        assert not thread.is_alive()

    broker.subscribe("question", ask_another_thread)
    broker.publish("question", message())
    assert texts(broker.consume("info", "MG1", "env_0")) == ["theirs"]


def test_a_closed_broker_is_empty_and_refuses_new_messages(broker: MessageBroker) -> None:
    calls: list[Message] = []
    broker.subscribe("info", calls.append)
    broker.publish("info", message())
    broker.close()
    broker.close()
    assert broker.consume("info", "MG1", "env_0") == []
    assert broker.get_environment_channels("env_0") == []
    broker.clear_environment("env_0")
    for refused in (
        lambda: broker.publish("info", message()),
        lambda: broker.subscribe("info", print),
        lambda: broker.create_channel("new"),
    ):
        with pytest.raises(HeronError, match="closed"):
            refused()
    assert len(calls) == 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))])
def test_a_copy_goes_on_by_itself(
    broker: MessageBroker, duplicate: Callable[[MessageBroker], MessageBroker]
) -> None:
    for i in range(3):
        broker.publish("info", message(i))
    broker.consume("info", "MG1", "env_0")
    broker.publish("info", message(3))
    broker.publish("info", message(4, recipient="MG2"))
    twin = duplicate(broker)
    broker.publish("info", message("mine"))
    twin.publish("info", message("its own"))
    assert texts(twin.consume("info", "MG1", "env_0")) == [3, "its own"]
    assert texts(broker.consume("info", "MG1", "env_0")) == [3, "mine"]
    assert texts(twin.consume("info", "MG2", "env_0")) == [4]


def test_threads_lose_nothing_and_keep_each_senders_order(broker: MessageBroker) -> None:
    n_thread, n_message = 4, 200
    received: list[Message] = []
    is_over = threading.Event()

    def send(name: str) -> None:
        for i in range(n_message):
            broker.publish("info", Message("env_0", name, "MG1", float(i), MessageType.INFO))
            broker.publish(f"of {name}", Message(name, name, "MG1", 0.0, MessageType.INFO))
            if i % 50 == 49:
                broker.clear_environment(name)

    def receive() -> None:
        while True:
            is_last = is_over.is_set()
            received.extend(broker.consume("info", "MG1", "env_0"))
            if is_last:
                return

    senders = [threading.Thread(target=send, args=(f"agent {i}",)) for i in range(n_thread)]
    reader = threading.Thread(target=receive)
    for thread in (*senders, reader):
        thread.start()
    for thread in senders:
        thread.join()
    is_over.set()
    reader.join()
    for i in range(n_thread):
        times = [m.timestamp for m in received if m.sender_id == f"agent {i}"]
        assert times == list(range(n_message))
        assert broker.consume(f"of agent {i}", "MG1", f"agent {i}") == []
