"""Time RLlib's sampling and whole iterations of PPO: its own parts and ours; check them first.

    python benchmarks/python/rllib_speed.py [--quick] [--out FOLDER]

Compares episodes and train batches, times both runners and both learners in turns, and writes
rllib_speed.json, rllib_speed.md and rllib_speed.svg. The full run writes them where the repository
keeps them, renews the table in the README if it has one, and ends with exit code 1 if a requirement
is missed. The short run writes to build/benchmarks/quick, and requires nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from speed.command import conclude, options_of, told, write

PACKAGES = ("heron", "ray", "torch", "gymnasium", "numpy")


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    n_envs: Sequence[int]
    turn_s: float
    n_turn: int
    train_batch_size: int
    minibatch_size: int


FULL = Extent((1, 8, 32, 128), turn_s=1.5, n_turn=5, train_batch_size=4000, minibatch_size=1024)
QUICK = Extent((2, 4), turn_s=0.02, n_turn=2, train_batch_size=96, minibatch_size=64)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = options_of(arguments, "Time RLlib's parts and ours.", "rllib_speed.svg")
    # One thread, before NumPy or PyTorch ask how many there may be.
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HERON_CACHE_DIR", folder)  # which nobody else writes to meanwhile
        return run(options)


def run(options: argparse.Namespace) -> int:
    """Measure everything and write it down; return the exit code."""
    from powerflow_speed.clock import clock_ghz
    from sampling_speed import answers, iteration, sampling
    from sampling_speed.plots import draw
    from sampling_speed.problem import ray_here
    from sampling_speed.report import MARKS, Figures, content, page, readme_part
    from sampling_speed.required import requirements
    from speed.machine import describe_system
    from speed.markdown import put_between_marks
    from speed.measure import pin

    load_average = os.getloadavg()[0]
    extent = QUICK if options.quick else FULL
    with ray_here():
        pin()  # after Ray's own processes have started, which may use the other cores
        machine = describe_system(clock_ghz(), load_average, PACKAGES)
        errors = told("answers", lambda: {n: answers.check_runner(n) for n in extent.n_envs})
        told("train batches", lambda: answers.check_learner(max(extent.n_envs)))
        sampled = told(
            "sampling", lambda: sampling.measure(extent.n_envs, extent.turn_s, extent.n_turn)
        )
        sizes = {
            "train_batch_size": extent.train_batch_size, "minibatch_size": extent.minibatch_size
        }  # fmt: skip
        iterations = told(
            "iterations", lambda: iteration.measure(extent.n_envs, extent.n_turn, **sizes)
        )
    required = requirements(sampled, iterations)
    figures = Figures(
        machine, extent.n_turn, extent.minibatch_size, sampled, iterations, errors, required
    )
    text = page(figures)
    write(options.out, "rllib_speed", content(figures), text)
    draw(sampled, iterations, options.image)
    if options.readme:
        put_between_marks(options.readme, readme_part(figures), MARKS)
    return conclude(text, required, is_quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
