"""Environments keep agents, give spaces and are made by id."""

from __future__ import annotations

import subprocess
import sys

import pytest
from gymnasium import spaces
from pettingzoo import ParallelEnv

import heron
from heron.agents import CoordinatorAgent, FieldAgent, SystemAgent
from heron.envs import HeronEnvCore, PettingZooParallelEnv, registry
from heron.errors import ConfigError


def microgrid(name: str) -> CoordinatorAgent:
    return CoordinatorAgent(name, subordinates=[FieldAgent("gen1"), FieldAgent("ess1")])


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRY_POINTS", {})


# --- agents ----------------------------------------------------------------------------------


def test_agents_are_listed_in_order_of_registration_by_their_paths():
    env = HeronEnvCore()
    env.register_agents([microgrid("MG2"), microgrid("MG1")])
    assert list(env.heron_agents) == [
        "MG2",
        "MG2/gen1",
        "MG2/ess1",
        "MG1",
        "MG1/gen1",
        "MG1/ess1",
    ]


def test_subordinates_are_found_on_every_level():
    env = HeronEnvCore()
    env.register_agent(SystemAgent("DSO", subordinates=[microgrid("MG1")]))
    assert list(env.heron_agents) == ["DSO", "DSO/MG1", "DSO/MG1/gen1", "DSO/MG1/ess1"]
    assert env.get_agent("DSO/MG1/ess1").upstream_id == "MG1"


def test_subordinates_added_after_registration_are_listed():
    env, mg1 = HeronEnvCore(), microgrid("MG1")
    env.register_agent(mg1)
    mg1.add_subordinate(FieldAgent("late"))
    assert list(env.heron_agents)[-1] == "MG1/late"


def test_an_id_is_registered_once():
    env = HeronEnvCore()
    env.register_agent(microgrid("MG1"))
    with pytest.raises(ConfigError, match="already has an agent 'MG1'"):
        env.register_agent(FieldAgent("MG1"))
    assert list(env.heron_agents) == ["MG1", "MG1/gen1", "MG1/ess1"]


def test_an_id_that_is_the_path_of_another_agent_is_refused():
    env = HeronEnvCore()
    env.register_agents([microgrid("MG1"), FieldAgent("MG1/gen1")])
    with pytest.raises(ConfigError, match="two agents are named 'MG1/gen1'"):
        _ = env.heron_agents


def test_an_unknown_agent_gets_the_nearest():
    env = HeronEnvCore()
    env.register_agent(microgrid("MG1"))
    with pytest.raises(ConfigError, match="did you mean 'MG1/gen1'"):
        env.get_agent("MG1/gen")


# --- PettingZoo ------------------------------------------------------------------------------


class TwoAgents(PettingZooParallelEnv):
    def __init__(self, label: str = "plain") -> None:
        super().__init__(env_id="two")
        self.label = label
        self.possible_agents = ["a", "b"]
        self.observation_spaces = {a: spaces.Box(0.0, 1.0, (2,)) for a in self.possible_agents}
        self.action_spaces = {a: spaces.Discrete(2) for a in self.possible_agents}


def test_the_base_is_a_parallel_environment_that_keeps_agents():
    env = TwoAgents()
    env.register_agent(microgrid("MG1"))
    assert isinstance(env, ParallelEnv)
    assert "MG1" in env.heron_agents
    assert (env.env_id, env.agents) == ("two", [])


def test_spaces_are_the_same_objects_at_every_call():
    env = TwoAgents()
    assert env.observation_space("a") is env.observation_space("a")
    assert env.action_space("b") is env.action_spaces["b"]


def test_the_space_of_an_unknown_agent_is_refused():
    with pytest.raises(ConfigError, match=r"unknown agent 'c'\. Known: 'a', 'b'"):
        TwoAgents().action_space("c")


# --- registry --------------------------------------------------------------------------------


def test_a_registered_environment_is_made_with_its_arguments(own_registry):
    heron.register("two-agents-v0", f"{__name__}:TwoAgents")
    assert heron.make("two-agents-v0", label="mine").label == "mine"


def test_an_unknown_environment_gets_the_nearest_and_the_list(own_registry):
    heron.register("two-agents-v0", f"{__name__}:TwoAgents")
    with pytest.raises(ConfigError, match="did you mean 'two-agents-v0'"):
        heron.make("two-agent-v0")


def test_an_id_stands_for_one_environment(own_registry):
    heron.register("x", "a:b")
    heron.register("x", "a:b")
    with pytest.raises(ConfigError, match="registered already"):
        heron.register("x", "a:c")


@pytest.mark.parametrize("entry_point", ["module", "module:", ":attribute"])
def test_an_entry_point_names_module_and_attribute(own_registry, entry_point):
    with pytest.raises(ConfigError, match="expected 'module:attribute'"):
        heron.register("x", entry_point)


def test_importing_heron_imports_nothing_heavy():
    code = (
        "import heron, sys; print([m for m in ('numpy', 'gymnasium', 'ray') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
