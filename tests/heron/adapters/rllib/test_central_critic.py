"""Critics that see the whole state, actors that do not, and what both are trained on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

import torch
from gymnasium.spaces import Box
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

from heron.adapters.rllib import (
    ArrayPPOLearner,
    RLlibMultiAgentEnv,
    ippo_config,
    mappo_config,
    ppo_config,
)
from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner
from heron.adapters.rllib.central.actor_critic import ActorCritic, Critic
from heron.adapters.rllib.central.state_in_observations import LanesWithState, WithState
from heron.errors import ConfigError
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning"),
    pytest.mark.usefixtures("ray_here"),
]

SETUP = "ieee34_ieee13"
GRID = {"max_episode_steps": 3, "normalize_obs": True, "uniform_spaces": True}


def lanes(n, **config):
    def make(**kwargs):
        return VectorGridEnv(n, {**GRID, **config}, **kwargs)

    return make


def small(make=mappo_config, **kwargs):
    """Return the configuration of a training that takes a second."""
    return make(
        SETUP,
        {"max_episode_steps": 4},
        **{
            "train_batch_size": 24, "minibatch_size": 24, "num_epochs": 2, "hidden": (16,),
            "num_envs_per_env_runner": 6, **kwargs,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def central():
    """Return an algorithm with a central critic that has been trained once, and what it sampled."""
    algorithm = small(gamma=0.9, lambda_=0.8).build_algo()
    algorithm.train()
    yield algorithm
    algorithm.stop()


def learner_of(algorithm):
    return algorithm.learner_group._learner


# --- the state in the observations ------------------------------------------------------------


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_lanes_with_state_are_the_lanes_themselves_and_their_state(mode):
    plain = lanes(4)(autoreset_mode=mode)
    seen = LanesWithState(lanes(4), autoreset_mode=mode)
    n_own = plain.single_observation_space.shape[1]
    rng = np.random.default_rng(0)
    expected, _ = plain.reset(seed=[5, 6, 7, 8])
    got, _ = seen.reset(seed=[5, 6, 7, 8])
    assert got.shape[2] == n_own + len(plain.state_names) == seen.single_observation_space.shape[1]
    for _ in range(8):
        assert np.array_equal(got[..., :n_own], expected)
        state = plain.state().T.astype(np.float32)
        assert np.array_equal(got[..., n_own:], np.repeat(state[:, np.newaxis], 3, axis=1))
        actions = rng.uniform(-1.0, 1.0, (4, 3, len(plain.action_names))).astype(np.float32)
        expected, *rest, infos = plain.step(actions)
        got, *mine, told = seen.step(actions)
        for a, b in zip(rest, mine, strict=True):
            assert np.array_equal(a, b)
        over = rest[1] | rest[2]
        if mode == "SameStep" and over.any():
            assert np.array_equal(told["final_obs"][over][..., :n_own], infos["final_obs"][over])
            assert not np.array_equal(told["final_obs"][over], got[over])
        for name, values in infos.items():
            if not name.startswith("final_"):
                assert np.array_equal(told[name], values), name
            elif name != "final_obs" and over.any():
                assert np.array_equal(told[name][over], values[over]), name


def test_the_last_state_of_an_episode_is_kept_where_lanes_start_anew():
    seen = LanesWithState(lanes(2), autoreset_mode="SameStep")
    held = LanesWithState(lanes(2), autoreset_mode="NextStep")
    for envs in (seen, held):
        envs.reset(seed=3)
    actions = np.zeros((2, 3, seen.single_action_space.shape[1]), np.float32)
    for _ in range(3):
        *_, infos = seen.step(actions)
        last, *_ = held.step(actions)
    assert np.array_equal(infos["final_obs"], last)


def test_a_single_environment_shows_its_state_to_every_agent():
    env, plain = WithState(MultiAgentMicrogrids(GRID)), MultiAgentMicrogrids(GRID)
    n_own = plain.observation_space("MG1").shape[0]
    for one in (env, plain):
        one.reset(seed=2)
    idle = {agent: plain.idle_action(agent) for agent in plain.agents}
    seen, expected = env.step(idle), plain.step(idle)
    for agent, own in expected[0].items():
        assert np.array_equal(seen[0][agent][:n_own], own)
        assert np.array_equal(seen[0][agent][n_own:], plain.state())
        assert env.observation_space(agent).contains(seen[0][agent])
    assert seen[1] == expected[1]
    assert env.possible_agents == plain.possible_agents


def test_an_environment_without_state_or_equal_observations_is_refused(drift):
    with pytest.raises(ConfigError, match=r"state of the environment.*Drift has"):
        mappo_config(drift.make, normalize_obs=False)
    with pytest.raises(ConfigError, match="uniform_spaces"):
        mappo_config(SETUP, {"uniform_spaces": False}, share="none")


# --- actor and critic ---------------------------------------------------------------------------


def test_the_state_reaches_the_critic_and_never_the_actor(central):
    module = central.get_module("shared_policy")
    assert not hasattr(module, "critic")  # who samples needs none
    module = learner_of(central).module["shared_policy"]
    n_own, n_seen = module.n_own, module.observation_space.shape[0]
    assert n_seen == n_own + central.env_runner.env.vector.vector.state().shape[0]
    rng = torch.Generator().manual_seed(0)
    seen = torch.rand(5, n_seen, generator=rng, requires_grad=True)
    module.forward_train({"obs": seen})["action_dist_inputs"].sum().backward()
    assert (seen.grad[:, :n_own] != 0).any()
    assert (seen.grad[:, n_own:] == 0).all()
    other = seen.detach().clone()
    other[:, n_own:] += module.critic.mean.float() + 1.0
    with torch.no_grad():
        a, b = (module.forward_inference({"obs": x})["action_dist_inputs"] for x in (seen, other))
        assert torch.equal(a, b)
        assert torch.equal(
            a, module.forward_inference({"obs": seen[:, :n_own]})["action_dist_inputs"]
        )
        values = [module.compute_values({"obs": x}) for x in (seen, other)]
    assert (values[0] != values[1]).all()


def test_own_critics_see_what_their_actors_see():
    module = ActorCritic(
        observation_space=Box(-1, 1, (4,)), action_space=Box(-1, 1, (2,)), model_config={}
    )
    assert module.n_own == 4
    assert module.critic.n_state == 0
    assert module.compute_values({"obs": torch.zeros(3, 4)}).shape == (3,)


def test_scales_are_those_of_all_rows_seen():
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(90, 5)) * [1.0, 1e3, 1e-3, 0.0, 2.0] + [0, 50, 0, 7, 1]).astype("f4")
    critic = Critic(2, 3, [8], "tanh")
    for part in np.split(rows, [10, 11, 60]):
        critic.learn_scale(torch.from_numpy(part))
    states = rows[:, 2:].astype(np.float64)
    np.testing.assert_allclose(critic.mean, states.mean(0), rtol=1e-9)
    np.testing.assert_allclose(critic.variance, states.var(0), rtol=1e-9, atol=1e-18)
    scaled = critic.scaled(torch.from_numpy(rows[:, 2:])).numpy()
    np.testing.assert_allclose(scaled[:, 0].std(), 1.0, rtol=1e-5)
    assert (scaled[:, 1] == 0.0).all()  # it never changes


# --- targets ------------------------------------------------------------------------------------


def plain_targets(values, rewards, last, gamma, lambda_):
    """Return advantages + values of an episode, by the sum that defines them."""
    n = len(rewards)
    ahead = [*values[1:], last]
    delta = [rewards[t] + gamma * ahead[t] - values[t] for t in range(n)]
    return [
        values[t] + sum((gamma * lambda_) ** (k - t) * delta[k] for k in range(t, n))
        for t in range(n)
    ]


@pytest.mark.parametrize("is_finite", [False, True])
def test_targets_are_those_of_a_plain_sum_over_central_values(is_finite):
    gamma, lambda_, scale = 0.9, 0.8, 0.05
    config = small(gamma=gamma, lambda_=lambda_, reward_scale=scale, finite_horizon=is_finite)
    algorithm = config.build_algo()
    learner = learner_of(algorithm)
    episodes = algorithm.env_runner.sample(num_episodes=6, explore=True)
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=episodes, shared_data={}, metrics=None
    )["shared_policy"]
    module = learner.module["shared_policy"]
    begin = 0
    for episode in episodes:
        for of_agent in episode.agent_episodes.values():
            seen = torch.from_numpy(np.stack(of_agent.get_observations()))
            with torch.no_grad():
                values = module.critic.net(
                    torch.cat(
                        [seen[:, : module.n_own], module.critic.scaled(seen[:, module.n_own :])], -1
                    )
                )[:, 0].double()
            rewards = scale * of_agent.get_rewards()
            last = 0.0 if is_finite else float(values[-1])
            expected = plain_targets(values[:-1].tolist(), rewards, last, gamma, lambda_)
            got = batch["value_targets"][begin : begin + len(rewards)]
            np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)
            begin += len(rewards) + 1
    assert begin == len(batch["value_targets"])
    assert all(episode.is_truncated for episode in episodes)
    algorithm.stop()


def test_either_runner_samples_the_same_with_the_state():
    config = small(num_envs_per_env_runner=2)
    config.env_config.pop("vector_config")
    stock, ours = (kind(config=config) for kind in (MultiAgentEnvRunner, BatchedEnvRunner))
    assert ours.is_batched
    ours.module.set_state(stock.module.get_state())
    pairs = [runner.sample(num_episodes=4, explore=False) for runner in (stock, ours)]
    for theirs, mine in zip(*pairs, strict=True):
        for agent, of_agent in theirs.agent_episodes.items():
            np.testing.assert_allclose(
                of_agent.get_observations(),
                mine.agent_episodes[agent].get_observations(),
                rtol=1e-5, atol=1e-5,
            )  # fmt: skip


# --- who shares what ----------------------------------------------------------------------------


def test_agents_share_all_or_by_type_or_nothing():
    alike = {"MG1": 0, "MG2": 1, "MG3": 0}
    from powergrid.setups.loader import load_setup

    grids = load_setup(SETUP)["microgrid_configs"]
    config = {
        "microgrid_configs": [
            {**grids[k], "name": name, "connection_bus": grids[place]["connection_bus"]}
            for place, (name, k) in enumerate(alike.items())
        ]
    }
    found = {}
    for share in ("all", "by_type", "none"):
        made = ppo_config(SETUP, config, share=share)
        found[share] = [made.policy_mapping_fn(agent, None) for agent in alike]
        assert set(made.policies) == set(found[share])
    assert found["all"] == ["shared_policy"] * 3
    assert found["none"] == list(alike)
    first, second, third = found["by_type"]
    assert first == third != second
    assert set(ippo_config(SETUP).policies) == {"MG1", "MG2", "MG3"}
    with pytest.raises(ConfigError, match="share is 'some'"):
        ppo_config(SETUP, share="some")


def test_policies_by_type_train_and_serve_their_agents():
    from heron.adapters.rllib import TrainedPolicy

    algorithm = small(share="by_type").build_algo()
    result = algorithm.train()
    names = set(algorithm.config.policies)
    assert len(names) == 3
    assert names <= set(result["learners"])
    policy = TrainedPolicy(learner_of(algorithm).module)
    env = MultiAgentMicrogrids({**GRID})
    mapping = algorithm.config.policy_mapping_fn
    assert [policy.module_name(a) for a in env.possible_agents] == [
        mapping(a, None) for a in env.possible_agents
    ]
    algorithm.stop()


def test_environments_are_known_by_their_setups_names():
    env = RLlibMultiAgentEnv("ieee123_ieee13", {"max_episode_steps": 2})
    assert len(env.possible_agents) == 6
    assert env.parallel_env.max_episode_steps == 2
    assert small().env_config["env"] == SETUP


# --- the price of violations --------------------------------------------------------------------


def test_violations_cost_more_until_there_are_few_enough(tmp_path):
    settings = {"limit": 0.5, "rate": 10.0, "start": 3.0}
    config = small(lagrangian=settings, reward_scale=0.5, finite_horizon=True)
    algorithm = config.build_algo()
    learner = learner_of(algorithm)
    episodes = algorithm.env_runner.sample(num_episodes=6, explore=True)
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=episodes, shared_data={}, metrics=None
    )["shared_policy"]
    # The setup shares rewards, so the price is for the mean of the violations.
    begin, total = 0, 0.0
    for episode in episodes:
        of_agents = list(episode.agent_episodes.values())
        safety = np.array([[i["safety"] for i in e.get_infos()[1:]] for e in of_agents])
        total += safety.sum()
        for of_agent in of_agents:
            n = len(of_agent)
            expected = 0.5 * (of_agent.get_rewards() - 3.0 * safety.mean(0))
            np.testing.assert_allclose(batch["rewards"][begin : begin + n], expected, rtol=1e-6)
            begin += n + 1
    assert total > 0.0
    assert learner.multiplier.mean == pytest.approx(total / 6)
    risen = max(0.0, 3.0 + 10.0 * (total / 6 - 0.5))
    assert learner.multiplier.value == pytest.approx(risen)
    told = algorithm.train()["learners"]["__all_modules__"]
    assert told["safety_multiplier"] == pytest.approx(learner.multiplier.value)
    algorithm.save_to_path(str(tmp_path))
    value = learner.multiplier.value
    algorithm.stop()
    again = config.build_algo()
    again.restore_from_path(str(tmp_path))
    assert learner_of(again).multiplier.value == value
    again.stop()


def test_settings_of_the_multiplier_are_checked():
    with pytest.raises(ConfigError, match=r"lagrangian: .*'limits'; did you mean 'limit'"):
        ppo_config(SETUP, lagrangian={"limits": 1.0})
    with pytest.raises(ConfigError, match="expected limit, rate >= 0"):
        ppo_config(SETUP, lagrangian={"rate": -1.0})
    algorithm = small(lagrangian={"info": "harm"}).build_algo()
    with pytest.raises(ConfigError, match="infos have no 'harm'"):
        algorithm.train()
    algorithm.stop()


def test_what_only_our_train_batches_do_is_not_left_out_silently():
    from ray.rllib.connectors.learner import AddInfosFromEpisodesToTrainBatch

    config = small(finite_horizon=True).learners(
        learner_connector=lambda obs, act: AddInfosFromEpisodesToTrainBatch()
    )
    with pytest.raises(ConfigError, match="finite_horizon needs the train batches"):
        config.build_algo()
    several = small(lagrangian={}, minibatch_size=12).learners(num_learners=2)
    spec = several.get_multi_rl_module_spec(spaces=BatchedEnvRunner(config=small()).get_spaces())
    with pytest.raises(ConfigError, match="num_learners is 2"):
        ArrayPPOLearner(config=several, module_spec=spec).build()
