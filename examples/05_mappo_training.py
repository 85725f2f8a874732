"""Train microgrid agents with PPO, then compare them with simple policies on unseen days.

All agents share one policy (or have one each with ``--independent-policies``) and, unless
``--no-share-reward`` is given, one reward. After training the policy is saved, loaded again from
its checkpoint, and played on days of the test split beside the do-nothing, the random and the
rule-based policy.

    python examples/05_mappo_training.py --test                  # a few minutes
    python examples/05_mappo_training.py --iterations 100        # a training worth the name
    python examples/05_mappo_training.py --resume runs/05_mappo_training/checkpoint

Written to ``--output-dir``: ``checkpoint/``, ``learning_curve.png``, ``results.json``.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

ENTRY = "powergrid.envs.multi_agent_microgrids:MultiAgentMicrogrids"
SETUP = "ieee34_ieee13"
REWARD_SCALE = 0.05  # a day's return of an agent is some hundred dollars; the learner sees tens


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, save, load, evaluate; return what ``results.json`` holds."""
    args = parse_arguments(arguments)
    output = args.output_dir.resolve()
    output.mkdir(parents=True, exist_ok=True)
    start_ray(args.num_workers)
    import ray

    try:
        returns = train(args, output)
    finally:
        ray.shutdown()
    plot_returns(returns, output / "learning_curve.png")
    table = evaluate(args, output / "checkpoint") if args.eval_episodes else {}
    results = {"episode_return_mean": returns, "evaluation": table}
    (output / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {output}: checkpoint, learning_curve.png, results.json")
    return results


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--iterations", type=int, default=3, help="training iterations (3)")
    add("--steps-per-iteration", type=int, help="environment steps an iteration (2400)")
    add("--test", action="store_true", help="a short run: 3 iterations of 480 steps")
    add(
        "--share-reward",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="pay every agent the mean reward (on)",
    )
    add("--independent-policies", action="store_true", help="one policy for each agent")
    add("--num-workers", type=int, default=2, help="sampling processes; 0 samples here (2)")
    add("--no-cuda", action="store_true", help="learn on the CPU even if there is a GPU")
    add("--seed", type=int, default=0, help="of networks, episodes and evaluation (0)")
    add("--output-dir", type=Path, default=Path("runs/05_mappo_training"))
    add("--resume", type=Path, help="checkpoint to go on from")
    add("--eval-episodes", type=int, default=5, help="test days for the comparison; 0 for none (5)")
    add("--wandb", action="store_true", help="log an offline Weights & Biases run")
    add("--wandb-project", default="heron", help="its project (heron)")
    args = parser.parse_args(arguments)
    if args.test:
        args.iterations = 3
    if args.steps_per_iteration is None:
        args.steps_per_iteration = 480 if args.test else 2400
    n_cpu = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if args.num_workers > (n_cpu or 1):
        warnings.warn(
            f"--num-workers {args.num_workers} exceeds the {n_cpu} CPUs here; using {n_cpu}: Ray "
            f"would wait for ever for the others",
            stacklevel=2,
        )
        args.num_workers = n_cpu
    return args


def start_ray(num_workers: int) -> None:
    """Start Ray on this machine alone: no dashboard, no reports, no chatter."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # the coming default; unset, Ray warns
    import ray

    ray.init(
        num_cpus=max(num_workers, 1),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)


def environment_config(args: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    """Return the setup's configuration as training and evaluation use it."""
    from powergrid.setups.loader import load_setup

    config = load_setup(SETUP)
    return {**config, "share_reward": args.share_reward, "normalize_obs": True, **changes}


def train(args: argparse.Namespace, output: Path) -> list[float]:
    """Train and save; return the mean episode return of each iteration, summed over agents [$]."""
    import torch

    from heron.adapters.rllib import ppo_config

    log = start_wandb(args, output)
    config = ppo_config(
        ENTRY,
        environment_config(args),
        independent_policies=args.independent_policies,
        reward_scale=REWARD_SCALE,
        train_batch_size=args.steps_per_iteration,
        num_env_runners=args.num_workers,
        use_gpu=torch.cuda.is_available() and not args.no_cuda,
        seed=args.seed,
    )
    algorithm = config.build_algo()
    if args.resume is not None:
        algorithm.restore_from_path(str(args.resume.resolve()))
    returns: list[float] = []
    with tqdm(range(args.iterations), desc="training", unit="iteration") as progress:
        for _ in progress:
            result = algorithm.train()
            mean = float(result["env_runners"]["episode_return_mean"])
            if not math.isfinite(mean):
                raise FloatingPointError(f"the mean return is {mean}")
            returns.append(mean)
            n_step = int(result["num_env_steps_sampled_lifetime"])
            tqdm.write(
                f"iteration {algorithm.iteration:3d}   mean return {mean:10.2f} $ a day   "
                f"after {n_step} steps"
            )
            if log is not None:
                log.log({"episode_return_mean": mean, "num_env_steps": n_step})
    if log is not None:
        log.finish()
    algorithm.save_to_path(str(output / "checkpoint"))
    algorithm.stop()
    shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray leaves an empty ~/ray_results/...
    return returns


def start_wandb(args: argparse.Namespace, output: Path) -> Any:
    """Return an offline run under the output folder, to be sent later with ``wandb sync``."""
    if not args.wandb:
        return None
    os.environ["WANDB_ERROR_REPORTING"] = "false"  # nothing leaves the machine
    import wandb

    return wandb.init(
        project=args.wandb_project,
        dir=output,
        mode="offline",
        config={key: str(value) for key, value in vars(args).items()},
    )


def plot_returns(returns: list[float], path: Path) -> None:
    """Draw the learning curve."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(np.arange(1, len(returns) + 1), returns, marker="o")
    axes.set(xlabel="iteration", ylabel="mean return [$ a day, all agents]", title=SETUP)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def evaluate(args: argparse.Namespace, checkpoint: Path) -> dict[str, dict[str, float]]:
    """Play test days with the policy from the checkpoint and with simple ones; print a table."""
    from heron.adapters.rllib import TrainedPolicy
    from powergrid.baselines import IdlePolicy, RandomPolicy, RuleBasedPolicy, rollout
    from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

    env = MultiAgentMicrogrids(environment_config(args, train=False))
    days = np.linspace(0, 364, args.eval_episodes, endpoint=False, dtype=int)
    policies = [
        TrainedPolicy.from_checkpoint(checkpoint),
        IdlePolicy(),
        RandomPolicy(),
        RuleBasedPolicy(),
    ]
    table: dict[str, dict[str, float]] = {}
    with tqdm(total=len(policies) * len(days), desc="evaluation", unit="day") as progress:
        for policy in policies:
            records = []
            for day in days.tolist():
                records.append(rollout(env, policy, seed=args.seed + day, day=day))
                progress.update()
            table[policy.name] = {
                "return": float(np.mean([r.episode_return for r in records])),
                "cost": float(np.mean([r.cost for r in records])),
                "energy_bought_mwh": float(np.mean([r.energy_bought_mwh for r in records])),
                "violated_steps_percent": 100.0
                * float(np.mean([r.violated_share for r in records])),
            }
    print(f"\n{len(days)} days of the test split, means a day over all agents")
    print("policy          return [$]     cost [$]  bought [MWh]  steps with violations")
    for name, row in table.items():
        print(
            f"{name:12s} {row['return']:12.2f} {row['cost']:12.2f} "
            f"{row['energy_bought_mwh']:13.2f} {row['violated_steps_percent']:20.1f} %"
        )
    return table


if __name__ == "__main__":
    main()
