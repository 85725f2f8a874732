"""Train MAPPO and IPPO on a shipped setup, and compare what they learned with simple policies.

    python benchmarks/python/learning_report.py [--seeds 0 1 2] [--quick] [--out FOLDER]

Six trainings one after the other, each in a folder of its own under ``--runs``: one that is there
already is not repeated, and one that was interrupted goes on. Then every policy is played over the
test days of ``make table``, whose results are read. Writes learning.json, learning.md and
learning.svg, and ends with exit code 1 if a claim does not hold. ``--quick`` trains little, writes
to build/benchmarks/quick and claims nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
TOTAL_STEPS = 600_000
MAX_CPU_S = 15 * 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, judge, write; return the exit code."""
    options = parse(arguments)
    if options.one is not None:
        return train_one(options, *options.one)
    from learning.problem import ALGORITHMS, SEEDS

    runs = [(name, seed) for name in ALGORITHMS for seed in options.seeds or SEEDS]
    for name, seed in sorted(
        runs, key=lambda run: run[1]
    ):  # each in a process of its own, whose time is its own
        command = [sys.executable, __file__, *(arguments or sys.argv[1:]), "--one", name, str(seed)]
        subprocess.run(command, check=True)
    return report(options, runs)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", help="of the trainings (0 1 2)")
    parser.add_argument("--quick", action="store_true", help="a few iterations, for a test")
    parser.add_argument("--total-steps", type=int, help=f"environment steps ({TOTAL_STEPS})")
    parser.add_argument("--n-thread", type=int, default=1, help="of the networks (1)")
    parser.add_argument("--runs", type=Path, help="folder of the trainings (build/learning)")
    parser.add_argument("--out", type=Path, help="folder of the report (benchmarks/results)")
    parser.add_argument("--one", nargs=2, metavar=("ALGORITHM", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    quick = ROOT / "build" / "benchmarks" / "quick"
    options.runs = options.runs or (quick / "runs" if options.quick else ROOT / "build/learning")
    options.out = options.out or (quick if options.quick else RESULTS)
    options.total_steps = options.total_steps or (480 if options.quick else TOTAL_STEPS)
    return options


def train_one(options: argparse.Namespace, algorithm: str, seed: str) -> int:
    """Do one training, or what is left of it."""
    os.environ["OMP_NUM_THREADS"] = str(options.n_thread)
    import torch
    from learning.problem import make_config
    from learning.training import train
    from sampling_speed.problem import ray_here

    torch.set_num_threads(options.n_thread)
    folder = options.runs / f"{algorithm}_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    n_lane = 10 if options.quick else 128
    config = make_config(algorithm, int(seed), options.total_steps, n_lane)
    with ray_here():
        train(
            config, folder.resolve(), options.total_steps, max_cpu_s=MAX_CPU_S,
            tell=lambda line: print(line, flush=True),
        )  # fmt: skip
    return 0


def report(options: argparse.Namespace, runs: Sequence[tuple[str, int]]) -> int:
    """Judge all trainings and write the report."""
    from learning.judging import Peers, judge, play, verdict_content
    from learning.problem import SETTINGS, SETUP, TRAINING, VOLTAGE_MARGIN_PU
    from learning.report import claims, draw, page
    from learning.training import CHECKPOINT, PROGRESS, Progress
    from policy_table import description

    from powergrid.setups.loader import load_setup

    about = description(SETUP, load_setup(SETUP))
    peers = Peers.read(RESULTS / "policy_table.json", about["config_sha256"])
    progresses, verdicts = {}, {}
    for name, seed in runs:
        folder = options.runs / f"{name}_{seed}"
        told = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        progresses[name, seed] = Progress(**told)
        verdicts[name, seed] = judge(play(SETUP, folder / CHECKPOINT, peers.days), peers)
    machine = about["machine"]
    origin = (
        f"Configuration {about['config_sha256'][:12]}; {machine['processor']}, "
        f"{machine['n_cpu']} CPUs, Python {machine['python']}."
    )
    text = page(SETUP, progresses, verdicts, peers, origin)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    content = {
        **about,
        "training": {**TRAINING, **SETTINGS, "voltage_margin_pu": VOLTAGE_MARGIN_PU},
        "days": peers.days,
        "runs": [
            {
                "algorithm": name,
                "seed": seed,
                **asdict(progresses[name, seed]),
                "verdict": verdict_content(verdict),
            }
            for (name, seed), verdict in verdicts.items()
        ],
        "claims": [{"text": said, "holds": holds} for said, holds in claims(verdicts)],
    }
    out = options.out
    (out / "learning.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (out / "learning.md").write_text(text, encoding="utf-8")
    draw(progresses, peers, out / "learning.svg")
    return 0 if options.quick or all(holds for _, holds in claims(verdicts)) else 1


if __name__ == "__main__":
    sys.exit(main())
