"""Agents observe, decide and hand down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium import spaces

from heron.agents.base import Agent
from heron.agents.coordinator_agent import COORDINATOR_LEVEL, CoordinatorAgent
from heron.agents.field_agent import FIELD_LEVEL, FieldAgent
from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.agents.system_agent import SYSTEM_LEVEL, SystemAgent
from heron.core.feature import FeatureBlock
from heron.core.policies import Policy, RandomPolicy
from heron.errors import ConfigError
from heron.protocols import SetpointProtocol
from heron.scheduling import TickConfig


@dataclass
class Power(FeatureBlock):
    visibility: ClassVar[list[str]] = ["owner", "upper_level"]
    p_MW: float = 1.0


@dataclass
class Secret(FeatureBlock):
    key: float = 7.0


class Constant(Policy):
    """Always gives the same action, and counts resets."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.n_reset = 0

    def forward(self, observation: Any) -> Any:
        return self.action

    def reset(self) -> None:
        self.n_reset += 1


def field_agent(agent_id: str = "gen1", **kwargs: Any) -> FieldAgent:
    agent = FieldAgent(agent_id, **kwargs)
    agent.state.add_feature("power", Power())
    agent.state.add_feature("secret", Secret())
    return agent


def coordinator(**kwargs: Any) -> CoordinatorAgent:
    agent = CoordinatorAgent(
        "MG1",
        protocol=SetpointProtocol(),
        subordinates=[field_agent("gen1"), field_agent("gen2")],
        **kwargs,
    )
    agent.state.add_feature("power", Power(5.0))
    return agent


# --- construction ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "constant", "level"),
    [
        (FieldAgent, FIELD_LEVEL, 1),
        (CoordinatorAgent, COORDINATOR_LEVEL, 2),
        (SystemAgent, SYSTEM_LEVEL, 3),
    ],
)
def test_each_kind_has_its_level(kind, constant, level):
    agent = kind("a")
    assert constant == agent.level == agent.state.owner_level == level
    assert agent.state.owner_id == "a"


def test_the_kinds_are_related_as_documented():
    assert issubclass(FieldAgent, Agent)
    assert issubclass(CoordinatorAgent, HierarchicalAgent)
    assert issubclass(SystemAgent, HierarchicalAgent)
    with pytest.raises(TypeError, match="abstract"):
        Agent("a")


def test_arguments_are_kept():
    broker, policy, protocol = object(), Constant(0.0), SetpointProtocol()
    agent = FieldAgent(
        agent_id="a",
        policy=policy,
        protocol=protocol,
        upstream_id="up",
        env_id="env",
        config={"k": 1},
        message_broker=broker,
    )
    assert (agent.policy, agent.protocol, agent.message_broker) == (policy, protocol, broker)
    assert (agent.upstream_id, agent.env_id, agent.config) == ("up", "env", {"k": 1})


def test_timing_comes_from_the_scalars_unless_a_configuration_is_given():
    from_scalars = FieldAgent("a", tick_interval=2.0, obs_delay=0.1, act_delay=0.2, msg_delay=0.3)
    assert from_scalars.tick_config == TickConfig(2.0, 0.1, 0.2, 0.3)
    config = TickConfig(5.0)
    assert FieldAgent("a", tick_config=config, tick_interval=2.0).tick_config is config


# --- field agents ----------------------------------------------------------------------------


def test_a_field_agent_observes_its_own_features_and_the_global_state():
    observation = field_agent().observe({"price": 50.0}, timestamp=3.0)
    assert {n: v.tolist() for n, v in observation.local.items()} == {
        "power": [1.0],
        "secret": [7.0],
    }
    assert observation.global_info == {"price": 50.0}
    assert observation.timestamp == 3.0
    assert observation.vector().tolist() == [1.0, 7.0, 50.0]


def test_a_field_agent_acts_by_its_policy():
    agent = field_agent(policy=Constant([0.5]))
    assert agent.act(agent.observe()).c.tolist() == [0.5]


def test_an_upstream_action_has_precedence():
    agent = field_agent(policy=Constant([0.5]))
    assert agent.act(agent.observe(), upstream_action=[-0.25]).c.tolist() == [-0.25]
    assert agent.action.c.tolist() == [-0.25]


