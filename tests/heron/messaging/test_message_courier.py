"""Messages between agents whose handlers are in Python, and the life of the compiled courier."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from heron import _core
from heron.errors import ConfigError, InvalidArgumentError
from heron.messaging import (
    InMemoryBroker,
    Message,
    MessageCourier,
    MessageFaults,
    MessageType,
    Outage,
)
from heron.reference.event_scheduler import EventScheduler as ReferenceScheduler
from heron.reference.message_broker import MessageBroker as ReferenceQueues
from heron.reference.message_courier import MessageCourier as ReferenceCourier
from heron.reference.tick_scheduler import TickScheduler as ReferenceTicks
from heron.scheduling import Event, EventScheduler, EventType, JitterType, TickConfig

SCHEDULERS = [EventScheduler, ReferenceScheduler]
JITTERED = TickConfig.with_jitter(
    1.0, msg_delay=0.5, jitter_type=JitterType.UNIFORM, jitter_ratio=0.5
)


def message(number: int, sender: str = "DSO", recipient: str = "MG1") -> Message:
    return Message("env_0", sender, recipient, 0.0, MessageType.INFO, {"number": number})


def numbers(messages: list[Message]) -> list[int]:
    return [each.payload["number"] for each in messages]


def world(
    scheduler_class: type[Any],
    faults: MessageFaults | None = None,
    timing: TickConfig | None = None,
    policy: str = "drop_oldest",
    capacity: int = 1024,
) -> tuple[Any, InMemoryBroker, MessageCourier]:
    scheduler = scheduler_class(seed=7)
    for agent in ("DSO", "MG1"):
        config = timing or TickConfig.deterministic(tick_interval=100.0, msg_delay=2.0)
        scheduler.register_agent(agent, tick_config=config)
    broker = InMemoryBroker(capacity, policy)
    courier = MessageCourier(scheduler, broker, faults=faults, seed=11)
    scheduler.set_handler(EventType.MESSAGE_DELIVERY, courier.handle)
    return scheduler, broker, courier


@pytest.mark.parametrize("scheduler_class", SCHEDULERS)
def test_a_message_arrives_after_its_delay(scheduler_class: type[Any]) -> None:
    scheduler, broker, courier = world(scheduler_class)
    assert courier.send("info", message(1)) == 1
    assert courier.send("info", message(2), delay=0.5) == 1
    scheduler.run_until(1.9)
    assert numbers(broker.consume("info", "MG1", "env_0")) == [2]
    scheduler.run_until(2.0)
    assert numbers(broker.consume("info", "MG1", "env_0")) == [1]
    assert courier.counters["delivered"] == 2


@pytest.mark.parametrize("scheduler_class", SCHEDULERS)
def test_who_is_no_agent_gets_messages_and_sends_them_at_once(scheduler_class: type[Any]) -> None:
    scheduler, broker, courier = world(scheduler_class)
    courier.send("info", message(1, recipient="operator"))
    courier.send("info", message(2, sender="operator"))
    scheduler.run_until(0.0)
    assert numbers(broker.consume("info", "MG1", "env_0")) == [2]
    scheduler.run_until(2.0)
    assert numbers(broker.consume("info", "operator", "env_0")) == [1]


@pytest.mark.parametrize("scheduler_class", SCHEDULERS)
def test_a_message_to_an_agent_that_has_left_does_not_arrive(scheduler_class: type[Any]) -> None:
    scheduler, broker, courier = world(scheduler_class)
    courier.send("info", message(1))
    scheduler.unregister_agent("MG1")
    scheduler.run_until(5.0)
    assert broker.n_unread == 0
    assert courier.counters["sent"] == 1
    assert courier.counters["delivered"] == 0


@pytest.mark.parametrize("scheduler_class", SCHEDULERS)
def test_faults_befall_messages_on_their_way(scheduler_class: type[Any]) -> None:
    faults = MessageFaults(duplication=1.0, outages=[Outage(0.0, 1.0, "DSO")])
    scheduler, broker, courier = world(scheduler_class, faults)
    assert courier.send("info", message(1)) == 0
    assert courier.send("info", message(2, sender="MG1", recipient="DSO")) == 2
    scheduler.schedule(Event(1.0, event_type=EventType.CUSTOM))
    scheduler.run_until(1.0)
    assert courier.send("info", message(3)) == 2
    scheduler.run_until(5.0)
    assert numbers(broker.consume("info", "MG1", "env_0")) == [3, 3]
    assert numbers(broker.consume("info", "DSO", "env_0")) == [2, 2]
    assert courier.counters == {
        "sent": 3,
        "delivered": 4,
        "rejected": 0,
        "lost": 0,
        "outage": 1,
        "duplicated": 2,
        "held_back": 0,
    }


def test_a_full_queue_that_rejects_is_counted() -> None:
    scheduler, broker, courier = world(EventScheduler, policy="reject", capacity=1)
    for i in range(3):
        courier.send("info", message(i))
    scheduler.run_until(2.0)
    assert numbers(broker.consume("info", "MG1", "env_0")) == [0]
    assert courier.counters["delivered"] == 1
    assert courier.counters["rejected"] == 2


@pytest.mark.parametrize("delay", [-1.0, float("nan"), float("inf")])
def test_a_delay_that_cannot_be_is_refused(delay: float) -> None:
    scheduler, _, courier = world(EventScheduler)
    with pytest.raises(ConfigError, match=r"delay is .*, expected a finite number of seconds"):
        courier.send("info", message(1), delay=delay)
    assert courier.counters["sent"] == 0
    assert scheduler.pending_count == 2  # the two agents' ticks


def test_a_message_of_which_one_copy_would_never_arrive_is_not_sent_at_all() -> None:
    latest = sys.float_info.max
    faults = MessageFaults(duplication=1.0, reordering=0.5, reordering_delay=latest)
    scheduler, _, courier = world(EventScheduler, faults)
    n_copy = 0
    for i in range(40):
        with contextlib.suppress(ConfigError):
            n_copy += courier.send("info", message(0, sender=f"MG{i}"), delay=latest)
    assert 0 < n_copy < 80
    assert courier.counters["duplicated"] == courier.counters["sent"] == n_copy // 2
    assert scheduler.pending_count == 2 + n_copy  # the two agents' ticks


def test_an_outage_by_number_needs_the_compiled_scheduler() -> None:
    faults = MessageFaults(outages=[Outage(0.0, 1.0, 0)])
    with pytest.raises(ConfigError, match="sender as the number 0, expected the name"):
        world(EventScheduler, faults)


def test_deliveries_of_others_are_left_alone() -> None:
    scheduler, broker, courier = world(EventScheduler)
    scheduler.schedule_message_delivery("DSO", "MG1", "a message of one's own", delay=0.0)
    scheduler.schedule(Event(0.0, event_type=EventType.MESSAGE_DELIVERY, payload=5))
    scheduler.run_until(0.0)
    assert broker.counters["published"] == courier.counters["delivered"] == 0


FAULTS = MessageFaults(loss=0.2, duplication=0.3, reordering=0.4, reordering_delay=3.0)


def episode(scheduler: Any, broker: InMemoryBroker, courier: MessageCourier) -> list[Any]:
    """Both agents send at every tick; return what arrived, and when."""
    arrivals = []

    def tick(event: Event, _: Any) -> None:
        other = "MG1" if event.agent_id == "DSO" else "DSO"
        courier.send("info", message(len(arrivals), event.agent_id, other))

    def deliver(event: Event, _: Any) -> None:
        courier.deliver(event)
        for agent in ("DSO", "MG1"):
            received = numbers(broker.consume("info", agent, "env_0"))
            arrivals.extend((event.timestamp, agent, number) for number in received)

    scheduler.set_handler(EventType.AGENT_TICK, tick)
    scheduler.set_handler(EventType.MESSAGE_DELIVERY, deliver)
    scheduler.run_until(60.0)
    return arrivals


def test_an_episode_is_the_same_on_the_reference_and_again_after_a_reset() -> None:
    native, reference = (world(each, FAULTS, JITTERED) for each in SCHEDULERS)
    first = episode(*native)
    assert len(first) > 60
    assert episode(*reference) == first
    native[0].reset()
    native[2].reset()
    assert episode(*native) == first


def test_fates_and_arrivals_equal_those_of_the_compiled_courier() -> None:
    scheduler, broker, courier = world(EventScheduler, FAULTS, JITTERED)
    ticks = _core.TickScheduler(1, 7)
    core_broker = _core.MessageBroker()
    channel = core_broker.intern_channel("info")
    for _ in range(2):
        ticks.register_agent(JITTERED)
    core = _core.MessageCourier(ticks, core_broker, FAULTS, seed=11)
    for i in range(100):
        sender = i % 2
        sent = message(i, ("DSO", "MG1")[sender], ("MG1", "DSO")[sender])
        assert courier.send("info", sent) == core.send(0, channel, sender, 1 - sender, 0, i)
    core.attach()
    for k in range(40):
        scheduler.run_until(0.1 * k)
        ticks.run_until(0, 0.1 * k)
        for agent, name in enumerate(("DSO", "MG1")):
            ours = numbers(broker.consume("info", name, "env_0"))
            assert ours == core_broker.consume_payloads(channel, agent, 0)
    ours, theirs = courier.counters, core.counters(0)
    assert ours == {name: theirs[name] for name in ours}
    assert ours["held_back"] > 10


reference = SimpleNamespace(
    TickScheduler=ReferenceTicks, MessageBroker=ReferenceQueues, MessageCourier=ReferenceCourier
)


class Payload:
    """Something whose references can be counted."""


def test_the_compiled_courier_gives_every_reference_back() -> None:
    payload = Payload()
    before = sys.getrefcount(payload)
    scheduler = _core.TickScheduler(2, 7)
    scheduler.register_agent(TickConfig.deterministic(1.0, msg_delay=0.5))
    broker = _core.MessageBroker(2, "drop_oldest")
    strict, loose = broker.intern_channel("strict"), broker.intern_channel("loose")
    broker.configure_channel(strict, 1, "reject")
    courier = _core.MessageCourier(scheduler, broker, FAULTS)
    courier.attach()
    for i in range(60):
        courier.send(i % 2, (strict, loose)[i % 3 == 0], 0, 0, 0, payload)
        with pytest.raises(ValueError, match="sender is -1"):
            courier.send(0, loose, -1, 0, 0, payload)
        if i % 5 == 0:
            scheduler.run_all_until(0.1 * i, n_thread=2)
        n_held = sum(courier.n_in_flight(lane) for lane in range(2)) + len(broker)
        assert sys.getrefcount(payload) == before + n_held
    courier.clear(0)
    assert courier.n_in_flight(1) > 0
    assert courier.counters(1)["rejected"] > 0
    del courier
    assert sys.getrefcount(payload) == before + len(broker)
    scheduler.run_all_until(100.0)  # the events of a courier that is gone do nothing
    assert sys.getrefcount(payload) == before + len(broker)
    del broker
    assert sys.getrefcount(payload) == before


@pytest.mark.parametrize("is_native", [True, False])
def test_a_message_that_one_copy_cannot_follow_gives_its_references_back(is_native: bool) -> None:
    latest = sys.float_info.max
    faults = MessageFaults(duplication=1.0, reordering=0.5, reordering_delay=latest)
    core: Any = _core if is_native else reference
    scheduler, broker = core.TickScheduler(), core.MessageBroker()
    channel = broker.intern_channel("a")
    courier = core.MessageCourier(scheduler, broker, faults)
    payload = Payload()
    before, n_copy = sys.getrefcount(payload), 0
    for sender in range(40):
        with contextlib.suppress(InvalidArgumentError):
            n_copy += courier.send(0, channel, sender, 0, 0, payload, latest)
    assert courier.n_in_flight(0) == n_copy
    assert courier.counters(0)["sent"] == n_copy // 2
    assert sys.getrefcount(payload) == before + n_copy
    assert 0 < n_copy < 80


def test_the_compiled_courier_keeps_scheduler_and_broker_alive() -> None:
    scheduler, broker = _core.TickScheduler(), _core.MessageBroker()
    channel = broker.intern_channel("a")
    payload = Payload()
    alive = weakref.ref(payload)
    courier = _core.MessageCourier(scheduler, broker)
    courier.send(0, channel, 0, 0, 0, payload, 1.0)
    del scheduler, broker, payload
    gc.collect()
    assert courier.n_in_flight(0) == 1
    courier.send(0, channel, 0, 0, 0, None, 1.0)
    assert alive() is not None
    del courier
    assert alive() is None
