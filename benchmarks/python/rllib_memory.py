"""Train for many iterations and watch the memory of the processes: it must stay where it is.

    python benchmarks/python/rllib_memory.py [--iterations 200] [--quick]

One worker samples with the batched runner, this process learns. Prints the resident memory of both
along the way; ends with exit code 1 if either grows after the first quarter.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

MOST_GROWTH_MB = 8.0  # between the means of the second and the last quarter


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and watch; return the exit code."""
    parser = argparse.ArgumentParser(description="Watch the memory of training.")
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="16 iterations")
    options = parser.parse_args(arguments)
    n = 16 if options.quick else options.iterations
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from sampling_speed.problem import ray_here

    with ray_here():
        memory = watch(n)
    quarters = np.array_split(memory, 4)
    growth = quarters[3].mean(axis=0) - quarters[1].mean(axis=0)
    for name, mb in zip(("worker", "learner"), growth, strict=True):
        print(f"{name}: {mb:+.1f} MB from the second quarter to the last")
    if options.quick:
        print("A short run: nothing is required of it.")
        return 0
    return 0 if (growth < MOST_GROWTH_MB).all() else 1


def watch(n_iteration: int) -> np.ndarray:
    """Return the resident memory of worker and learner after each iteration, MB, (n, 2)."""
    from sampling_speed.problem import make_config

    from heron.adapters.rllib import ArrayPPOLearner, BatchedEnvRunner

    config = make_config(
        32, train_batch_size=1600, minibatch_size=800, env_runner_cls=BatchedEnvRunner
    )
    config.env_runners(num_env_runners=1).training(learner_class=ArrayPPOLearner, num_epochs=2)
    algorithm = config.build_algo()
    memory = np.zeros((n_iteration, 2))
    for k in range(n_iteration):
        algorithm.train()
        (of_worker,) = algorithm.env_runner_group.foreach_env_runner(
            _resident_of_runner, local_env_runner=False
        )
        memory[k] = of_worker, _resident_mb()
        if k % max(1, n_iteration // 10) == 0:
            print(f"iteration {k:4d}: worker {of_worker:7.1f} MB, learner {memory[k, 1]:7.1f} MB")
    algorithm.stop()
    shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray has made it, empty
    return memory


def _resident_of_runner(runner: object) -> float:
    # Workers cannot import this file: everything they need is in here.
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096 / 1e6


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
