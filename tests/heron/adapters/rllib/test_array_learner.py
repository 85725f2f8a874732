"""Train batches of whole arrays beside those of RLlib's own pipeline."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.utils.postprocessing.value_predictions import compute_value_targets

from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner
from heron.adapters.rllib.learner.gae import value_targets
from heron.adapters.rllib.learner.ppo_learner import ArrayPPOLearner
from heron.adapters.rllib.learner.train_batch import TrainBatchFromArrays

GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning"),
    pytest.mark.usefixtures("ray_here"),
]


@pytest.fixture
def in_order(monkeypatch):
    """Let RLlib's pipeline take agents in the order of the environment, not of a set of names."""
    agent_ids = property(lambda episode: list(episode.agent_episodes))
    monkeypatch.setattr(MultiAgentEpisode, "agent_ids", agent_ids)


@pytest.fixture
def learners(make_config):
    """Return what makes RLlib's learner and ours, and a configuration, with equal weights."""

    def make(config):
        built = []
        for kind in (PPOTorchLearner, ArrayPPOLearner):
            torch.manual_seed(0)
            env = BatchedEnvRunner(config=config)
            spec = config.get_multi_rl_module_spec(env=env.env, spaces=env.get_spaces())
            learner = kind(config=config, module_spec=spec)
            learner.build()
            built.append(learner)
        built[1].module.set_state(built[0].module.get_state())
        return built

    return make


def batches(learners, episodes):
    """Return what both pipelines make of the same episodes, and which they are."""
    made = []
    for learner in learners:
        episodes_of_its_own = copy.deepcopy(episodes)
        made.append(
            learner._learner_connector(
                rl_module=learner.module,
                batch={},
                episodes=episodes_of_its_own,
                shared_data={},
                metrics=learner.metrics,
            )
        )
    return made


def assert_equal_batches(theirs, mine):
    assert set(theirs) == set(mine)
    for module, of_module in theirs.items():
        assert set(of_module) == set(mine[module])
        for column, values in of_module.items():
            assert values.dtype == mine[module][column].dtype, column
            assert torch.equal(values, mine[module][column]), column


@pytest.mark.parametrize("runner", [BatchedEnvRunner, MultiAgentEnvRunner])
@pytest.mark.parametrize("networks", ["elementwise", "rllib"])
def test_train_batches_equal_rllibs_to_the_last_bit(
    make_config, modules, learners, in_order, runner, networks, mappings
):
    module = modules.Elementwise if networks == "elementwise" else None
    config = make_config(module=module, policies=("first", "rest"), mapping=mappings.two)
    pair = learners(config)
    assert [type(c) for c in pair[1]._learner_connector.connectors] == [TrainBatchFromArrays]
    sampler = runner(config=config)
    for n in (50, 9, 60):  # whole episodes and parts, ended in both ways or going on
        episodes = sampler.sample(num_timesteps=n, explore=True)
        kinds = {(e.is_terminated, e.is_truncated) for e in episodes}
        theirs, mine = batches(pair, episodes)
        assert_equal_batches(theirs, mine)
        assert {"advantages", "value_targets", "action_logp", "loss_mask"} <= set(mine["rest"])
    assert len(kinds) == 3


def test_values_and_targets_on_the_grid_agree_whichever_runner_samples(
    make_config, learners, in_order
):
    config = make_config(GRID, {"max_episode_steps": 5, "normalize_obs": True}, module=None)
    pair = learners(config)
    runners = [kind(config=config) for kind in (MultiAgentEnvRunner, BatchedEnvRunner)]
    for runner in runners:
        runner.module.set_state(pair[0].module.get_state())
    for n in (30, 11):
        made = []
        for learner, runner in zip(pair, runners, strict=True):
            (batch,) = batches([learner], runner.sample(num_timesteps=n, explore=False))
            with torch.no_grad():
                batch["all"]["values"] = learner.module["all"].compute_values(batch["all"])
            made.append(batch["all"])
        assert set(made[0]) == set(made[1])
        for column, values in made[0].items():
            np.testing.assert_allclose(
                made[1][column], values, rtol=1e-5, atol=1e-5, err_msg=column
            )


def test_rewards_are_scaled_for_the_learner_as_by_the_connector(make_config, learners, in_order):
    from functools import partial

    from heron.adapters.rllib.reward_scale import reward_scaling

    config = make_config().training(learner_connector=partial(reward_scaling, 0.05))
    pair = learners(config)
    episodes = BatchedEnvRunner(config=config).sample(num_timesteps=60, explore=True)
    theirs, mine = batches(pair, episodes)
    assert_equal_batches(theirs, mine)
    (of_agent,) = [episodes[0].agent_episodes["zoe"]]
    scaled = mine["all"]["rewards"][: len(of_agent)].numpy()
    np.testing.assert_allclose(scaled, 0.05 * of_agent.get_rewards(), rtol=1e-6)


def test_episodes_are_left_as_they_are(make_config, learners):
    config = make_config()
    _, ours = learners(config)
    episodes = BatchedEnvRunner(config=config).sample(num_timesteps=30, explore=True)
    before = copy.deepcopy(episodes)
    batches([ours], episodes)
    for a, b in zip(before, episodes, strict=True):
        assert a.id_ == b.id_
        for agent, of_agent in a.agent_episodes.items():
            assert of_agent.observations == b.agent_episodes[agent].observations
            assert of_agent.rewards == b.agent_episodes[agent].rewards


