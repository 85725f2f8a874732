"""Who is above whom in an environment, and what the environment itself says and hears."""

from __future__ import annotations

import pytest

from heron.agents import CoordinatorAgent, FieldAgent, ProxyAgent, SystemAgent
from heron.envs import HeronEnvCore
from heron.errors import ConfigError
from heron.messaging import InMemoryBroker


def microgrid(name: str) -> CoordinatorAgent:
    return CoordinatorAgent(name, subordinates=[FieldAgent("gen1")])


def upstream(env: HeronEnvCore) -> dict[str, str | None]:
    return {place.name: place.upstream for place in env.places()}


def test_a_system_agent_stands_above_all_and_names_stay():
    env = HeronEnvCore()
    env.register_agent(microgrid("MG1"))
    env.set_system_agent(SystemAgent("DSO"))
    env.register_agent(microgrid("MG2"))
    expected = {"DSO": None, "MG1": "DSO", "MG1/gen1": "MG1", "MG2": "DSO", "MG2/gen1": "MG2"}
    assert upstream(env) == expected
    assert list(env.heron_agents) == list(expected)
    assert list(env.system_agent.subordinate_agents) == ["MG1", "MG2"]
    assert env.get_agent("MG2").upstream_id == "DSO"


def test_what_a_system_agent_brings_along_is_registered():
    env = HeronEnvCore()
    env.register_agent(microgrid("MG1"))
    env.set_system_agent(SystemAgent("DSO", subordinates=[microgrid("MG2")]))
    assert list(env.heron_agents) == ["DSO", "MG1", "MG1/gen1", "MG2", "MG2/gen1"]


def test_a_registered_system_agent_names_those_below_by_their_path():
    env = HeronEnvCore()
    env.register_agent(SystemAgent("DSO", subordinates=[microgrid("MG1")]))
    assert upstream(env) == {"DSO": None, "DSO/MG1": "DSO", "DSO/MG1/gen1": "DSO/MG1"}


def test_ids_are_unique_up_to_the_top():
    env = HeronEnvCore()
    env.register_agent(microgrid("MG1"))
    with pytest.raises(ConfigError, match="already has an agent 'MG1'"):
        env.set_system_agent(SystemAgent("MG1"))
    with pytest.raises(ConfigError, match="already has an agent 'MG1'"):
        env.set_system_agent(SystemAgent("DSO", subordinates=[microgrid("MG1")]))
    assert env.system_agent is None
    assert list(env.heron_agents) == ["MG1", "MG1/gen1"]
    env.set_system_agent(SystemAgent("DSO"))
    with pytest.raises(ConfigError, match="already has an agent 'DSO'"):
        env.register_agent(microgrid("DSO"))


def test_a_proxy_is_set_and_not_registered():
    env, proxy = HeronEnvCore(), ProxyAgent()
    with pytest.raises(ConfigError, match=r"give it to set_proxy_agent\(\)"):
        env.register_agent(proxy)
    env.set_proxy_agent(proxy)
    assert env.proxy_agent is proxy
    assert env.heron_agents == {}


def test_agents_learn_their_addresses_and_channels():
    env = HeronEnvCore(env_id="env_0")
    env.register_agent(microgrid("MG1"))
    env.set_system_agent(SystemAgent("DSO"))
    env.configure_agents_for_distributed()
    gen1 = env.get_agent("MG1/gen1")
    assert (gen1.address, gen1.upstream_address, gen1.env_id) == ("MG1/gen1", "MG1", "env_0")
    assert gen1.message_broker is env.message_broker
    env.get_agent("MG1").send_action_to_subordinate("gen1", 0.5)
    gen1.send_message({"p": 1.0}, "MG1")
    assert env.consume_actions_for_agent("MG1/gen1") == [0.5]
    assert [m.payload for m in env.consume_info_for_agent("MG1")] == [{"p": 1.0}]


def test_the_environment_speaks_too():
    env = HeronEnvCore()
    env.register_agents([microgrid("MG1"), microgrid("MG2")])
    env.configure_agents_for_distributed()
    env.publish_action("MG1", "MG1/gen1", 0.5)
    env.publish_info("operator", "MG1", {"x": 1})
    env.broadcast_to_agents("operator", {"alarm": True})
    assert env.consume_actions_for_agent("MG1/gen1") == [0.5]
    assert [m.payload for m in env.consume_info_for_agent("MG1")] == [{"x": 1}, {"alarm": True}]
    assert [m.payload for m in env.consume_info_for_agent("MG2/gen1")] == [{"alarm": True}]
    env.clear_broker_environment()
    assert env.consume_info_for_agent("MG2") == []
    with pytest.raises(ConfigError, match="unknown agent 'MG'"):
        env.publish_info("operator", "MG", {})


def test_environments_on_one_broker_keep_to_themselves():
    broker = InMemoryBroker()
    envs = [HeronEnvCore(env_id=name) for name in ("one", "two")]
    for env in envs:
        env.message_broker = broker
        env.register_agent(microgrid("MG1"))
        env.configure_agents_for_distributed()
        env.publish_info("operator", "MG1", {"from": env.env_id})
    envs[0].clear_broker_environment()
    assert [len(env.consume_info_for_agent("MG1")) for env in envs] == [0, 1]


def test_actions_reach_field_agents_by_name(tanks):
    env = tanks()
    env.set_system_agent(SystemAgent("plant"))
    effects = env.apply_actions({"south": [0.1, 0.2], "north/b": [0.3]})
    assert {name: float(action[0]) for name, action in effects.items()} == {
        "south/a": 0.1,
        "south/b": 0.2,
        "north/b": 0.3,
    }
    with pytest.raises(ConfigError, match="unknown agent 'west'"):
        env.apply_actions({"south": [0.1, 0.2], "west": [0.0]})


def test_everyone_at_the_top_is_observed(tanks):
    env = tanks()
    env.set_system_agent(SystemAgent("plant"))
    observations = env.get_observations()
    assert list(observations) == ["plant", "north", "south"]
    assert observations["north"].vector().tolist() == [10.0, 10.0, 0.0]
