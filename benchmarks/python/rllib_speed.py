"""Time RLlib's sampling and whole iterations of PPO: its own parts and ours; check them first.

    python benchmarks/python/rllib_speed.py [--quick] [--out FOLDER]

Compares episodes and train batches, times both runners and both learners in turns, and writes
rllib_speed.json, rllib_speed.md and rllib_speed.svg. The full run writes them where the repository
keeps them, renews the table in the README if it has one, and ends with exit code 1 if a requirement
is missed. The short run writes to build/benchmarks/quick, and requires nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("heron", "ray", "torch", "gymnasium", "numpy")
Answer = TypeVar("Answer")


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
    options = parse(arguments)
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
    options.out.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content(figures), indent=1)
    (options.out / "rllib_speed.json").write_text(data + "\n", encoding="utf-8")
    text = page(figures)
    (options.out / "rllib_speed.md").write_text(text, encoding="utf-8")
    draw(sampled, iterations, options.image)
    if options.readme and MARKS[0] in options.readme.read_text(encoding="utf-8"):
        put_between_marks(options.readme, readme_part(figures), MARKS)
    print(text)
    if options.quick:
        print("A short run: the figures are rough, and nothing is required of them.")
        return 0
    return 0 if all(r.holds for r in required if r.is_required) else 1


def told(name: str, measure: Callable[[], Answer]) -> Answer:
    """Measure something and say how long that took."""
    began = time.perf_counter()
    answer = measure()
    print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return answer


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time RLlib's parts and ours.")
    parser.add_argument("--quick", action="store_true", help="a run of seconds, checks included")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--image", type=Path, help="where the plot goes")
    parser.add_argument("--readme", type=Path, help="file whose table is renewed")
    options = parser.parse_args(arguments)
    if not options.quick and options.out is None:
        options.readme = options.readme or ROOT / "README.md"
        options.image = options.image or ROOT / "docs" / "images" / "rllib_speed.svg"
    options.out = options.out or (
        ROOT / "build" / "benchmarks" / "quick"
        if options.quick
        else ROOT / "benchmarks" / "results"
    )
    options.image = options.image or options.out / "rllib_speed.svg"
    return options


if __name__ == "__main__":
    sys.exit(main())
