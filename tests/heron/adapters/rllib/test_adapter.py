"""RLlib over a small environment written here, and over the shipped grid environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box
from pettingzoo import ParallelEnv

import heron
from heron.errors import ConfigError, HeronError

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"
TARGET = 0.7


class Pursuit(ParallelEnv):
    """Agents are paid for actions near `TARGET`.

    They leave after `n_step` steps. `ends` says how: "truncated", "terminated", or "staggered",
    where the first agent terminates after half the steps.
    """

    metadata: ClassVar = {"name": "pursuit_v0", "render_modes": ["ansi"]}

    def __init__(self, env_config=None):
        config = {"n_step": 4, "ends": "truncated", "wide": None, **(env_config or {})}
        self.config = config
        self.possible_agents = ["zoe", "adam"]  # not in alphabetical order
        self.agents = []
        self.render_mode = "ansi"
        self.n_step, self.ends = config["n_step"], config["ends"]
        self.is_closed = False
        self._rng = np.random.default_rng()

    def observation_space(self, agent):
        return Box(-1.0, 1.0, (3 if agent == self.config["wide"] else 2,), np.float32)

    def action_space(self, agent):
        return Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.k = 0
        self.options = options
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions):
        acting = list(self.agents)
        assert set(actions) == set(acting)
        self.k += 1
        rewards = {a: -abs(float(actions[a][0]) - TARGET) for a in reversed(acting)}
        is_last = self.k >= self.n_step
        leaves = dict.fromkeys(acting, is_last and self.ends == "terminated")
        if self.ends == "staggered" and self.k == self.n_step // 2:
            leaves["zoe"] = True
        cut = {a: is_last and not leaves[a] for a in acting}
        observations = self._observe()
        self.agents = [a for a in acting if not (leaves[a] or cut[a])]
        return observations, rewards, leaves, cut, {a: {"k": self.k} for a in acting}

    def render(self):
        return f"step {self.k}"

    def close(self):
        self.is_closed = True

    def _observe(self):
        drawn = {
            a: self._rng.uniform(-1, 1, self.observation_space(a).shape).astype(np.float32)
            for a in self.agents
        }
        return dict(reversed(drawn.items()))


def make_pursuit(env_config=None):
    """Make the environment from a name that other processes could import."""
    return Pursuit(env_config)


def adapter(**config):
    from heron.adapters.rllib import RLlibMultiAgentEnv

    return RLlibMultiAgentEnv(Pursuit(config))


def step(env):
    return env.step({agent: np.zeros(1, np.float32) for agent in env.parallel_env.agents})


def needs_ray(test):
    """Give a test Ray, and let RLlib register its one environment id again for every algorithm."""
    again = pytest.mark.filterwarnings("ignore:.*Overriding environment rllib:UserWarning")
    return pytest.mark.usefixtures("ray_here")(again(test))


# --- the environment ------------------------------------------------------------------------------


def test_agents_keep_the_order_of_possible_agents_in_every_answer():
    env = adapter()
    observations, infos = env.reset(seed=1)
    answers = [observations, infos, *step(env)]
    assert env.possible_agents == ["zoe", "adam"]
    assert [[a for a in answer if a != "__all__"] for answer in answers] == [["zoe", "adam"]] * 7


def test_spaces_are_those_of_the_environment():
    env = adapter(wide="adam")
    assert {a: s.shape for a, s in env.observation_spaces.items()} == {"zoe": (2,), "adam": (3,)}
    assert env.get_action_space("zoe") == Box(-1.0, 1.0, (1,), np.float32)
    assert set(env.observation_space) == set(env.action_space) == {"zoe", "adam"}


def test_a_time_limit_truncates_all_and_shows_the_final_observations():
    env = adapter(n_step=2)
    env.reset(seed=1)
    _, _, terminateds, truncateds, _ = step(env)
    assert not any(terminateds.values())
    assert not any(truncateds.values())
    observations, _, terminateds, truncateds, infos = step(env)
    # RLlib would take agents that are truncated one by one, all of them, for terminated.
    assert truncateds == {"__all__": True}
    assert terminateds == {"zoe": False, "adam": False, "__all__": False}
    assert list(observations) == list(infos) == ["zoe", "adam"]
    assert env.agents == ["zoe", "adam"]


def test_an_end_without_a_time_limit_terminates_all():
    env = adapter(n_step=1, ends="terminated")
    env.reset(seed=1)
    _, _, terminateds, truncateds, _ = step(env)
    assert terminateds["__all__"] is True
    assert truncateds["__all__"] is False


def test_an_agent_may_leave_before_the_others():
    env = adapter(n_step=2, ends="staggered")
    env.reset(seed=1)
    _, _, terminateds, _, _ = step(env)
    assert terminateds == {"zoe": True, "adam": False, "__all__": False}
    observations, _, terminateds, truncateds, _ = step(env)
    assert list(observations) == env.agents == ["adam"]
    assert not terminateds["__all__"]
    assert truncateds == {"__all__": True}


def test_flags_of_one_episode_do_not_reach_into_the_next():
    env = adapter(n_step=1)
    env.reset(seed=1)
    step(env)
    env.parallel_env.ends = "terminated"
    env.reset()
    _, _, terminateds, truncateds, _ = step(env)
    assert (terminateds["__all__"], truncateds["__all__"]) == (True, False)


def test_a_step_after_the_end_is_an_error():
    env = adapter(n_step=1)
    env.reset(seed=1)
    step(env)
    with pytest.raises(HeronError, match=r"call env\.reset\(\) first"):
        env.step({})


def test_equal_seeds_give_equal_episodes_and_options_are_passed_on():
    first, second = adapter(), adapter()
    a, _ = first.reset(seed=5, options={"day": 3})
    b, _ = second.reset(seed=5)
    assert first.parallel_env.options == {"day": 3}
    assert all(np.array_equal(a[agent], b[agent]) for agent in a)
    c, _ = second.reset(seed=6)
    assert not np.array_equal(a["zoe"], c["zoe"])


def test_workers_draw_different_episodes_from_overlapping_seeds():
    from ray.rllib.env.env_context import EnvContext

    from heron.adapters.rllib import RLlibMultiAgentEnv

    def observed(worker, seed):
        context = EnvContext({"env": make_pursuit}, worker_index=worker)
        return RLlibMultiAgentEnv(context).reset(seed=seed)[0]["zoe"]

    assert np.array_equal(observed(1, 7), observed(1, 7))
    assert not np.array_equal(observed(1, 7), observed(2, 7))
    assert np.array_equal(observed(0, 7), adapter().reset(seed=7)[0]["zoe"])


def test_a_seed_counts_once_for_what_rllib_made_and_samples():
    from ray.rllib.env.env_context import EnvContext

    from heron.adapters.rllib import RLlibMultiAgentEnv

    env = RLlibMultiAgentEnv(EnvContext({"env": make_pursuit}, worker_index=0))
    env.reset(seed=7, options={})  # as RLlib checks an environment
    first, again, other = (env.reset(seed=seed)[0]["zoe"] for seed in (7, 7, 8))
    assert np.array_equal(first, adapter().reset(seed=7)[0]["zoe"])
    assert not np.array_equal(again, first)
    assert np.array_equal(other, adapter().reset(seed=8)[0]["zoe"])


def test_rendering_and_closing_reach_the_environment():
    env = adapter()
    env.reset(seed=1)
    assert (env.render_mode, env.render()) == ("ansi", "step 0")
    env.close()
    assert env.parallel_env.is_closed


def test_metadata_is_a_copy_because_rllib_writes_into_it():
    env = adapter()
    env.metadata["autoreset_mode"] = "next_step"
    assert "autoreset_mode" not in Pursuit.metadata


def test_an_environment_is_made_of_a_class_a_path_or_a_registered_id(monkeypatch):
    from heron.adapters.rllib import RLlibMultiAgentEnv

    monkeypatch.setitem(sys.modules, "pursuits", SimpleNamespace(make=make_pursuit))
    heron.register("pursuit-v0", "pursuits:make")
    for entry in (Pursuit, "pursuits:make", "pursuit-v0"):
        env = RLlibMultiAgentEnv({"env": entry, "env_config": {"n_step": 9}})
        assert env.parallel_env.n_step == 9
        assert RLlibMultiAgentEnv(entry, {"n_step": 7}).parallel_env.n_step == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"env": Pursuit, "env_confg": {}},), "did you mean 'env_config'"),
        (({"env_config": {}},), "'env' is a registered id"),
        (({"env": Pursuit}, {"n_step": 2}), "takes one mapping"),
        (("powergrid.envs.nowhere:Env",), "cannot be imported"),
        (("heron.errors:Nothing",), "expected 'module:attribute'"),
        (("no-such-environment",), "unknown environment"),
        ((lambda env_config: 3,), "int, which has no possible_agents"),
        ((Pursuit(), {"n_step": 2}), "exists already"),
    ],
)
def test_what_makes_no_environment_is_refused(arguments, message):
    from heron.adapters.rllib import RLlibMultiAgentEnv

    with pytest.raises(ConfigError, match=message):
        RLlibMultiAgentEnv(*arguments)


def test_rllibs_environment_check_passes():
    from ray.rllib.utils.pre_checks.env import check_multiagent_environments

    from heron.adapters.rllib import RLlibMultiAgentEnv

    check_multiagent_environments(adapter(n_step=1))
    check_multiagent_environments(RLlibMultiAgentEnv(GRID, {"max_episode_steps": 1}))


def test_trajectories_do_not_depend_on_the_hash_seed():
    script = """
