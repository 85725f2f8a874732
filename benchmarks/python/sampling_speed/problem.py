"""What is sampled and learnt from: a shipped setup, one policy for all agents, RLlib's networks."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

from heron.adapters.rllib import SHARED_POLICY, RLlibMultiAgentEnv, shared_policy
from powergrid.setups.loader import load_setup

__all__ = ["EPISODE", "N_EPOCH", "SEED", "SETUP", "make_config", "ray_here"]

SETUP = "ieee34_ieee13"
ENTRY = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"
EPISODE = 24  # steps, of an hour each
SEED = 2024
N_EPOCH = 10


def make_config(
    n_env: int, *, train_batch_size: int = 4000, minibatch_size: int = 1024, **runner: Any
) -> PPOConfig:
    """Return PPO's configuration; `runner` goes to ``env_runners``."""
    env_config = {**load_setup(SETUP), "max_episode_steps": EPISODE, "normalize_obs": True}
    return (
        PPOConfig()
        .environment(
            RLlibMultiAgentEnv,
            env_config={"env": ENTRY, "env_config": env_config},
            disable_env_checking=True,
        )
        .multi_agent(policies={SHARED_POLICY}, policy_mapping_fn=shared_policy)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=n_env, **runner)
        .rl_module(
            model_config=DefaultModelConfig(
                fcnet_hiddens=[128, 128], fcnet_activation="tanh", vf_share_layers=False
            )
        )
        .training(
            train_batch_size_per_learner=train_batch_size,
            minibatch_size=minibatch_size,
            num_epochs=N_EPOCH,
            lr=3e-4,
            vf_clip_param=float("inf"),
        )
        .debugging(seed=SEED, log_level="ERROR")
    )


@contextmanager
def ray_here() -> Iterator[None]:
    """Run Ray meanwhile, without worker processes."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    import ray

    # RLlib registers its one environment id again for every runner.
    warnings.filterwarnings("ignore", ".*Overriding environment rllib", UserWarning)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()
