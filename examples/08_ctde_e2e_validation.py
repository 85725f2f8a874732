"""Train centrally, then validate as deployed: by messages, by events, and with realistic timing.

One policy for all agents is trained with PPO and shared rewards, or, with ``--trainer rules``, the
quantiles of the rule of thumb are tuned on training days, which takes seconds. Then, on days of the
test split and with individual rewards:

1. by messages and through the proxy, every day is that of the centralized mode;
2. by events without delays, every day is that of the steps;
3. by events with delays, jitter and loss, a seed gives the same day twice;
4. what that timing costs is told, as a paired difference with its 95 % interval.

    python examples/08_ctde_e2e_validation.py                              # a few minutes
    python examples/08_ctde_e2e_validation.py --trainer rules --test       # seconds
    python examples/08_ctde_e2e_validation.py --checkpoint runs/05_mappo_training/checkpoint
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from powergrid.baselines import EpisodeRecord, IdlePolicy, RuleBasedPolicy, rollout
from powergrid.baselines.comparison import bootstrap_mean
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

ENTRY = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"
REWARD_SCALE = 0.05  # a day's return of an agent is some hundred dollars; the learner sees tens
CONFIG = {**load_setup("ieee34_ieee13"), "normalize_obs": True}
TEST = {**CONFIG, "train": False, "share_reward": False}
TIMING: dict[str, Any] = {
    "coordinator": {"obs_delay": 3600.0, "msg_delay": 60.0, "jitter_type": "uniform"},
    "field": {"tick_interval": 300.0, "act_delay": 10.0, "jitter_type": "uniform"},
    "faults": {"loss": 0.1},
}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, validate, and return the checks and the cost of the timing."""
    args = parse_arguments(arguments)
    policy = train(args)
    days = np.linspace(0, 364, args.days, endpoint=False, dtype=int).tolist()

    def play(who: Any = policy, *, by_events: bool = False, **changes: Any) -> list[EpisodeRecord]:
        env = MultiAgentMicrogrids({**TEST, **changes})
        return [rollout(env, who, seed=day, day=day, by_events=by_events) for day in days]

    central = play()
    late = play(by_events=True, timing=TIMING)
    checks = {
        "by messages = centralized": play(centralized=False) == central,
        "by events without delays = steps": play(by_events=True) == central,
        "a seed gives the same day twice": play(by_events=True, timing=TIMING) == late,
        "every power flow converged": all(r.has_converged for r in (*central, *late)),
    }
    idle = play(IdlePolicy())
    print(f"\n{len(days)} test days                return [$ a day]   steps with violations")
    for name, records in (("trained", central), ("trained, late", late), ("do-nothing", idle)):
        mean = np.mean([r.episode_return for r in records])
        share = np.mean([r.violated_share for r in records])
        print(f"{name:24s} {mean:16.2f} {share:22.1%}")
    pairs = zip(central, late, strict=True)
    loss = bootstrap_mean([a.episode_return - b.episode_return for a, b in pairs])
    print(f"the timing costs {loss.mean:.2f} [{loss.low:.2f}, {loss.high:.2f}] $ a day\n")
    for name, holds in checks.items():
        print(f"{'PASS' if holds else 'FAIL'}  {name}")
    return {"checks": checks, "timing_cost": loss, "policy": policy}


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--trainer", choices=("ppo", "rules"), default="ppo", help="what is trained (ppo)")
    add("--iterations", type=int, default=10, help="of PPO, 480 steps each (10)")
    add("--days", type=int, default=12, help="test days (12)")
    add("--checkpoint", type=Path, help="validate this one of example 05; nothing is trained then")
    add("--test", action="store_true", help="a short run: 2 iterations, 3 test days")
    args = parser.parse_args(arguments)
    if args.test:
        args.iterations, args.days = 2, 3
    return args


def train(args: argparse.Namespace) -> Any:
    """Return what is to be validated."""
    if args.trainer == "rules" and args.checkpoint is None:
        return tune_rules(n_day=4 if args.test else 12)
    from heron.adapters.rllib import TrainedPolicy

    if args.checkpoint is not None:
        return TrainedPolicy.from_checkpoint(args.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        train_ppo(args.iterations, folder)
        return TrainedPolicy.from_checkpoint(folder)


def tune_rules(n_day: int) -> RuleBasedPolicy:
    """Return the rule of thumb with the quantiles that do best on training days."""
    env = MultiAgentMicrogrids({**CONFIG, "normalize_obs": False, "share_reward": True})
    days = np.linspace(0, env.n_day, n_day, endpoint=False, dtype=int).tolist()
    means = {}
    for cheap, dear in ((0.1, 0.9), (0.2, 0.85), (0.3, 0.7)):
        policy = RuleBasedPolicy(cheap=cheap, dear=dear)
        returns = [rollout(env, policy, seed=0, day=day).episode_return for day in days]
        means[cheap, dear] = float(np.mean(returns))
        print(f"quantiles {cheap:.2f} and {dear:.2f}: {means[cheap, dear]:.2f} $ a training day")
    cheap, dear = max(means, key=means.__getitem__)
    return RuleBasedPolicy(cheap=cheap, dear=dear)


def train_ppo(n_iteration: int, folder: str) -> None:
    """Train one policy for all agents in this process, and save it."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # the coming default; unset, Ray warns
    import ray

    from heron.adapters.rllib import ppo_config

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    config = ppo_config(
        ENTRY,
        {**CONFIG, "share_reward": True},
        reward_scale=REWARD_SCALE,
        train_batch_size=480,
        num_env_runners=0,
        use_gpu=False,
        seed=0,
    )
    try:
        algorithm = config.build_algo()
        for k in range(n_iteration):
            mean = algorithm.train()["env_runners"]["episode_return_mean"]
            print(f"iteration {k + 1:2d}: {mean:.2f} $ a training day")
        algorithm.save_to_path(folder)
        algorithm.stop()
        shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray leaves an empty ~/ray_results/...
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()
