"""Time the environment: its reference, the single one, batches, a peer; check the answers first.

    python benchmarks/python/env_speed.py [--quick] [--out FOLDER]

Compares every answer with the reference's, times everything in turns, and writes env_speed.json,
env_speed.md and env_speed.svg. The full run writes them where the repository keeps them, renews the
table in the README, and ends with exit code 1 if a requirement is missed. The short run writes to
build/benchmarks/quick, and its figures are too rough to require anything of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

from environment_speed import grid2op_peer, memory, stages
from environment_speed.groups import Extent, make_compared, measure_steps, measure_threads
from environment_speed.plots import draw
from environment_speed.report import MARKS, Figures, content, page, readme_part
from environment_speed.required import requirements
from powerflow_speed.clock import clock_ghz
from speed.command import conclude, keep_to_one_thread, options_of, told, write
from speed.machine import describe_system
from speed.markdown import put_between_marks
from speed.measure import pin

PACKAGES = ("heron", "pandapower", "grid2op", "lightsim2grid", "pettingzoo", "numpy", "numba")
FULL = Extent(
    lanes=(8, 64, 256, 1024, 4096, 16384),
    lanes_of_stages=(64, 1024),
    lanes_of_memory=(64, 1024, 4096, 16384),
    turn_s=0.5,
    n_turn=5,
)
QUICK = Extent(
    lanes=(8, 64), lanes_of_stages=(64,), lanes_of_memory=(8, 256), turn_s=0.01, n_turn=2
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = options_of(arguments, "Time the environment against its reference.", "env_speed.svg")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HERON_CACHE_DIR", folder)  # which nobody else writes to meanwhile
        return run(options)


def run(options: argparse.Namespace) -> int:
    """Measure everything and write it down; return the exit code."""
    load_average = os.getloadavg()[0]
    pin()
    machine = describe_system(clock_ghz(), load_average, PACKAGES)
    if not grid2op_peer.is_installed():
        print("Grid2Op is left out: its package (extra bench) is missing.", file=sys.stderr)
    extent = QUICK if options.quick else FULL
    compared = make_compared()  # fills the cache, so that no other process loads pandapower
    by_size = told("memory", lambda: memory.measure(list(extent.lanes_of_memory)))
    steps = told("steps", lambda: measure_steps(extent, compared))
    by_stage = told(
        "stages", lambda: stages.measure(extent.lanes_of_stages, extent.turn_s, extent.n_turn)
    )
    threads, gains = told("threads", lambda: measure_threads(extent, compared))
    required = requirements(steps, threads, gains)
    figures = Figures(machine, extent.n_turn, steps, threads, gains, by_stage, by_size, required)
    text = page(figures)
    write(options.out, "env_speed", content(figures), text)
    draw(steps, threads, by_stage, options.image)
    if options.readme:
        put_between_marks(options.readme, readme_part(figures), MARKS)
    return conclude(text, required, is_quick=options.quick)


if __name__ == "__main__":
    keep_to_one_thread()
    sys.exit(main())
