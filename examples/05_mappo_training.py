"""Train microgrid agents with MAPPO, then compare them with simple policies on unseen days.

``--algo mappo``: all agents share one policy, and the critic, which only training needs, sees the
state of the whole environment. ``ppo``: the critic sees what its agent sees. ``ippo``, or
``--independent-policies``: a policy for each agent. After training the policy is loaded again from
its checkpoint, without Ray, and played on days of the test split beside the do-nothing, the random
and the rule-based policy; with ``--event-driven-test`` also under delays, jitter and loss, and a
report says which of these costs how much.

    python examples/05_mappo_training.py --test                  # a few minutes
    python examples/05_mappo_training.py --iterations 200        # a training worth the name
    python examples/05_mappo_training.py --iterations 100 --resume runs/05_mappo_training/checkpoint

Written to ``--output-dir``: ``checkpoint/`` (every ten iterations, so that a training that was
killed goes on with ``--resume``), ``tensorboard/``, ``learning_curve.png``, ``results.json``, and
``attribution.md``. By hand the same is ``ppo_config(...)``, see docs/training.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

SETUP = "ieee34_ieee13"
HOURS = 24  # an episode is a day
SAVE_EVERY = 10  # iterations
REWARD_SCALE = 0.05  # a day's return of an agent is some hundred dollars; the learner sees tens
# The timing of ``--event-driven-test``: information is minutes old, commands are late or lost.
TIMING: dict[str, Any] = {
    "coordinator": {
        "obs_delay": 600.0, "msg_delay": 30.0,
        "jitter_type": "gaussian", "jitter_ratio": 0.1,
    },
    "field": {"tick_interval": 60.0, "act_delay": 60.0},
    "faults": {"loss": 0.1},
}  # fmt: skip


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
    results: dict[str, Any] = {"episode_return_mean": returns, "evaluation": table}
    if args.event_driven_test:
        results["event_driven"] = attribute(args, output)
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
    add("--algo", choices=("mappo", "ppo", "ippo"), default="mappo", help="see above (mappo)")
    add("--independent-policies", action="store_true", help="one policy for each agent")
    add("--safety-limit", type=float, help="violations of a day that training may come to")
    add("--num-workers", type=int, default=2, help="sampling processes; 0 samples here (2)")
    add("--no-cuda", action="store_true", help="learn on the CPU even if there is a GPU")
    add("--seed", type=int, default=0, help="of networks, episodes and evaluation (0)")
    add("--output-dir", type=Path, default=Path("runs/05_mappo_training"))
    add("--resume", type=Path, help="checkpoint to go on from")
    add("--eval-episodes", type=int, default=5, help="test days for the comparison; 0 for none (5)")
    add("--event-driven-test", action="store_true", help="judge it under delays, jitter and loss")
    add(
        "--tensorboard",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write curves for TensorBoard (on)",
    )
    add("--mlflow", action="store_true", help="log a run to MLflow, in the output folder")
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


def training_config(args: argparse.Namespace) -> Any:
    """Return RLlib's configuration."""
    import torch

    from heron.adapters.rllib import ppo_config

    is_independent = args.independent_policies or args.algo == "ippo"
    n_lane = args.steps_per_iteration // (HOURS * max(args.num_workers, 1))
    return ppo_config(
        SETUP,
        environment_config(args),
        share="none" if is_independent else "all",
        central_critic=args.algo == "mappo",
        lagrangian=None if args.safety_limit is None else {"limit": args.safety_limit},
        finite_horizon=True,  # a day's return is all that counts
        gamma=1.0,
        reward_scale=REWARD_SCALE,
        train_batch_size=args.steps_per_iteration,
        num_env_runners=args.num_workers,
        num_envs_per_env_runner=max(n_lane, 8),  # an iteration is a day of each
        use_gpu=torch.cuda.is_available() and not args.no_cuda,
        seed=args.seed,
    )


def environment_config(args: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    """Return the setup's configuration as training and evaluation use it."""
    from powergrid.setups.loader import load_setup

    config = load_setup(SETUP)
    return {**config, "share_reward": args.share_reward, "normalize_obs": True, **changes}


def train(args: argparse.Namespace, output: Path) -> list[float]:
    """Train and save; return the mean episode return of each iteration, summed over agents [$]."""
    algorithm = training_config(args).build_algo()
    if args.resume is not None:
        algorithm.restore_from_path(str(args.resume.resolve()))
    logs = start_logs(args, output)
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
            infos = result["env_runners"]["episode_infos_mean"]
            values = {"episode_return_mean": mean}
            values |= {name: float(infos[name]) for name in ("cost", "safety") if name in infos}
            for log in logs:
                log.add(values, n_step)
            if algorithm.iteration % SAVE_EVERY == 0:
                save(algorithm, output / "checkpoint")
    for log in logs:
        log.close()
    save(algorithm, output / "checkpoint")
    algorithm.stop()
    shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray leaves an empty ~/ray_results/...
    return returns


def save(algorithm: Any, folder: Path) -> None:
    """Put a checkpoint in the place of the former one, which stays whole until then."""
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    algorithm.save_to_path(str(new))
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


class Log:
    """Curves for one of the tools that show them.

    Parameters
    ----------
    add : callable
        Takes values by name, and the number of environment steps.
    close : callable
        Ends the log.
    """

    def __init__(
        self, add: Callable[[dict[str, float], int], None], close: Callable[[], None]
    ) -> None:
        self.add, self.close = add, close


def start_logs(args: argparse.Namespace, output: Path) -> list[Log]:
    """Return the logs that were asked for; nothing leaves the machine."""
    settings = {key: str(value) for key, value in vars(args).items()}
    logs = []
    if args.tensorboard:
        from tensorboardX import SummaryWriter  # Ray brings it along

        writer = SummaryWriter(str(output / "tensorboard"))

        def write(values: dict[str, float], n_step: int) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, n_step)

        logs.append(Log(write, writer.close))
    if args.mlflow:
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{output / 'mlflow.db'}")
        mlflow.set_experiment("heron")
        mlflow.start_run(run_name=args.algo)
        mlflow.log_params(settings)
        logs.append(Log(lambda values, n: mlflow.log_metrics(values, step=n), mlflow.end_run))
    if args.wandb:
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        import wandb

        # To be sent later with ``wandb sync``.
        run = wandb.init(project=args.wandb_project, dir=output, mode="offline", config=settings)
        logs.append(Log(lambda values, n: run.log({**values, "num_env_steps": n}), run.finish))
    return logs


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


def attribute(args: argparse.Namespace, output: Path) -> dict[str, Any]:
    """Play test days by events under `TIMING`, print and save what each cause of it costs."""
    from heron.adapters.rllib import TrainedPolicy
    from powergrid.evaluation import attribution_report

    policy = TrainedPolicy.from_checkpoint(output / "checkpoint").batched()
    days = np.linspace(0, 364, max(args.eval_episodes, 2), endpoint=False, dtype=int).tolist()
    config = environment_config(args, train=False)
    report = attribution_report(policy, config, TIMING, n_seed=len(days), days=days)
    print(f"\n{report}")
    (output / "attribution.md").write_text(f"{report}\n", encoding="utf-8")
    return {cause: found.episode_return.tolist() for cause, found in report.evaluations.items()}


if __name__ == "__main__":
    main()
