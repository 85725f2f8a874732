"""One training, which goes on where it was interrupted."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig

__all__ = ["CHECKPOINT", "PROGRESS", "Progress", "train"]

CHECKPOINT, PROGRESS = "checkpoint", "progress.json"
OWN_PENALTY = 10.0  # $ per unit of violation, in the setup
SAVE_EVERY_S = 60.0


@dataclass
class Progress:
    """How far a training has come.

    Attributes
    ----------
    n_step : list[int]
        Environment steps after each iteration.
    day_return : list[float]
        Mean return of a day that was sampled, exploring, at the setup's own penalty [$].
    violations : list[float]
        Mean summed safety of a day.
    wall_s, cpu_s : float
        Spent so far; the process alone.
    is_done : bool
        Whether it has come to the end.
    """

    n_step: list[int] = field(default_factory=list)
    day_return: list[float] = field(default_factory=list)
    violations: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    is_done: bool = False

    @classmethod
    def read(cls, folder: Path) -> Progress:
        """Return how far the training in this folder has come."""
        path = folder / PROGRESS
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else cls()


def train(
    config: PPOConfig,
    folder: Path,
    total_steps: int,
    *,
    max_cpu_s: float,
    tell: Callable[[str], None] = print,
) -> Progress:
    """Train until there have been so many steps, or the process has worked for so long.

    On a machine that does nothing else that is no less than the time that passes, and unlike that
    it does not count others' work.

    What there is in the folder of an interrupted training is gone on from.
    """
    progress = Progress.read(folder)
    if progress.is_done:
        return progress
    algorithm = config.build_algo()
    if (folder / CHECKPOINT).exists():
        algorithm.restore_from_path(str(folder / CHECKPOINT))
    saved = time.perf_counter()
    while not progress.is_done:
        wall, cpu = time.perf_counter(), time.process_time()
        result = algorithm.train()
        _note(progress, result)
        progress.wall_s += time.perf_counter() - wall
        progress.cpu_s += time.process_time() - cpu
        progress.is_done = progress.n_step[-1] >= total_steps or progress.cpu_s >= max_cpu_s
        if progress.is_done or time.perf_counter() - saved > SAVE_EVERY_S:
            _save(algorithm, progress, folder)
            saved = time.perf_counter()
        tell(
            f"{folder.name}: {progress.n_step[-1]:8d} steps   {progress.wall_s:5.0f} s   "
            f"CPU {progress.cpu_s:5.0f} s   "
            f"{progress.day_return[-1]:8.1f} $ a day   violations {progress.violations[-1]:.4f}"
        )
    algorithm.stop()
    shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray leaves an empty ~/ray_results/...
    return progress


def _note(progress: Progress, result: dict[str, Any]) -> None:
    infos = result["env_runners"]["episode_infos_mean"]
    progress.n_step.append(int(result["num_env_steps_sampled_lifetime"]))
    progress.violations.append(float(infos["safety"]))
    progress.day_return.append(-float(infos["cost"]) - OWN_PENALTY * float(infos["safety"]))


def _save(algorithm: Any, progress: Progress, folder: Path) -> None:
    """Put checkpoint and progress in the place of the former ones, which stay whole until then."""
    new = folder / f"{CHECKPOINT}.new"
    shutil.rmtree(new, ignore_errors=True)
    algorithm.save_to_path(str(new))
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    new.rename(folder / CHECKPOINT)
    text = folder / f"{PROGRESS}.new"
    text.write_text(json.dumps(asdict(progress)), encoding="utf-8")
    text.replace(folder / PROGRESS)
