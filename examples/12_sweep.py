"""Sweep over parameters of the algorithm, of the environment and of its timing with Ray Tune.

Each trial trains a policy, then plays it by events under the trial's own timing. A sweep that was
killed goes on when the same command is run again.

    python examples/12_sweep.py                                  # four trials, some minutes
    python examples/12_sweep.py --address auto --storage /nfs/sweeps   # on a Ray cluster

Written to ``--storage``: a folder of results and checkpoints for each trial, and ``sweep.csv``.
"""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

SETUP = "ieee34_ieee13"


def main(arguments: list[str] | None = None) -> Any:
    """Sweep; return the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--iterations", type=int, default=40, help="of each trial (40)")
    add("--steps-per-iteration", type=int, default=3072, help="environment steps (3072)")
    add("--delays", type=float, nargs="+", default=[0.0, 3600.0], help="of observations [s]")
    add("--storage", type=Path, default=Path("runs/12_sweep"), help="a folder all machines see")
    add("--address", help="of a running Ray cluster, such as auto; otherwise Ray starts here")
    args = parser.parse_args(arguments)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # the coming default; unset, Ray warns
    import ray
    from ray import tune

    from heron.adapters.rllib import sweep

    ray.init(
        address=args.address,
        include_dashboard=None if args.address else False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        table = sweep(
            SETUP,
            {
                "central_critic": tune.grid_search([True, False]),
                "env.timing.coordinator.obs_delay": tune.grid_search(args.delays),
            },
            storage=args.storage,
            env_config={"share_reward": False, "penalty": 1000.0},
            options={
                "train_batch_size": args.steps_per_iteration,
                "minibatch_size": max(args.steps_per_iteration // 2, 24),
                "num_envs_per_env_runner": max(args.steps_per_iteration // 24, 1),
                "num_epochs": 6,
                "finite_horizon": True,
                "gamma": 1.0,
                "reward_scale": 0.05,
            },
            n_iteration=args.iterations,
            save_every=5,
            evaluate=under_its_timing,
        )
    finally:
        ray.shutdown()
    table.to_csv(args.storage / "sweep.csv", index=False)
    names = [n for n in table if n.startswith(("central", "env.", "episode_return", "eval_"))]
    print(table[names].to_string(index=False))
    return table


def under_its_timing(policy: Any, env_config: dict[str, Any]) -> dict[str, float]:
    """Play days of the test split by events; return means."""
    from powergrid.evaluation import evaluate_event_driven
    from powergrid.setups.loader import load_setup

    config = {**load_setup(SETUP), **env_config, "normalize_obs": True, "train": False}
    config["penalty"] = 10.0  # the setup's own: what training paid is no matter of evaluation
    found = evaluate_event_driven(policy.batched(), config, seeds=10)
    return {
        "return": float(found.episode_return.mean()),
        "safety": float(found.safety.mean()),
        "age_of_information_s": float(np.nanmean(found.age_mean_s)),
    }


if __name__ == "__main__":
    main()
