"""Bounds, policies and counters of the in-memory broker, and what it keeps alive."""

from __future__ import annotations

import copy
import gc
import sys
import threading
import weakref
from typing import Any

import pytest

import heron.messaging.in_memory_broker
from heron import _core
from heron.errors import ConfigError, InvalidArgumentError, QueueFullError
from heron.messaging import InMemoryBroker, Message, MessageType, make_broker
from heron.reference.message_broker import MessageBroker as ReferenceQueues

BACKENDS = ["native", "reference"]
QUEUES = [_core.MessageBroker, ReferenceQueues]


def message(number: int = 0, recipient: str = "MG1", env: str = "env_0") -> Message:
    return Message(env, "DSO", recipient, 0.0, MessageType.INFO, {"number": number})


def numbers(messages: list[Message]) -> list[int]:
    return [each.payload["number"] for each in messages]


def assert_closed(broker: InMemoryBroker) -> None:
    """Every message is accounted for."""
    count = broker.counters
    assert count["published"] == broker.n_unread + sum(
        count[name] for name in ("consumed", "dropped_oldest", "dropped_newest", "cleared")
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("policy", "kept"), [("drop_oldest", [3, 4]), ("drop_newest", [0, 1]), ("reject", [0, 1])]
)
def test_a_full_queue_follows_its_policy(backend: str, policy: str, kept: list[int]) -> None:
    broker = InMemoryBroker(capacity=2, policy=policy, backend=backend)
    heard: list[Message] = []
    broker.subscribe("info", heard.append)
    for i in range(5):
        if policy == "reject" and i >= 2:
            with pytest.raises(QueueFullError, match=r"'info' for 'MG1' in environment 'env_0'"):
                broker.publish("info", message(i))
        else:
            broker.publish("info", message(i))
    assert numbers(broker.consume("info", "MG1", "env_0")) == kept
    assert numbers(heard) == ([0, 1, 2, 3, 4] if policy == "drop_oldest" else [0, 1])
    name = {"drop_oldest": "dropped_oldest", "drop_newest": "dropped_newest"}.get(
        policy, "rejected"
    )
    assert broker.counters[name] == 3
    assert_closed(broker)


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_default_a_channel_that_nobody_reads_stays_bounded(backend: str) -> None:
    broker = InMemoryBroker(backend=backend)
    for i in range(3000):
        broker.publish("info", message(i))
    assert broker.n_unread == 1024
    assert broker.counters["dropped_oldest"] == 3000 - 1024


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_channel_may_have_a_bound_of_its_own(backend: str) -> None:
    broker = InMemoryBroker(capacity=1, policy="reject", backend=backend)
    broker.create_channel("info", capacity=3, policy="drop_newest")
    broker.create_channel("info", capacity=2)
    for i in range(4):
        broker.publish("info", message(i))
    assert numbers(broker.consume("info", "MG1", "env_0")) == [0, 1]
    broker.publish("other", message())
    with pytest.raises(QueueFullError):
        broker.publish("other", message())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_copy_keeps_bounds_counters_and_what_waits_beyond_a_bound(backend: str) -> None:
    broker = InMemoryBroker(capacity=4, backend=backend)
    for i in range(6):
        broker.publish("info", message(i))
    broker.clear_environment("other")
    broker.create_channel("info", capacity=2, policy="drop_newest")
    twin = copy.deepcopy(broker)
    assert twin.counters == broker.counters
    assert_closed(twin)
    twin.publish("info", message(9))
    assert twin.counters["dropped_newest"] == 1
    assert numbers(twin.consume("info", "MG1", "env_0")) == [2, 3, 4, 5]
    assert_closed(twin)


def test_wrong_settings_say_what_is_right() -> None:
    with pytest.raises(ConfigError, match=r"unknown policy 'drop_oldes'; did you mean 'drop_old"):
        InMemoryBroker(policy="drop_oldes")
    for capacity in (0, -1, 2.5, True):
        with pytest.raises(ConfigError, match=r"capacity is .*, expected an integer of at least 1"):
            InMemoryBroker(capacity=capacity)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown backend 'nativ'; did you mean 'native'"):
        InMemoryBroker(backend="nativ")
    broker = InMemoryBroker()
    with pytest.raises(ConfigError, match="unknown policy 'block'"):
        broker.create_channel("info", policy="block")
    with pytest.raises(ConfigError, match="a subscriber must be callable, got 3"):
        broker.subscribe("info", 3)  # type: ignore[arg-type]


def test_a_broker_is_made_from_its_name() -> None:
    assert isinstance(make_broker("in_memory"), InMemoryBroker)
    assert make_broker(None) is None
    broker = InMemoryBroker()
    assert make_broker(broker) is broker
    with pytest.raises(ConfigError, match=r"message broker 'in_memry'; did you mean 'in_memory'"):
        make_broker("in_memry")
    with pytest.raises(ConfigError, match="message_broker is a dict, expected a name"):
        make_broker({})  # type: ignore[arg-type]


def test_the_older_module_name_gives_the_same_class() -> None:
    assert heron.messaging.in_memory_broker.InMemoryBroker is InMemoryBroker


