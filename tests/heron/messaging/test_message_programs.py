"""Compiled broker and courier and their pure-Python twins behave alike, call for call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from heron import _core
from heron.errors import HeronError, InvalidArgumentError, QueueFullError
from heron.messaging import MessageFaults, Outage
from heron.reference.message_broker import MessageBroker as ReferenceBroker
from heron.reference.message_courier import MessageCourier as ReferenceCourier
from heron.reference.message_faults import message_fate
from heron.reference.tick_scheduler import TickScheduler as ReferenceScheduler
from heron.scheduling import EventType, JitterType, TickConfig

names = st.sampled_from(["a", "b", "c"])
policies = st.sampled_from(["drop_oldest", "drop_newest", "reject"])
# One channel, agent and environment more than are used, so that unknown ones come up too.
channels = st.integers(-1, 3)
agents = st.integers(-1, 2)
envs = st.integers(0, 3)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives: its value, or its error's class and text."""
    try:
        return call()
    except HeronError as error:
        return type(error), str(error)


class BrokerPrograms(RuleBasedStateMachine):
    """Run one random program on both brokers and compare every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.brokers = _core.MessageBroker(3, "drop_oldest"), ReferenceBroker(3, "drop_oldest")
        self.n_published = 0

    def both(self, method: str, *args: Any) -> Any:
        native, reference = (
            outcome(lambda broker=broker: getattr(broker, method)(*args)) for broker in self.brokers
        )
        assert native == reference
        return native

    @rule(name=names)
    def intern(self, name: str) -> None:
        number = self.both("intern_channel", name)
        assert self.both("channel_name", number) == name
        assert self.both("find_channel", name) == number

    @rule(channel=channels, capacity=st.integers(0, 4), policy=policies | st.just("block"))
    def configure(self, channel: int, capacity: int, policy: str) -> None:
        self.both("configure_channel", channel, capacity, policy)

    @rule(channel=channels, env=envs, sender=agents, recipient=agents, time_s=st.floats(0.0, 9.0))
    def publish(self, channel: int, env: int, sender: int, recipient: int, time_s: float) -> None:
        self.n_published += 1
        payload = ("payload", self.n_published)
        self.both("publish", channel, env, sender, recipient, 0, time_s, payload)

    @rule(
        channel=channels,
        recipient=agents,
        env=envs,
        clear=st.booleans(),
        max_messages=st.none() | st.integers(0, 3),
    )
    def consume(
        self, channel: int, recipient: int, env: int, clear: bool, max_messages: int | None
    ) -> None:
        self.both("consume", channel, recipient, env, clear, max_messages)

    @rule(channel=channels, recipient=agents, env=envs, clear=st.booleans())
    def consume_payloads(self, channel: int, recipient: int, env: int, clear: bool) -> None:
        self.both("consume_payloads", channel, recipient, env, clear)

    @rule(env=envs)
    def clear(self, env: int) -> None:
        self.both("clear_environment", env)

    @rule(channel=channels, recipient=agents, env=envs)
    def look(self, channel: int, recipient: int, env: int) -> None:
        self.both("n_unread", channel, recipient, env)
        self.both("environment_channels", env)
        self.both("channel_name", channel)

    @invariant()
    def agrees(self) -> None:
        counters = self.both("counters")
        self.both("unread")
        assert counters["published"] == self.both("__len__") + sum(
            counters[name] for name in ("consumed", "dropped_oldest", "dropped_newest", "cleared")
        )


TestBrokerPrograms = BrokerPrograms.TestCase
TestBrokerPrograms.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


probabilities = st.sampled_from([0.0, 0.2, 0.5, 1.0])
outages = st.lists(
    st.builds(
        lambda start, length, sender: Outage(start, start + length, sender),
        st.floats(0.0, 20.0),
        st.sampled_from([0.5, 5.0, math.inf]),
        st.none() | st.integers(0, 2),
    ),
    max_size=2,
)
faults_strategy = st.builds(
    MessageFaults,
    loss=probabilities,
    duplication=probabilities,
    reordering=probabilities,
    reordering_delay=st.sampled_from([0.0, 3.0]),
    outages=outages,
)
timings = st.builds(
    lambda delay, jitter: TickConfig.with_jitter(2.0, msg_delay=delay, jitter_type=jitter),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.sampled_from(list(JitterType)),
)


@given(
    faults=faults_strategy,
    seed=st.integers(0, 2**64 - 1),
    lane_key=st.integers(0, 2**64 - 1),
    sender=st.integers(0, 2**31 - 1),
    message=st.integers(0, 2**60),
    time_s=st.floats(0.0, 30.0),
)
@settings(max_examples=300, deadline=None)
def test_a_fate_is_the_same_to_the_bit(
    faults: MessageFaults, seed: int, lane_key: int, sender: int, message: int, time_s: float
) -> None:
    args = (faults, seed, lane_key, sender, message, time_s)
    assert _core.message_fate(*args) == message_fate(*args)


class World:
    """A scheduler of two lanes with two agents, a broker and a courier; native or reference."""

    def __init__(
        self, is_native: bool, faults: MessageFaults, timing: list[TickConfig], n_thread: int
    ) -> None:
        scheduler: type[Any] = _core.TickScheduler if is_native else ReferenceScheduler
        broker: type[Any] = _core.MessageBroker if is_native else ReferenceBroker
        courier: type[Any] = _core.MessageCourier if is_native else ReferenceCourier
        self.scheduler = scheduler(2, 7)
        for config in timing:
            self.scheduler.register_agent(config)
        self.broker = broker(5, "drop_oldest")
        self.broker.configure_channel(self.broker.intern_channel("strict"), 2, "reject")
        self.broker.intern_channel("open")
        self.courier = courier(self.scheduler, self.broker, faults, seed=11)
        self.courier.attach()
        self.n_thread = n_thread

    def step(self, program: tuple[Any, ...]) -> Any:
        kind, *args = program
        now_s = max(self.scheduler.now_s(lane) for lane in range(2))
        if kind == "send":
            return outcome(lambda: self.courier.send(*args))
        if kind == "run":
            return self.scheduler.run_all_until(now_s + args[0], self.n_thread)
        if kind == "due":
            return [values.tolist() for values in self.scheduler.next_due(now_s + args[0])]
        if kind == "one":
            event = self.scheduler.next(args[0])
            if event is None:
                return None
            is_ours = event[3] == EventType.MESSAGE_DELIVERY.value
            delivered = self.courier.deliver(event) if is_ours else None
            self.scheduler.finish(event)
            return tuple(event)[:7], delivered
        if kind == "consume":
            return self.broker.consume(*args)
        if kind == "clear":
            self.scheduler.clear(args[0])
            return self.courier.clear(args[0])
        if kind == "forget":  # its events stay, and find nothing to deliver
            return self.courier.clear(args[0])
        assert kind == "reset"
        self.courier.clear(args[0])
        self.courier.seed_lane(args[0], *args[1:])
        self.scheduler.seed_lane(args[0], *args[1:])
        return self.scheduler.reset(args[0])

    def state(self) -> Any:
        lanes = [
            (
                self.courier.counters(lane),
                self.courier.n_in_flight(lane),
                self.scheduler.n_pending(lane),
                self.scheduler.now_s(lane),
            )
            for lane in range(2)
        ]
        for counters, n_in_flight, *_ in lanes:
            ends = ("delivered", "rejected", "lost", "outage", "cancelled")
            assert counters["sent"] + counters["duplicated"] == n_in_flight + sum(
                counters[name] for name in ends
            )
        return lanes, self.broker.counters(), self.broker.unread()


lanes = st.integers(0, 1)
steps = st.one_of(
    *[
        st.tuples(
            st.just("send"),
            lanes,
            st.integers(0, 1),
            st.integers(0, 1),
            st.integers(0, 2),
            st.just(0),
            st.integers(0, 99),
            st.none() | st.sampled_from([0.0, 1.25]),
        )
    ]
    * 4,
    # Senders, channels and delays that cannot be right.
    st.tuples(
        st.just("send"),
        st.integers(-1, 2),
        st.integers(-1, 2),
        st.sampled_from([-1, 0, 5]),
        st.just(0),
        st.just(0),
        st.just(0),
        st.sampled_from([None, 1.0, -1.0, math.inf, math.nan]),
    ),
    st.tuples(st.just("run"), st.sampled_from([0.0, 0.5, 3.0])),
    st.tuples(st.just("due"), st.sampled_from([0.5, 3.0])),
    st.tuples(st.just("one"), lanes),
    st.tuples(st.just("consume"), st.integers(0, 1), st.integers(0, 2), lanes, st.booleans()),
    st.tuples(st.sampled_from(["clear", "forget"]), lanes),
    st.tuples(st.just("reset"), lanes, st.integers(0, 3), st.integers(0, 3)),
)


@given(
    faults=faults_strategy,
    timing=st.lists(timings, min_size=2, max_size=2),
    program=st.lists(steps, max_size=60),
    n_thread=st.sampled_from([1, 8]),
)
@settings(max_examples=150, deadline=None)
def test_messages_travel_alike_in_core_and_reference(
    faults: MessageFaults, timing: list[TickConfig], program: list[Any], n_thread: int
) -> None:
    native, reference = (World(kind, faults, timing, n_thread) for kind in (True, False))
    for step in program:
        ours, theirs = native.step(step), reference.step(step)
        # How a number is written in an error's text differs ("inf", "1" and "1.0").
        if step[0] == "send" and isinstance(ours, tuple):
            ours, theirs = ours[0], theirs[0]
        assert ours == theirs
        assert native.state() == reference.state()


@pytest.mark.parametrize("is_native", [True, False])
def test_an_outage_by_name_needs_the_event_scheduler(is_native: bool) -> None:
    faults = MessageFaults(outages=[Outage(0.0, 1.0, "MG1")])
    with pytest.raises(InvalidArgumentError, match="names its sender 'MG1', expected the number"):
        World(is_native, faults, [], 1)


def test_a_rejection_is_the_same_error() -> None:
    for broker in (_core.MessageBroker(1, "reject"), ReferenceBroker(1, "reject")):
        channel = broker.intern_channel("a")
        broker.publish(channel, 0, 0, 5, 0, 0.0, None)
        with pytest.raises(QueueFullError, match="'a' for recipient 5 in environment 0 is full"):
            broker.publish(channel, 0, 0, 5, 0, 0.0, None)
