"""Train MAPPO and IPPO on a shipped setup, and compare what they learned with simple policies.

    python benchmarks/python/learning_report.py [--seeds 0 1 2] [--quick] [--out FOLDER]

Six trainings one after the other, each in a folder of its own under ``--runs``: one that is there
already is not repeated, and one that was interrupted goes on. Then every policy is played over the
test days of ``make table``, whose results are read, and over as many days between them, on which
the simple policies are played too. Writes learning.json, learning.md and learning.svg, and ends
with exit code 1 if a claim does not hold. ``--quick`` trains little, writes to
build/benchmarks/quick and claims nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from speed.command import QUICK, ROOT, complete, conclude, parser_of, told, write

TABLE = ROOT / "benchmarks" / "results" / "policy_table.json"
TOTAL_STEPS = 600_000
MAX_CPU_S = 15 * 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, judge, write; return the exit code."""
    options = parse(arguments)
    if options.one is not None:
        return train_one(options, *options.one)
    from learning.problem import ALGORITHMS, SEEDS
    from learning.training import Progress

    seeds = options.seeds or SEEDS
    for seed in seeds:
        for name in ALGORITHMS:  # each in a process of its own, whose time is its own
            if Progress.read(options.runs / f"{name}_{seed}").is_done:
                continue
            command = [*(arguments or sys.argv[1:]), "--one", name, str(seed)]
            subprocess.run([sys.executable, __file__, *command], check=True)
    return report(options, [(name, seed) for name in ALGORITHMS for seed in seeds])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = parser_of("Train MAPPO and IPPO, and judge what they learned.")
    parser.add_argument("--seeds", type=int, nargs="+", help="of the trainings (0 1 2)")
    parser.add_argument("--total-steps", type=int, help=f"environment steps ({TOTAL_STEPS})")
    parser.add_argument("--n-thread", type=int, default=1, help="of the networks (1)")
    parser.add_argument("--runs", type=Path, help="folder of the trainings (build/learning)")
    parser.add_argument("--one", nargs=2, metavar=("ALGORITHM", "SEED"), help=argparse.SUPPRESS)
    options = complete(parser.parse_args(arguments), "learning.svg")
    options.runs = options.runs or (QUICK / "runs" if options.quick else ROOT / "build/learning")
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
    from learning.judging import Peers, days_between, judge, play, verdict_content
    from learning.problem import RATING_SHARE, SETTINGS, SETUP, TRAINING
    from learning.report import Judged, draw, page, requirements
    from learning.training import CHECKPOINT, Progress
    from policy_table import description

    from powergrid.setups.loader import load_setup

    about = description(SETUP, load_setup(SETUP))
    table = Peers.read(TABLE, about["config_sha256"])
    n_other = 2 if options.quick else len(table.days)
    others = told(
        "simple policies on other days",
        lambda: Peers.measured(SETUP, days_between(table.days)[:n_other]),
    )
    folders = {(name, seed): options.runs / f"{name}_{seed}" for name, seed in runs}
    progresses = {run: Progress.read(folder) for run, folder in folders.items()}
    judged = [
        Judged(
            peers,
            {r: judge(play(SETUP, f / CHECKPOINT, peers.days), peers) for r, f in folders.items()},
        )
        for peers in (table, others)
    ]
    required = requirements(*judged)
    machine = about["machine"]
    origin = (
        f"Configuration {about['config_sha256'][:12]}; {machine['processor']}, "
        f"{machine['n_cpu']} CPUs, Python {machine['python']}."
    )
    image = os.path.relpath(options.image, options.out)
    text = page(SETUP, progresses, judged, required, image, origin)
    content = {
        **about,
        "training": {**TRAINING, **SETTINGS, "rating_share": RATING_SHARE},
        "runs": [
            {
                "algorithm": name,
                "seed": seed,
                **asdict(progresses[name, seed]),
                "table_days": verdict_content(judged[0].verdicts[name, seed]),
                "other_days": verdict_content(judged[1].verdicts[name, seed]),
            }
            for name, seed in runs
        ],
        "table_days": table.days,
        "other_days": others.content(),
        "requirements": [asdict(requirement) for requirement in required],
    }
    write(options.out, "learning", content, text)
    draw(progresses, table, options.image)
    return conclude(text, required, is_quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