@pytest.mark.parametrize("queues", QUEUES)
def test_the_queues_refuse_what_cannot_be_right(queues: type[Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="capacity is 0, expected at least 1"):
        queues(0)
    with pytest.raises(InvalidArgumentError, match="unknown queue policy 'block', expected drop_"):
        queues(1, "block")
    broker = queues()
    with pytest.raises(InvalidArgumentError, match="channel 0 is unknown: there are 0; intern_"):
        broker.publish(0, 0, 0, 0, 0, 0.0, None)
    with pytest.raises(InvalidArgumentError, match="channel -1 is unknown"):
        broker.configure_channel(-1, 1, "reject")


class Payload:
    """Something whose life can be watched."""


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_broker_holds_a_message_as_long_as_it_may_be_read(backend: str) -> None:
    alive: weakref.WeakSet[Payload] = weakref.WeakSet()

    def publish(broker: InMemoryBroker) -> None:
        payload = Payload()
        alive.add(payload)
        broker.publish("info", Message("e", "a", "b", 0.0, MessageType.CUSTOM, {"it": payload}))

    broker = InMemoryBroker(capacity=2, backend=backend)
    publish(broker)
    gc.collect()
    assert len(alive) == 1
    publish(broker)
    publish(broker)
    assert len(alive) == 2  # the oldest was dropped
    broker.consume("info", "b", "e", clear=False)
    assert len(alive) == 2
    broker.consume("info", "b", "e")
    assert len(alive) == 0
    publish(broker)
    broker.clear_environment("e")
    assert len(alive) == 0
    publish(broker)
    broker.close()
    assert len(alive) == 0
    broker = InMemoryBroker(backend=backend)
    publish(broker)
    del broker
    gc.collect()
    assert len(alive) == 0


@pytest.mark.parametrize("queues", QUEUES)
def test_every_reference_is_given_back(queues: type[Any]) -> None:
    payload = Payload()
    before = sys.getrefcount(payload)
    for policy in ("drop_oldest", "drop_newest", "reject"):
        broker = queues(2, policy)
        channel = broker.intern_channel("a")
        for i in range(50):
            try:
                broker.publish(channel, i % 3, 0, 0, 0, 0.0, payload)
            except QueueFullError:
                assert policy == "reject"
            if i % 7 == 0:
                broker.consume(channel, 0, 0, True, 1)
                broker.consume(channel, 0, 1, False)
                broker.consume_payloads(channel, 0, 1)
                broker.unread()
            if i % 11 == 0:
                broker.clear_environment(2)
        with pytest.raises(InvalidArgumentError):
            broker.publish(99, 0, 0, 0, 0, 0.0, payload)
        assert sys.getrefcount(payload) == before + len(broker)
        del broker
    assert sys.getrefcount(payload) == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_finaliser_may_publish(backend: str) -> None:
    broker = InMemoryBroker(capacity=1, backend=backend)

    class Talkative:
        def __del__(self) -> None:
            broker.publish("last words", message(7))

    for _ in range(2):
        talkative = Message("e", "a", "b", 0.0, MessageType.CUSTOM, {"it": Talkative()})
        broker.publish("info", talkative)
        del talkative
    assert numbers(broker.consume("last words", "MG1", "env_0")) == [7]
    broker.clear_environment("e")
    assert numbers(broker.consume("last words", "MG1", "env_0")) == [7]


def test_many_threads_on_small_queues_neither_hang_nor_leak() -> None:
    broker = InMemoryBroker(capacity=3)
    alive: weakref.WeakSet[Payload] = weakref.WeakSet()
    errors: list[BaseException] = []

    def work(k: int) -> None:
        try:
            for i in range(300):
                payload = Payload()
                alive.add(payload)
                broker.publish(
                    "info", Message(f"e{i % 2}", "a", "b", 0.0, MessageType.INFO, {"it": payload})
                )
                broker.consume("info", "b", f"e{(i + k) % 2}", clear=i % 3 == 0)
                if i % 40 == k:
                    broker.clear_environment(f"e{k % 2}")
        except BaseException as error:  # noqa: BLE001 - it is raised below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60.0)
        assert not thread.is_alive()
    assert errors == []
    assert_closed(broker)
    broker.close()
    gc.collect()
    assert len(alive) == 0


@pytest.mark.parametrize("queues", QUEUES)
@pytest.mark.parametrize("method", ["consume", "unread"])
def test_what_is_read_outlives_a_finaliser_that_clears_it(queues: type[Any], method: str) -> None:
    broker = queues()
    channel = broker.intern_channel("info")

    class Clearing:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            broker.clear_environment(0)

    for i in range(300):
        broker.publish(channel, 0, 0, 1, 0, 0.0, {"number": [i]})
    gc.collect()
    threshold = gc.get_threshold()
    Clearing()
    try:
        gc.set_threshold(50)  # before Python 3.12, building the list is enough to collect
        read = broker.consume(channel, 1, 0, False) if method == "consume" else broker.unread()
    finally:
        gc.set_threshold(*threshold)
    assert [each[6] for each in read] == [{"number": [i]} for i in range(300)]
    gc.collect()
    assert len(broker) == 0


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_broker_that_its_own_messages_refer_to_is_collected(backend):
    def make() -> weakref.ref:
        broker = InMemoryBroker(backend=backend)
        message = Message("env", "a", "b", 0.0, MessageType.INFO, {"broker": broker})
        broker.publish("channel", message)
        return weakref.ref(broker)

    alive = make()
    gc.collect()
    assert alive() is None
