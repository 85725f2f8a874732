"""Agents talk over the broker's channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.agents import CoordinatorAgent, FieldAgent
from heron.errors import ConfigError
from heron.messaging import ChannelManager, InMemoryBroker, MessageType
from heron.scheduling import JitterType, TickConfig


def family(broker: InMemoryBroker | None) -> tuple[CoordinatorAgent, FieldAgent, FieldAgent]:
    a, b = FieldAgent("a"), FieldAgent("b")
    house = CoordinatorAgent("house", subordinates=[a, b])
    for agent in (house, a, b):
        agent.set_message_broker(broker)
    return house, a, b


def contents(messages: list[Any]) -> list[tuple[str, MessageType, dict]]:
    return [(m.sender_id, m.message_type, m.payload) for m in messages]


def test_actions_go_down_on_their_channel():
    broker = InMemoryBroker()
    house, a, b = family(broker)
    house.send_action_to_subordinate("a", [0.5])
    house.send_action_to_subordinate("a", [0.6])
    channel = ChannelManager.action_channel("house", "a")
    assert len(broker.consume(channel, "a", "default", clear=False)) == 2
    assert b.receive_action_messages() == []
    assert a.receive_action_messages(clear=False) == [[0.5], [0.6]]
    assert a.receive_action_messages() == [[0.5], [0.6]]
    assert a.receive_action_messages() == []


def test_infos_go_up_and_across():
    house, a, b = family(InMemoryBroker())
    a.current_time = 2.0
    a.send_message({"soc": 0.5}, "house")
    a.current_time = 1.0
    a.send_message("hello", "b", "BROADCAST")
    b.send_message({"soc": 0.7}, "house", MessageType.CUSTOM)
    assert contents(house.receive_messages("a", clear=False)) == [
        ("a", MessageType.INFO, {"soc": 0.5})
    ]
    assert contents(house.receive_messages()) == [
        ("b", MessageType.CUSTOM, {"soc": 0.7}),  # sent at 0 s
        ("a", MessageType.INFO, {"soc": 0.5}),
    ]
    assert house.receive_messages() == []
    assert contents(b.receive_messages("a")) == [("a", MessageType.BROADCAST, {"content": "hello"})]


def test_reading_messages_leaves_actions_and_the_other_way_round():
    house, a, _ = family(InMemoryBroker())
    house.send_action_to_subordinate("a", 1.0)
    house.send_message({"x": 1}, "a")
    assert contents(a.receive_messages()) == [("house", MessageType.INFO, {"x": 1})]
    assert a.receive_action_messages() == [1.0]


@pytest.mark.parametrize("kind", list(MessageType))
def test_every_type_of_message_arrives(kind):
    house, a, _ = family(InMemoryBroker())
    house.send_message({"action": 1.0}, "a", kind.name.lower())
    arrived = a.receive_action_messages() if kind is MessageType.ACTION else a.receive_messages()
    assert len(arrived) == 1


def test_nothing_changes_on_its_way():
    house, a, _ = family(InMemoryBroker())
    action = np.array([1.0])
    house.send_action_to_subordinate("a", action)
    action[:] = 9.0
    assert a.receive_action_messages()[0].tolist() == [1.0]


def test_without_a_broker_one_cannot_send_and_hears_nothing():
    house, a, _ = family(None)
    with pytest.raises(ConfigError, match="'house' has no message broker"):
        house.send_action_to_subordinate("a", 1.0)
    assert a.receive_messages() == a.receive_action_messages() == []


def test_only_subordinates_are_sent_actions():
    house, _, _ = family(InMemoryBroker())
    with pytest.raises(ConfigError, match="unknown subordinate 'c'"):
        house.send_action_to_subordinate("c", 1.0)


def test_an_unknown_type_gets_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'INFO'"):
        family(InMemoryBroker())[1].send_message({}, "house", "INFOS")


def test_in_an_environment_messages_go_by_address():
    broker = InMemoryBroker()
    house, a, b = family(broker)
    house.connect("street/house", "street", "env_0", broker)
    for agent in (a, b):
        agent.connect(f"street/house/{agent.agent_id}", "street/house", "env_0", broker)
    house.send_action_to_subordinate("a", 1.0)
    house.send_action_to_subordinate("street/house/b", 2.0)
    a.send_message({"x": 1}, "house")
    channel = ChannelManager.action_channel("street/house", "street/house/a", "env_0")
    assert len(broker.consume(channel, "street/house/a", "env_0", clear=False)) == 1
    assert (a.receive_action_messages(), b.receive_action_messages()) == ([1.0], [2.0])
    (info,) = house.receive_messages("a")
    assert (info.sender_id, info.recipient_id) == ("street/house/a", "street/house")


# --- timing ----------------------------------------------------------------------------------


def test_jitter_is_switched_for_one_agent_alone():
    shared = TickConfig.with_jitter(60.0, obs_delay=1.0, jitter_ratio=0.5, seed=3)
    a, b = FieldAgent("a", tick_config=shared), FieldAgent("b", tick_config=shared)
    a.disable_jitter()
    assert a.tick_config.jitter_type is JitterType.NONE
    assert (a.tick_config.tick_interval, a.tick_config.obs_delay) == (60.0, 1.0)
    assert b.tick_config is shared
    a.enable_jitter(JitterType.GAUSSIAN, jitter_ratio=0.2)
    assert (a.tick_config.jitter_type, a.tick_config.jitter_ratio) == (JitterType.GAUSSIAN, 0.2)
    assert a.tick_config.own_seed == 3
    a.enable_jitter(seed=5)
    assert a.tick_config.own_seed == 5
    with pytest.raises(ConfigError, match="jitter_ratio must be non-negative"):
        a.enable_jitter(jitter_ratio=-1.0)


def test_an_interval_that_is_not_given_is_the_environments_step():
    assert FieldAgent("a").tick_config.tick_interval == 1.0
    assert FieldAgent("a", obs_delay=2.0).timing(60.0) == TickConfig(60.0, obs_delay=2.0)
    assert FieldAgent("a", tick_interval=5.0).timing(60.0) == TickConfig(5.0)
    assert FieldAgent("a", tick_config=TickConfig(5.0)).timing(60.0) == TickConfig(5.0)
    assert FieldAgent("a").timing(None) == TickConfig(1.0)
    agent = FieldAgent("a")
    agent.enable_jitter(seed=1)
    assert (agent.timing(60.0).tick_interval, agent.timing(60.0).own_seed) == (60.0, 1)
    agent.tick_config = TickConfig(7.0)
    assert agent.timing(60.0) == TickConfig(7.0)
