"""Train for many iterations and watch the memory of the processes: it must stay where it is.

    python benchmarks/python/rllib_memory.py [--quick] [--out FOLDER]

One worker samples with the batched runner, this process learns. Writes rllib_memory.json and
rllib_memory.md, and ends with exit code 1 if the memory of either grows. The short run writes to
build/benchmarks/quick.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("heron", "ray", "torch", "numpy")
N_ENV = 32
N_STEP = 1600  # of an iteration
N_ITERATION = {"full": 200, "quick": 24}
# Growth from the second quarter's mean to the last one's: a leak of one observation a step would
# be 14 and 100 MB. Allocators need some iterations until they have what they will ever need.
MOST_GROWTH_MB = 2.0
PROCESSES = ("worker, which samples", "main process, which learns")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and watch; return the exit code."""
    parser = argparse.ArgumentParser(description="Watch the memory of training.")
    parser.add_argument("--quick", action="store_true", help="a run of a minute")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    usual = "build/benchmarks/quick" if options.quick else "benchmarks/results"
    out = options.out or ROOT / usual
    os.environ["OMP_NUM_THREADS"] = "1"
    from powerflow_speed.clock import clock_ghz
    from sampling_speed.problem import ray_here
    from speed.machine import describe_system

    load_average = os.getloadavg()[0]
    with ray_here():
        memory = watch(N_ITERATION["quick" if options.quick else "full"])
    grown = growth(memory)
    machine = describe_system(clock_ghz(), load_average, PACKAGES)
    out.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content(memory, machine), indent=1)
    (out / "rllib_memory.json").write_text(data + "\n", encoding="utf-8")
    text = page(memory, machine)
    (out / "rllib_memory.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if (grown <= MOST_GROWTH_MB).all() else 1


def watch(n_iteration: int) -> np.ndarray:
    """Return the memory of worker and main process after each iteration [MB], (n_iteration, 2)."""
    from sampling_speed.problem import make_config

    from heron.adapters.rllib import ArrayPPOLearner, BatchedEnvRunner

    config = make_config(
        N_ENV, train_batch_size=N_STEP, minibatch_size=800, env_runner_cls=BatchedEnvRunner
    )
    config.env_runners(num_env_runners=1).training(learner_class=ArrayPPOLearner, num_epochs=2)
    algorithm = config.build_algo()
    memory = np.zeros((n_iteration, len(PROCESSES)))
    for row in memory:
        algorithm.train()
        (of_worker,) = algorithm.env_runner_group.foreach_env_runner(
            memory_of_runner, local_env_runner=False
        )
        row[:] = of_worker, memory_of_runner(None)
    algorithm.stop()
    shutil.rmtree(algorithm.logdir, ignore_errors=True)  # Ray has made it, empty
    return memory


def growth(memory: np.ndarray) -> np.ndarray:
    """Return how much the last quarter's mean is above the second one's [MB], (2,)."""
    _, second, _, last = (quarter.mean(axis=0) for quarter in np.array_split(memory, 4))
    return np.asarray(last - second)


def memory_of_runner(runner: object) -> float:
    """Return the memory of this process that is not mapped from files or shared [MB]."""
    # Workers cannot import this file: everything they need is in here.
    import re
    from pathlib import Path

    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024e-6


def content(memory: np.ndarray, machine: dict[str, Any]) -> dict[str, Any]:
    """Return what was found, for JSON."""
    return {
        "machine": machine,
        "environments": N_ENV,
        "steps_of_an_iteration": N_STEP,
        "memory_mb": {
            name: of_process.round(2).tolist()
            for name, of_process in zip(PROCESSES, memory.T, strict=True)
        },
        "growth_mb": dict(zip(PROCESSES, growth(memory).round(2).tolist(), strict=True)),
        "most_growth_mb": MOST_GROWTH_MB,
    }


def page(memory: np.ndarray, machine: dict[str, Any]) -> str:
    """Return the page with the memory along the way."""
    from speed.markdown import table

    n = len(memory)
    shown = sorted({0, *range(n // 10 - 1, n, max(1, n // 10)), n - 1})
    body = [
        [name, *(f"{of_process[k]:.1f}" for k in shown), f"{grown:+.2f}", _verdict(grown)]
        for name, of_process, grown in zip(PROCESSES, memory.T, growth(memory), strict=True)
    ]
    head = ["MB, after iteration", *(str(k + 1) for k in shown), "growth", ""]
    versions = ", ".join(f"{name} {v}" for name, v in machine["packages"].items())
    text = (
        f"`make leak-rllib` on {machine['processor']}, {machine['python']}, {versions}: PPO with "
        f"`BatchedEnvRunner` in a worker and `ArrayPPOLearner`, {N_ENV} environments of three "
        f"microgrids and {N_STEP:,} steps an iteration. Memory is what a process has of its own, "
        f"without files and without what it shares. Growth is from the mean of the second quarter "
        f"of the iterations to that of the last, and may be {MOST_GROWTH_MB:g} MB."
    )
    parts = ["# Memory of training with RLlib", textwrap.fill(text, 100), table(head, body)]
    return "\n\n".join(parts) + "\n"


def _verdict(grown: float) -> str:
    return "holds" if grown <= MOST_GROWTH_MB else "FAILS"


if __name__ == "__main__":
    sys.exit(main())
