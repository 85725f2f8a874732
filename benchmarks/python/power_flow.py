"""Time the power flow against published packages, on one circuit, and check that it is fast enough.

    python benchmarks/python/power_flow.py [--quick] [--out FOLDER]

Checks every answer against pandapower, times everything in turns, and writes power_flow.json,
power_flow.md and power_flow_speed.svg. The full run writes them where the repository keeps them,
renews the table in the README, and ends with exit code 1 if a requirement is missed. The short run
writes to build/benchmarks/quick, and its figures are too rough to require anything of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial

from powerflow_speed.clock import clock_ghz
from powerflow_speed.groups import Extent, measure_group, missing_peers
from powerflow_speed.growth import Growth, copy_gb_s, count_instructions
from powerflow_speed.plots import draw
from powerflow_speed.problems import COMBINED, NETWORKS
from powerflow_speed.report import MARKS, Figures, content, page, readme_part
from powerflow_speed.required import requirements
from speed.command import ROOT, conclude, options_of, told, write
from speed.machine import describe_system
from speed.markdown import put_between_marks
from speed.measure import pin
from speed.native import build

BUILD = ROOT / "build" / "benchmarks"
PACKAGES = (
    "heron",
    "pandapower",
    "lightsim2grid",
    "power-grid-model",
    "opendssdirect.py",
    "numpy",
    "numba",
)
FULL = Extent(
    networks=tuple(NETWORKS),
    lanes=(1, 8, 64, 1024, 16384),
    lanes_of_threads=(64, 1024, 16384),
    lanes_of_simd=1024,
    lanes_of_growth=64,
    sizes=(100, 300, 1000, 3000, 10_000),
    n_scenario=1024,
    turn_s=0.1,
    n_turn=5,
)
QUICK = Extent(
    networks=(COMBINED, "case118"),
    lanes=(1, 64),
    lanes_of_threads=(64,),
    lanes_of_simd=64,
    lanes_of_growth=16,
    sizes=(100, 300),
    n_scenario=64,
    turn_s=0.01,
    n_turn=3,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = options_of(
        arguments, "Time the power flow against its peers.", "power_flow_speed.svg"
    )
    load_average = os.getloadavg()[0]
    pin()
    machine = describe_system(clock_ghz(), load_average, PACKAGES)
    for peer in missing_peers():
        print(f"{peer} is left out: its package (extra bench) is missing.", file=sys.stderr)
    extent = QUICK if options.quick else FULL
    tables = {}
    copies = [copy_gb_s()]
    for name in ("networks", "threads", "simd", "buses"):
        tables[name] = told(name, partial(measure_group, name, extent))
        copies.append(copy_gb_s())
    counts = {} if options.quick else count_instructions(build(BUILD, "power_flow"), extent.sizes)
    growth = Growth(counts, copies)
    required = requirements(tables, growth, machine)
    figures = Figures(machine, extent.n_turn, tables, growth, required)
    text = page(figures)
    write(options.out, "power_flow", content(figures), text)
    draw(tables, options.image)
    if options.readme:
        put_between_marks(options.readme, readme_part(figures), MARKS)
    return conclude(text, required, is_quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