def test_an_update_by_either_learner_gives_the_same_weights(make_config, learners, in_order):
    config = make_config(module=None)
    episodes = BatchedEnvRunner(config=config).sample(num_timesteps=200, explore=True)
    weights = []
    for learner in learners(config):
        np.random.seed(1)  # noqa: NPY002  RLlib shuffles by this one
        learner.update(
            episodes=copy.deepcopy(episodes),
            timesteps={"num_env_steps_sampled_lifetime": 200},
            num_epochs=3,
            minibatch_size=64,
            shuffle_batch_per_epoch=True,
        )
        weights.append(learner.module.get_state()["all"])
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name], err_msg=name)


def test_connectors_of_a_user_keep_rllibs_pipeline(make_config, learners):
    from ray.rllib.connectors.learner import AddInfosFromEpisodesToTrainBatch

    config = make_config().training(
        learner_connector=lambda obs, act: AddInfosFromEpisodesToTrainBatch()
    )
    theirs, mine = learners(config)
    kinds = [[type(c) for c in one._learner_connector.connectors] for one in (theirs, mine)]
    assert kinds[0] == kinds[1]
    episodes = BatchedEnvRunner(config=config).sample(num_timesteps=30, explore=True)
    infos = batches([mine], episodes)[0]["all"]["infos"]
    agents = [a for e in episodes for a in e.agent_episodes.values()]
    assert len(infos) == sum(len(a) + 1 for a in agents)
    assert sum("dead" in info for info in infos) >= sum(len(a) for a in agents)


def test_recurrent_modules_keep_rllibs_pipeline_which_finds_their_states(
    make_config, modules, learners, in_order
):
    config = make_config(module=modules.Counting, model_config={"max_seq_len": 4})
    theirs, mine = learners(config)
    kinds = [[type(c) for c in one._learner_connector.connectors] for one in (theirs, mine)]
    assert kinds[0] == kinds[1]
    runners = [kind(config=config) for kind in (MultiAgentEnvRunner, BatchedEnvRunner)]
    for n in (18, 25):
        made = [
            batches([learner], runner.sample(num_timesteps=n, explore=False))[0]["all"]
            for learner, runner in zip((theirs, mine), runners, strict=True)
        ]
        assert set(made[0]) == set(made[1])
        assert torch.equal(made[0]["state_in"]["n"], made[1]["state_in"]["n"])
        for column in ("obs", "rewards", "advantages", "value_targets", "seq_lens"):
            assert torch.equal(made[0][column], made[1][column]), column


def test_targets_equal_rllibs_function_to_the_last_bit():
    rng = np.random.default_rng(0)
    for gamma, lambda_ in ((0.99, 0.95), (1.0, 1.0), (0.9, 0.0)):
        values, rewards = (rng.normal(size=500).astype(np.float32) for _ in range(2))
        ends = rng.uniform(size=500)
        terminateds, truncateds = ends < 0.05, ends > 0.9
        arguments = (values, rewards, terminateds, truncateds, gamma, lambda_)
        assert np.array_equal(value_targets(*arguments), compute_value_targets(*arguments))


def test_targets_are_the_sums_of_the_definition():
    values = np.array([1.0, 2.0, 4.0, 0.5, 3.0], np.float32)
    rewards = np.array([1.0, -1.0, 0.0, 2.0, 0.0], np.float32)
    last = np.array([False, True, False, True, False])
    gamma, lambda_ = 0.5, 0.5
    # An episode of two steps that a time limit ends, one of a step that terminates.
    late = np.array([False, True, False, False, False])
    targets = value_targets(values, rewards, last & ~late, late, gamma, lambda_)
    second = -1.0 + gamma * 4.0
    first = 1.0 + gamma * 2.0 + gamma * lambda_ * (second - 2.0)
    np.testing.assert_allclose(targets[[0, 1, 3]], [first, second, 2.0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_gradients_that_are_not_finite_are_treated_as_by_rllib(make_config, learners, bad):
    weights = []
    for learner in learners(make_config(module=None)):
        gradients = {
            reference: torch.full_like(parameter, 0.1)
            for reference, parameter in learner._params.items()
        }
        next(iter(gradients.values())).view(-1)[0] = bad
        learner.apply_gradients(gradients)
        weights.append(learner.module.get_state()["all"])
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name], err_msg=name)


def test_the_optimiser_of_a_checkpoint_goes_on_in_either_learner(make_config, learners, in_order):
    # RLlib does not keep the weight of the divergence in a learner's state.
    config = make_config(module=None).training(use_kl_loss=False)
    episodes = BatchedEnvRunner(config=config).sample(num_timesteps=100, explore=True)
    theirs, mine = learners(config)

    def update(learner):
        learner.update(
            episodes=copy.deepcopy(episodes),
            timesteps={"num_env_steps_sampled_lifetime": 100},
            num_epochs=2,
        )

    update(theirs)
    mine.set_state(theirs.get_state())
    update(theirs)
    update(mine)
    expected = theirs.module.get_state()["all"]
    for name, values in mine.module.get_state()["all"].items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