def test_an_agent_with_nothing_to_decide_by_says_so():
    with pytest.raises(ConfigError, match="'gen1' has neither a policy nor an upstream action"):
        field_agent().act(None)


def test_a_refused_action_leaves_the_last_one():
    agent = field_agent()
    agent.act(None, upstream_action=[0.5])
    with pytest.raises(ValueError, match="finite"):
        agent.act(None, upstream_action=[np.nan])
    assert agent.action.c.tolist() == [0.5]


def test_the_action_has_the_space_that_a_subclass_declares():
    class Tap(FieldAgent):
        def get_action_space(self) -> spaces.Space[Any]:
            return spaces.Discrete(3)

    assert Tap("t").act(None, upstream_action=2).d.tolist() == [2]
    assert FieldAgent("a").action.space == spaces.Box(-1.0, 1.0, (1,), np.float32)


def test_reset_restores_state_action_and_policy():
    policy = Constant([0.5])
    agent = field_agent(policy=policy)
    agent.act(None)
    agent.state.power.p_MW = 9.0
    agent.reset()
    assert agent.state.power.p_MW == 1.0
    assert agent.action.c.tolist() == [0.0]
    assert policy.n_reset == 1


# --- hierarchical agents ---------------------------------------------------------------------


def test_subordinates_learn_who_is_above_them():
    agent = coordinator()
    assert [a.upstream_id for a in agent.subordinate_agents.values()] == ["MG1", "MG1"]
    agent.subordinate_agents = {"ess1": field_agent("ess1")}
    assert agent.subordinate_agents["ess1"].upstream_id == "MG1"


def test_two_subordinates_of_one_id_are_refused():
    with pytest.raises(ConfigError, match="already has a subordinate 'gen1'"):
        coordinator().add_subordinate(field_agent("gen1"))


def test_a_coordinator_sees_of_its_subordinates_what_they_show():
    local = coordinator().observe().local
    assert local["power"].tolist() == [5.0]
    assert {n: list(v) for n, v in local["subordinates"].items()} == {
        "gen1": ["power"],
        "gen2": ["power"],
    }


def test_a_coordinator_splits_its_action_by_its_protocol():
    agent = coordinator(policy=Constant(np.array([0.1, 0.2])))
    assert {n: v.tolist() for n, v in agent.act(None).items()} == {"gen1": [0.1], "gen2": [0.2]}
    assert {n: v.tolist() for n, v in agent.act(None, np.array([0.3, 0.4])).items()} == {
        "gen1": [0.3],
        "gen2": [0.4],
    }
    assert agent.action.tolist() == [0.3, 0.4]


def test_a_refused_split_leaves_the_last_action():
    agent = coordinator()
    agent.act(None, np.array([0.3, 0.4]))
    with pytest.raises(ValueError, match=r"expected \(2,\)"):
        agent.act(None, np.zeros(3))
    assert agent.action.tolist() == [0.3, 0.4]


def test_a_coordinator_without_protocol_and_policy_hands_nothing_down():
    assert CoordinatorAgent("MG1", subordinates=[field_agent()]).act(None) == {}


def test_actions_pass_through_three_levels():
    system = SystemAgent("DSO", protocol=SetpointProtocol(), subordinates=[coordinator()])
    down = system.act(system.observe(), upstream_action=np.array([0.5, -0.5]))
    mg1 = system.subordinate_agents["MG1"]
    parts = mg1.act(mg1.observe(), upstream_action=down["MG1"])
    gen2 = mg1.subordinate_agents["gen2"]
    assert gen2.act(gen2.observe(), upstream_action=parts["gen2"]).c.tolist() == [-0.5]


def test_reset_reaches_every_level():
    system = SystemAgent("DSO", subordinates={"MG1": coordinator()})
    gen1 = system.subordinate_agents["MG1"].subordinate_agents["gen1"]
    gen1.state.power.p_MW = 9.0
    system.reset()
    assert gen1.state.power.p_MW == 1.0


def test_a_seed_gives_each_agent_its_own_draws_and_repeats_them():
    def drawn(seed: int) -> list[float]:
        space = spaces.Box(-1.0, 1.0, (1,))
        agents = [field_agent(name, policy=RandomPolicy(space)) for name in ("a", "b")]
        CoordinatorAgent("MG1", subordinates=agents).reset(seed=seed)
        return [float(agent.act(None).c[0]) for agent in agents]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 2
