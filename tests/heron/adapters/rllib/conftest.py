"""Environments, modules and runners for the tests of sampling."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box
from pettingzoo import ParallelEnv

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

GRID = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"


class Drift(ParallelEnv):
    """Agents drift with what they do; an episode ends at random, or by its time limit.

    Lanes of other seeds end at other times. All numbers are exact in any order of summation.
    """

    metadata: ClassVar = {"name": "drift_v0", "render_modes": []}

    def __init__(self, env_config=None):
        config = {"n_step": 7, "hazard": 0.15, "n_agent": 3, **(env_config or {})}
        self.n_step, self.hazard = config["n_step"], config["hazard"]
        # Not in the order of the alphabet.
        self.possible_agents = ["zoe", "adam", "mia"][: config["n_agent"]]
        self.agents = []
        self._rng = np.random.default_rng()

    def observation_space(self, agent):
        return Box(-np.inf, np.inf, (4,), np.float32)

    def action_space(self, agent):
        return Box(-2.0, 3.0, (2,), np.float32)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.k = 0
        self.at = {a: self._draw(4) for a in self.agents}
        return self._observe(), {a: {} for a in self.agents}

    def step(self, actions):
        acting = list(self.agents)
        self.k += 1
        for a in acting:
            assert self.action_space(a).contains(actions[a])
            self.at[a] = self.at[a] + self._draw(4) + np.tile(actions[a], 2)
        rewards = {a: float(self.at[a][0]) for a in acting}
        is_dead = self._rng.uniform() < self.hazard
        is_late = not is_dead and self.k >= self.n_step
        infos = {a: {"k": self.k, "first": self.at[a][0], "dead": is_dead} for a in acting}
        observations = self._observe()
        if is_dead or is_late:
            self.agents = []
        return (
            observations, rewards, dict.fromkeys(acting, is_dead), dict.fromkeys(acting, is_late),
            infos,
        )  # fmt: skip

    def _draw(self, n):
        return self._rng.integers(-8, 9, n) / 8.0

    def _observe(self):
        return {a: self.at[a].astype(np.float32) for a in self.agents}


def make_drift(env_config=None):
    """Make the environment from a name that other processes could import."""
    return Drift(env_config)


class Elementwise(TorchRLModule, ValueFunctionAPI):
    """A policy whose every number has its own bits, whatever else is in the batch."""

    def setup(self):
        self.gain = torch.nn.Parameter(torch.tensor(0.5))

    def _forward(self, batch, **kwargs):
        n = self.action_space.shape[0]
        seen = batch[Columns.OBS][..., :n]
        return {Columns.ACTION_DIST_INPUTS: torch.cat([seen * self.gain, seen * 0.0 - 1.0], -1)}

    def compute_values(self, batch, embeddings=None):
        return batch[Columns.OBS][..., 0] * self.gain


class Counting(TorchRLModule, ValueFunctionAPI):
    """A recurrent policy that counts its steps and acts on the number."""

    def setup(self):
        self.gain = torch.nn.Parameter(torch.tensor(0.25))

    def get_initial_state(self):
        return {"n": torch.zeros(1), "seen": {"sum": torch.full((2,), 0.5)}}

    def _forward(self, batch, **kwargs):
        seen = batch[Columns.OBS][..., :2]
        # (B, T, ...): states after each step of time
        steps = torch.arange(1, seen.shape[1] + 1, dtype=torch.float32)
        n = batch[Columns.STATE_IN]["n"][:, None] + steps[None, :, None]
        total = batch[Columns.STATE_IN]["seen"]["sum"][:, None] + seen.cumsum(1)
        mean = self.gain * (n + total)
        return {
            Columns.ACTION_DIST_INPUTS: torch.cat([mean, mean * 0.0 - 1.0], -1),
            Columns.STATE_OUT: {"n": n[:, -1], "seen": {"sum": total[:, -1]}},
        }

    def compute_values(self, batch, embeddings=None):
        return self._forward(batch)[Columns.ACTION_DIST_INPUTS][..., 0]


def one_policy(agent_id, *args, **kwargs):
    return "all"


def two_policies(agent_id, *args, **kwargs):
    return "first" if agent_id in ("zoe", "MG1") else "rest"


def policy_by_episode(agent_id, episode, *args, **kwargs):
    """Map an agent to another policy in another episode."""
    return ("even", "odd")[(int(episode.id_, 16) + len(agent_id)) % 2]


@pytest.fixture(scope="package")  # Ray takes some seconds to start
def ray_here(tmp_path_factory):
    """Run Ray with one CPU and no worker processes of ours."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    import ray
    from ray.tune.trainable import trainable

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:  # every algorithm makes a folder, else at home
        folder = tmp_path_factory.mktemp("ray_results")
        patch.setattr(trainable, "DEFAULT_STORAGE_PATH", str(folder))
        yield ray
    ray.shutdown()
    # What remains of Ray's processes complains when it is collected, during whatever test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def drift():
    return SimpleNamespace(Env=Drift, make=make_drift)


@pytest.fixture
def modules():
    return SimpleNamespace(Elementwise=Elementwise, Counting=Counting)


@pytest.fixture
def mappings():
    return SimpleNamespace(one=one_policy, two=two_policies, by_episode=policy_by_episode)


@pytest.fixture
def make_config():
    """Return what makes a configuration; `runner` settings go to ``env_runners``."""
    from heron.adapters.rllib import RLlibMultiAgentEnv

    def make(
        env=make_drift,
        env_config=None,
        *,
        module=Elementwise,
        policies=("all",),
        mapping=one_policy,
        seed=3,
        model_config=None,
        vector=None,
        **runner,
    ):
        config = (
            PPOConfig()
            .environment(
                RLlibMultiAgentEnv,
                env_config={"env": env, "env_config": env_config or {}, **(vector or {})},
                disable_env_checking=True,
            )
            .multi_agent(policies=set(policies), policy_mapping_fn=mapping)
            .env_runners(**{"num_envs_per_env_runner": 4, **runner})
            .debugging(seed=seed, log_level="ERROR")
        )
        if module is not None:
            specs = {p: RLModuleSpec(module, model_config=model_config or {}) for p in policies}
            config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
        return config

    return make


@pytest.fixture
def both(make_config, ray_here):
    """Return what makes RLlib's own runner and ours, of one configuration, with equal weights."""
    from heron.adapters.rllib.batched.env_runner import BatchedEnvRunner

    def make(*args, **kwargs):
        stock = MultiAgentEnvRunner(config=make_config(*args, **kwargs))
        ours = BatchedEnvRunner(config=make_config(*args, **kwargs))
        assert ours.is_batched
        ours.module.set_state(stock.module.get_state())
        return stock, ours

    return make