import hashlib, json
import numpy as np
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
env = MultiAgentMicrogrids({"max_episode_steps": 2})
observations, _ = env.reset(seed=3)
rng = np.random.default_rng(0)
digest = hashlib.sha256()
while env.agents:
    actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
    observations, rewards, *_ = env.step(actions)
    digest.update(b"".join(o.tobytes() for o in observations.values()))
    digest.update(json.dumps(rewards).encode())
names = [env.observation_names(a) for a in env.possible_agents]
print(json.dumps([env.possible_agents, list(observations), names, digest.hexdigest()]))
"""
    answers = []
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            # Compiling pandapower's kernels would take far longer than two steps without.
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "NUMBA_DISABLE_JIT": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(json.loads(run.stdout))
    assert answers[0] == answers[1]
    assert answers[0][0] == answers[0][1] == ["MG1", "MG2", "MG3"]


# --- configuration --------------------------------------------------------------------------------


def test_one_policy_over_different_spaces_is_refused():
    from heron.adapters.rllib import ppo_config

    with pytest.raises(ConfigError, match=r"different spaces.*uniform_spaces"):
        ppo_config(make_pursuit, {"wide": "adam"})
    config = ppo_config(make_pursuit, {"wide": "adam"}, share="none")
    assert set(config.policies) == {"zoe", "adam"}
    assert config.policy_mapping_fn("adam", None) == "adam"


def test_observations_are_asked_to_be_normalised_unless_the_configuration_says():
    from heron.adapters.rllib import ppo_config

    def asked(*args, **kwargs):
        return ppo_config(make_pursuit, *args, **kwargs).env_config["env_config"]

    assert asked()["normalize_obs"] is True
    assert asked({"normalize_obs": False})["normalize_obs"] is False
    assert "normalize_obs" not in asked(normalize_obs=False)


def test_only_the_learner_sees_scaled_rewards():
    from ray.rllib.env.single_agent_episode import SingleAgentEpisode

    from heron.adapters.rllib.reward_scale import reward_scaling

    episode = SingleAgentEpisode(
        observations=[0, 1, 2], actions=[0, 0], rewards=[-40.0, 10.0], len_lookback_buffer=0
    )
    episode.to_numpy()
    batch = reward_scaling(0.1)(batch={}, episodes=[episode], rl_module=None)
    (scaled,) = batch["rewards"].values()
    assert np.concatenate([np.ravel(item.data if hasattr(item, "data") else item)
                           for item in scaled]).tolist() == [-4.0, 1.0]  # fmt: skip
    assert episode.get_rewards().tolist() == [-40.0, 10.0]


# --- training -------------------------------------------------------------------------------------


@needs_ray
def test_training_raises_the_return_and_survives_a_checkpoint(tmp_path: Path):
    from heron.adapters.rllib import TrainedPolicy, ppo_config

    config = ppo_config(
        make_pursuit, {"n_step": 8}, train_batch_size=256, minibatch_size=64, lr=3e-3, seed=1
    )
    algorithm = config.build_algo()
    returns = [algorithm.train()["env_runners"]["episode_return_mean"] for _ in range(6)]
    checkpoint = algorithm.save_to_path(str(tmp_path / "checkpoint"))
    env = Pursuit()
    observations, _ = env.reset(seed=0)
    trained = TrainedPolicy.from_checkpoint(checkpoint)
    actions = trained.act(env, observations)
    algorithm.stop()

    assert returns[-1] > 0.6 * returns[0]  # both are negative
    assert all(env.action_space(a).contains(action) for a, action in actions.items())
    assert all(abs(float(action[0]) - TARGET) < 0.3 for action in actions.values())

    again = config.build_algo()
    again.restore_from_path(checkpoint)
    assert again.iteration == 6
    loaded = TrainedPolicy({"shared_policy": again.get_module("shared_policy")})
    for agent, action in loaded.act(env, observations).items():
        assert np.array_equal(action, actions[agent])
    again.stop()


@needs_ray
def test_an_exploring_policy_draws_by_its_seed():
    from heron.adapters.rllib import TrainedPolicy, ppo_config

    algorithm = ppo_config(make_pursuit, share="none").build_algo()
    env = Pursuit()
    observations, _ = env.reset(seed=0)
    modules = {agent: algorithm.get_module(agent) for agent in env.possible_agents}
    policy = TrainedPolicy(modules, explore=True)

    def draw(seed):
        policy.reset(env, seed=seed)
        return policy.act(env, observations)["zoe"]

    assert np.array_equal(draw(3), draw(3))
    assert not np.array_equal(draw(3), draw(4))
    with pytest.raises(ConfigError, match="unknown policy 'zo'; did you mean 'zoe'"):
        policy.act(env, {"zo": observations["zoe"]})
    algorithm.stop()


@needs_ray
def test_many_observations_get_the_actions_of_each_alone():
    from heron.adapters.rllib import TrainedPolicy, ppo_config

    algorithm = ppo_config(make_pursuit, share="none").build_algo()
    env = Pursuit()
    policy = TrainedPolicy({agent: algorithm.get_module(agent) for agent in env.possible_agents})
    rows = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 2)).astype(np.float32)
    for agent in env.possible_agents:
        found = policy.actions(agent, rows)
        assert found.shape == (5, 1)
        for row, action in zip(rows, found, strict=True):
            alone = policy.act(env, {agent: row})[agent]
            np.testing.assert_allclose(action, alone, rtol=1e-6, atol=1e-7)
    algorithm.stop()


@needs_ray
def test_ppo_trains_on_a_lane_that_runs_by_events():
    from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

    from heron.adapters.rllib import EventDrivenMultiAgentEnv, ppo_config

    timing = {
        "coordinator": {"tick_interval": 1800.0, "msg_delay": 60.0, "jitter_type": "uniform"},
        "field": {"tick_interval": 300.0},
        "agents": {"MG2": {"tick_interval": 7200.0, "obs_delay": 3600.0}},
    }
    grid, given = "MultiAgentMicrogrids-v0", {"max_episode_steps": 6, "timing": timing}
    config = ppo_config(grid, given, train_batch_size=48, num_epochs=1)
    config.environment(
        EventDrivenMultiAgentEnv,
        env_config={"env": grid, "env_config": {**given, "normalize_obs": True}},
    ).env_runners(env_runner_cls=MultiAgentEnvRunner)
    algorithm = config.build_algo()
    result = algorithm.train()
    algorithm.stop()
    assert np.isfinite(result["env_runners"]["episode_return_mean"])
    assert np.isfinite(result["learners"]["shared_policy"]["policy_loss"])


def test_a_folder_without_networks_is_named(tmp_path: Path):
    from heron.adapters.rllib import TrainedPolicy

    with pytest.raises(ConfigError, match="holds no networks"):
        TrainedPolicy.from_checkpoint(tmp_path)


@needs_ray
def test_the_grid_environment_trains_through_the_adapter():
    from heron.adapters.rllib import ppo_config

    algorithm = ppo_config(
        GRID, {"max_episode_steps": 3}, reward_scale=0.05, train_batch_size=9, num_epochs=2
    ).build_algo()
    before = weights(algorithm)
    result = algorithm.train()
    agents = result["env_runners"]["agent_episode_returns_mean"]
    total = result["env_runners"]["episode_return_mean"]
    assert set(agents) == {"MG1", "MG2", "MG3"}
    assert total == pytest.approx(sum(agents.values()))
    assert total < -10.0  # dollars, not what the learner saw
    assert not np.array_equal(before, weights(algorithm))
    algorithm.stop()


@needs_ray
def test_rllibs_own_wrapper_trains_one_policy_on_the_grid_environment():
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
    from ray.tune.registry import register_env

    from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
    from powergrid.setups.loader import load_setup

    def creator(env_config):
        return ParallelPettingZooEnv(MultiAgentMicrogrids(env_config))

    register_env("microgrids_of_the_tests", creator)
    env_config = {**load_setup("ieee34_ieee13"), "max_episode_steps": 3, "share_reward": True}
    probe = creator(env_config)
    algorithm = (
        PPOConfig()
        .environment("microgrids_of_the_tests", env_config=env_config)
        .multi_agent(
            policies={"one": (None, probe.observation_space["MG1"], probe.action_space["MG1"], {})},
            policy_mapping_fn=lambda agent_id, *args, **kwargs: "one",
        )
        .training(train_batch_size=6, minibatch_size=6, num_epochs=1, lr=5e-5, gamma=0.99)
        .env_runners(num_env_runners=0)
        .debugging(log_level="ERROR")
    ).build_algo()
    result = algorithm.train()
    assert np.isfinite(result["env_runners"]["episode_return_mean"])
    assert result["env_runners"]["episode_len_mean"] == 3
    algorithm.stop()


def weights(algorithm):
    module = algorithm.get_module("shared_policy")
    return np.concatenate([p.detach().numpy().ravel().copy() for p in module.parameters()])
