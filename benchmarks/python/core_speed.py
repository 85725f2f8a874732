"""Time the core against its peers, in turns on one core, and check that it is fast enough.

    python benchmarks/python/core_speed.py [--quick] [--out FOLDER]

Builds the C++ programs, checks every answer, times everything, and writes core_speed.json,
core_speed.md and event_cost.svg. The full run writes them where the repository keeps them, renews
the table in the README, and ends with exit code 1 if a required ratio is missed. The short run
writes to build/benchmarks/quick, and its figures are too rough to require anything of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speed.command import ROOT, complete, conclude, parser_of, write
from speed.decisions import check_decisions, measure_decisions, measure_gather
from speed.handlers import check_handlers, measure_handlers
from speed.loops import check_loops, has_simpy, measure_growth, measure_loops
from speed.machine import describe
from speed.markdown import put_between_marks
from speed.measure import Measurement, pin
from speed.messages import measure_messages
from speed.native import build
from speed.report import MARKS, content, draw, page, readme_part
from speed.requirements import requirements


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    n_agents: Sequence[int]
    n_pending: Sequence[int]
    share: float  # of the units of work that a full turn has
    n_turn: int


FULL = Extent((10, 1_000, 100_000), (10, 100, 1_000, 10_000, 100_000, 1_000_000), 1.0, 5)
QUICK = Extent((10, 1_000), (10, 1_000), 0.02, 3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = parse(arguments)
    load_average = os.getloadavg()[0]
    program = build(options.build)
    pin()
    machine = describe(program, load_average)
    check_loops(program)
    check_handlers()
    check_decisions()
    extent = QUICK if options.quick else FULL
    tables = measure(program, extent)
    required = requirements(tables["loops"] + tables["handlers"] + tables["decisions"], machine)
    figures = (machine, extent.n_turn, tables, required)
    text = page(*figures)
    write(options.out, "core_speed", content(*figures), text)
    draw(tables["growth"], options.image)
    if options.readme:
        put_between_marks(options.readme, readme_part(*figures[:3]), MARKS)
    return conclude(text, required, is_quick=options.quick)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = parser_of("Time the core against its peers.")
    parser.add_argument(
        "--build", type=Path, default=ROOT / "build" / "benchmarks", help="folder of the C++ build"
    )
    options = parser.parse_args(arguments)
    return complete(options, "event_cost.svg", options.build / "quick")


def measure(program: Path, extent: Extent) -> dict[str, list[Measurement]]:
    """Measure every group."""
    if not has_simpy():
        print("SimPy is not installed (extra bench): its rows are left out.", file=sys.stderr)
    share, n_turn = extent.share, extent.n_turn
    groups: dict[str, Callable[[], list[Measurement]]] = {
        "loops": lambda: measure_loops(program, extent.n_agents, share, n_turn),
        "handlers": lambda: measure_handlers(extent.n_agents, share, n_turn),
        "decisions": lambda: measure_decisions(share, n_turn),
        "messages": lambda: measure_messages(program, share, n_turn),
        "gather": lambda: measure_gather(share, n_turn),
        "growth": lambda: measure_growth(program, extent.n_pending, share, n_turn),
    }
    tables = {}
    for name, work in groups.items():
        began = time.perf_counter()
        tables[name] = work()
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return tables


if __name__ == "__main__":
    sys.exit(main())
