"""Time environments that run by events: beside lock-step, and for a day of ticks with jitter.

    python benchmarks/python/event_speed.py [--quick] [--out FOLDER]

Checks that without delays both ways are the same to the last bit, times everything in turns on one
core, and writes event_speed.json, event_speed.md and event_speed.svg. The full run writes them
where the repository keeps them, renews the table in the README, and ends with exit code 1 if a
requirement is missed. The short run writes to build/benchmarks/quick, and its figures are too rough
to require anything of them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

from environment_speed.problem import EPISODE
from environment_speed.subject import Subject, to_case
from event_driven_speed.day import play_day
from event_driven_speed.problem import CASES, LOCK_STEP, compare, make
from event_driven_speed.report import (
    MARKS,
    Extent,
    Figures,
    content,
    draw,
    page,
    readme_part,
    requirements,
)
from powerflow_speed.clock import clock_ghz
from speed.command import conclude, keep_to_one_thread, options_of, write
from speed.machine import describe_system
from speed.markdown import put_between_marks
from speed.measure import Measurement, pin, take_turns

PACKAGES = ("heron", "numpy", "numba")
FULL = Extent(256, 24.0, 1.0, 7)
QUICK = Extent(16, 2.0, 0.02, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = options_of(arguments, "Time environments that run by events.", "event_speed.svg")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HERON_CACHE_DIR", folder)  # which nobody else writes to meanwhile
        return run(options)


def run(options: argparse.Namespace) -> int:
    """Measure everything and write it down; return the exit code."""
    extent = QUICK if options.quick else FULL
    load_average = os.getloadavg()[0]
    pin()
    machine = describe_system(clock_ghz(), load_average, PACKAGES)
    compare(extent.n_lane)
    times = {has_network: measure(extent, has_network=has_network) for has_network in (True, False)}
    days = [play_day(extent.n_lane, step_s, extent.hours) for step_s in (3600.0, 60.0)]
    required = requirements(times, days, extent)
    figures = Figures(machine, extent, times, days, required)
    text = page(figures)
    write(options.out, "event_speed", content(figures), text)
    draw(figures, options.image)
    if options.readme:
        put_between_marks(options.readme, readme_part(figures), MARKS)
    return conclude(text, required, is_quick=options.quick)


def measure(extent: Extent, *, has_network: bool) -> list[Measurement]:
    """Time a step of a lane of each batch, in turns; the one in lock-step first."""
    n_lane, subjects = extent.n_lane, []
    for what in (LOCK_STEP, *CASES):
        batch = make(what, n_lane, has_network=has_network)
        n_agent = len(batch.envs.agents)
        subjects.append(Subject(what, batch.play, EPISODE * n_lane, n_agent, n_lane))
    cases = [to_case(subject, extent.turn_s) for subject in subjects]
    return take_turns("step of a lane", cases, extent.n_turn)


if __name__ == "__main__":
    keep_to_one_thread()
    sys.exit(main())
