"""What is trained, and how: MAPPO and IPPO on a shipped setup, three seeds each."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig

from heron.adapters.rllib import ippo_config, mappo_config
from powergrid.setups.loader import load_setup

__all__ = [
    "ALGORITHMS", "RATING_SHARE", "SEEDS", "SETTINGS", "SETUP", "TRAINING", "make_config",
]  # fmt: skip

SETUP = "ieee34_ieee13"
SEEDS = (0, 1, 2)
ALGORITHMS = {"mappo": mappo_config, "ippo": ippo_config}

HOURS = 24  # an episode is a day
# In training agents are paid for themselves: what one agent does hardly changes the others' cost,
# and the mean of all would be three parts noise to one of signal. The sum of returns, by which
# policies are judged, is the same either way. Violations cost more: at the setup's own penalty the
# smallest that the rule-based policy has are not worth a cent. And what is rare in one year of
# training happens in another: limits that are narrower in training, as the rule-based policy's are
# too, leave room for that.
VOLTAGE_BAND_PU = (0.958, 1.042)  # 0.95 and 1.05 in the setup
CONNECTION_MVA = 0.5  # rating of a microgrid's matching transformer
RATING_SHARE = 0.95
TRAINING: dict[str, Any] = {
    "share_reward": False, "penalty": 1000.0, "voltage_band_pu": VOLTAGE_BAND_PU,
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    # A day's return is all that counts.
    "finite_horizon": True,
    "gamma": 1.0,
    "lambda_": 0.95,
    "lr": 1e-3,
    "num_epochs": 6,
    "reward_scale": 0.05,  # a day costs an agent some hundred dollars; the learner sees tens
}
N_MINIBATCH = 6


def make_config(algorithm: str, seed: int, total_steps: int, n_lane: int = 128) -> PPOConfig:
    """Return the configuration of a training; an iteration is a day of every lane."""
    n_step = n_lane * HOURS
    n_agent_of_policy = 3 if algorithm == "mappo" else 1
    return ALGORITHMS[algorithm](
        SETUP,
        {**TRAINING, "microgrid_configs": narrower_connections()},
        total_steps=total_steps,
        train_batch_size=n_step,
        minibatch_size=n_step * n_agent_of_policy // N_MINIBATCH,
        num_envs_per_env_runner=n_lane,
        seed=seed,
        **SETTINGS,
    )


def narrower_connections() -> list[dict[str, Any]]:
    """Return the setup's microgrids with connections of less than their rating."""
    microgrids = load_setup(SETUP)["microgrid_configs"]
    for microgrid in microgrids:
        for device in microgrid["devices"]:
            if device["type"] == "Grid":
                device["s_rated_MVA"] = RATING_SHARE * CONNECTION_MVA
    return list(microgrids)
