"""Environments as users write them: their own subclass, and the shipped one in a few lines."""

from __future__ import annotations

import pytest

from heron.protocols.vertical import SetpointProtocol
from heron.scheduling import JitterType, TickConfig
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.networks.ieee13 import IEEE13Bus
from powergrid.setups.loader import get_available_setups, load_setup


def island_agent(net, name="MG1"):
    """Return a coordinator as the guide builds one: wrapped device parameters, jittered ticks."""
    devices = [
        {
            "type": "Generator",
            "name": "gen1",
            "device_state_config": {"bus": "Bus 633", "p_max_MW": 2.0, "p_min_MW": 0.5},
        },
        {
            "type": "ESS",
            "name": "ess1",
            "device_state_config": {"bus": "Bus 634", "e_capacity_MWh": 5.0, "p_max_MW": 1.0},
        },
    ]
    return PowerGridAgent(
        net=net,
        grid_config={"name": name, "base_power": 1.0, "devices": devices},
        protocol=SetpointProtocol(),
        tick_config=TickConfig.with_jitter(
            tick_interval=60.0,
            obs_delay=1.0,
            act_delay=2.0,
            msg_delay=0.5,
            jitter_type=JitterType.GAUSSIAN,
            jitter_ratio=0.1,
        ),
    )


class OneGridEnv(NetworkedGridEnv):
    """Builds its agent together with the network, and pays a bonus for low cost."""

    def _build_agents(self):
        return {}

    def _build_net(self):
        net = IEEE13Bus("MG1")
        agent = island_agent(net)
        self.register_agent(agent)
        self.agent_dict = {"MG1": agent}
        return net

    def _reward_and_safety(self):
        rewards = {name: 1.0 - agent.cost for name, agent in self.agent_dict.items()}
        safety = {name: 2.0 * agent.safety for name, agent in self.agent_dict.items()}
        return rewards, safety


class LateAgentsEnv(NetworkedGridEnv):
    """Returns its agent from `_build_agents`, under another key than its id."""

    def _build_net(self):
        return IEEE13Bus("MG1")

    def _build_agents(self):
        return {"operator": island_agent(self.net)}


class NobodyEnv(NetworkedGridEnv):
    """Has a network and no agents."""

    def _build_net(self):
        return IEEE13Bus("MG1")


def step_at_rest(env):
    return env.step({agent: env.idle_action(agent) for agent in env.agents})


def test_an_environment_of_ones_own_runs_an_episode():
    env = OneGridEnv({"max_episode_steps": 2})
    observations, infos = env.reset(seed=0)
    assert list(observations) == env.possible_agents == ["MG1"]
    assert infos == {"MG1": {}}
    assert list(env.heron_agents) == ["MG1", "MG1/gen1", "MG1/ess1"]
    assert env.action_names("MG1") == ["gen1.p", "gen1.q", "ess1.p"]
    *_, truncateds, infos = step_at_rest(env)
    assert truncateds == {"MG1": False}
    assert infos["MG1"]["converged"]
    *_, truncateds, _ = step_at_rest(env)
    assert truncateds == {"MG1": True}
    assert env.agents == []


def test_the_environment_takes_the_penalty_off_the_rewards_that_a_subclass_gives():
    env = OneGridEnv({"penalty": 3.0})
    env.reset(seed=0)
    _, rewards, _, _, infos = step_at_rest(env)
    agent = env.agent_dict["MG1"]
    assert agent.safety > 0.0  # the feeder's own load needs its regulator higher than in rest
    assert infos["MG1"]["safety"] == pytest.approx(2.0 * agent.safety)
    assert rewards["MG1"] == pytest.approx(1.0 - agent.cost - 3.0 * 2.0 * agent.safety)


def test_timing_given_to_an_agent_is_kept():
    env = OneGridEnv()
    timing = env.agent_dict["MG1"].tick_config
    assert (timing.tick_interval, timing.obs_delay, timing.act_delay) == (60.0, 1.0, 2.0)
    assert (timing.jitter_type, timing.msg_delay) == (JitterType.GAUSSIAN, 0.5)


def test_agents_may_come_from_build_agents_under_names_of_their_own():
    env = LateAgentsEnv({"max_episode_steps": 1})
    observations, _ = env.reset(seed=0)
    assert list(observations) == ["operator"]
    _, rewards, _, _, _ = step_at_rest(env)
    assert list(rewards) == ["operator"]


def test_an_environment_without_agents_says_how_to_give_it_some():
    with pytest.raises(ValueError, match="NobodyEnv has no agents: fill agent_dict"):
        NobodyEnv()


def test_sampled_actions_run_through_a_shipped_setup_to_its_metrics():
    config = load_setup("ieee34_ieee13")
    config.update(
        {"centralized": True, "share_reward": True, "max_episode_steps": 4, "train": True}
    )
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0)
    total = 0.0
    for rank, agent in enumerate(env.agents):
        env.action_spaces[agent].seed(rank)
    for _ in range(4):
        actions = {agent: env.action_spaces[agent].sample() for agent in env.agents}
        _, rewards, _, _, infos = env.step(actions)
        assert len(set(rewards.values())) == 1
        total += sum(info["cost"] for info in infos.values())
    metrics = env.get_collective_metrics()
    assert metrics["total_cost"] == pytest.approx(total)
    assert 0.0 < metrics["cooperation_score"] <= 1.0
    assert env.agents == []


def test_setups_are_listed_and_a_misspelt_one_is_both_kinds_of_error():
    assert "ieee34_ieee13" in get_available_setups()
    for kind in (ValueError, FileNotFoundError):
        with pytest.raises(kind, match="did you mean 'ieee34_ieee13'"):
            load_setup("ieee34_iee13")
