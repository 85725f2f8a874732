"""A checkpoint's policy at work without Ray: in every environment of ours, and as a file."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

import torch

from heron.adapters.rllib import TrainedPolicy, mappo_config
from heron.errors import ConfigError
from powergrid.baselines import rollout
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.evaluation import attribution_report, evaluate_event_driven
from powergrid.setups.loader import load_setup

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning"),
    pytest.mark.usefixtures("ray_here"),
]

SETUP = "ieee34_ieee13"
CONFIG = {**load_setup(SETUP), "normalize_obs": True, "max_episode_steps": 4, "train": False}


@pytest.fixture(scope="module")
def checkpoints(ray_here, tmp_path_factory):
    """Return the folders of trainings of one iteration, by what agents share."""
    return {share: train(share, tmp_path_factory.mktemp("trained")) for share in ("all", "none")}


@pytest.fixture(params=["all", "none"])
def checkpoint(request, checkpoints):
    return checkpoints[request.param]


def train(share, folder):
    """Train a little, and make the means of actions far from 0."""
    algorithm = mappo_config(
        SETUP,
        {"max_episode_steps": 4},
        share=share,
        train_batch_size=24,
        minibatch_size=24,
        num_epochs=1,
        hidden=(16,),
    ).build_algo()
    algorithm.train()
    modules = algorithm.learner_group._learner.module
    for name in modules.keys():  # noqa: SIM118
        torch.nn.init.normal_(modules[name].actor[-1].weight, std=0.8)
    algorithm.save_to_path(str(folder))
    algorithm.stop()
    return folder


def test_no_ray_is_started_to_play(checkpoints):
    program = f"""
import ray
from heron.adapters.rllib import TrainedPolicy
from powergrid.baselines import rollout
from powergrid.setups.environments import ieee34_ieee13
env = ieee34_ieee13({{"normalize_obs": True, "max_episode_steps": 2}})
for folder in {[str(folder) for folder in checkpoints.values()]!r}:
    policy = TrainedPolicy.from_checkpoint(folder)
    print(rollout(env, policy, seed=1, day=3).n_step, ray.is_initialized())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert run.stdout.split() == ["2", "False"] * 2, run.stderr


def test_single_and_many_environments_get_the_same_actions(checkpoint):
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    env, envs = MultiAgentMicrogrids(CONFIG), VectorGridEnv(3, CONFIG)
    batched = policy.batched()
    seen, infos = envs.reset(seed=0)
    batched.reset(envs)
    own, _ = env.reset(seed=1)  # lane 1
    for _ in range(3):
        actions = batched.act(seen, infos)
        mine = policy.act(env, own)
        for number, agent in enumerate(envs.agents):
            np.testing.assert_allclose(actions[1, number], mine[agent], atol=1e-6)
        assert np.abs(actions).max() == 1.0  # bounds are met
        seen, *_, infos = envs.step(actions)
        own, *_ = env.step(dict(zip(envs.agents, actions[1], strict=True)))
        assert np.array_equal(seen[1], np.stack([own[agent] for agent in envs.agents]))


def test_it_plays_by_events_as_it_does_step_by_step(checkpoint):
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    env = MultiAgentMicrogrids(CONFIG)
    by_steps = rollout(env, policy, seed=2, day=5)
    by_events = rollout(env, policy, seed=2, day=5, by_events=True)
    assert by_events.episode_return == by_steps.episode_return
    side_by_side = evaluate_event_driven(policy.batched(), CONFIG, seeds=[2], days=[5])
    assert side_by_side.episode_return[0] == pytest.approx(by_steps.episode_return, abs=1e-4)


def test_what_timing_costs_it_is_attributed(checkpoint):
    timing = {"coordinator": {"obs_delay": 3600.0}, "faults": {"loss": 0.5}}
    policy = TrainedPolicy.from_checkpoint(checkpoint).batched()
    report = attribution_report(policy, CONFIG, timing, n_seed=2, days=[3, 200])
    assert report.causes == ["observation delay", "loss", "all together"]
    changed = [report.effect(cause).mean for cause in report.causes]
    assert all(np.isfinite(changed))
    assert changed[-1] != 0.0


def actions_of(checkpoint, observations, env):
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    return {
        agent: np.stack([policy.act(env, {agent: o})[agent] for o in observations])
        for agent in env.possible_agents
    }


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:DeprecationWarning")
def test_exported_files_act_as_the_policy_does(checkpoint, tmp_path):
    env = MultiAgentMicrogrids(CONFIG)
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    paths = policy.export(tmp_path / "files", env)
    n_obs = env.observation_space("MG1").shape[0]
    seen = np.random.default_rng(0).normal(size=(7, n_obs)).astype(np.float32)
    expected = actions_of(checkpoint, seen, env)
    assert {path.stem for path in paths} == set(map(policy.module_name, env.possible_agents))
    for agent in env.possible_agents:
        file = tmp_path / "files" / f"{policy.module_name(agent)}.pt"
        # In C++ this is torch::jit::load.
        got = torch.jit.load(str(file))(torch.from_numpy(seen)).numpy()
        np.testing.assert_allclose(got, expected[agent], rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_files_act_as_the_policy_does(checkpoint, tmp_path):
    env = MultiAgentMicrogrids(CONFIG)
    policy = TrainedPolicy.from_checkpoint(checkpoint)
    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        with pytest.raises(ConfigError, match="needs onnx"):
            policy.export(tmp_path, env, format="onnx")
        return
    onnxruntime = pytest.importorskip("onnxruntime")
    (first, *_) = policy.export(tmp_path, env, format="onnx")
    n_obs = env.observation_space("MG1").shape[0]
    seen = np.random.default_rng(0).normal(size=(7, n_obs)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(first))
    (got,) = session.run(None, {"observations": seen})
    np.testing.assert_allclose(got, actions_of(checkpoint, seen, env)["MG1"], atol=1e-5)


def test_what_cannot_be_written_is_named(checkpoint, tmp_path):
    env = MultiAgentMicrogrids(CONFIG)
    with pytest.raises(ConfigError, match="format is 'pkl'"):
        TrainedPolicy.from_checkpoint(checkpoint).export(tmp_path, env, format="pkl")
    other = TrainedPolicy({"shared_policy": torch.nn.Linear(2, 2)})
    with pytest.raises(ConfigError, match="networks are Linear, expected ActorCritic"):
        other.export(tmp_path, env)
