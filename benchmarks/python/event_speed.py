"""Time environments that run by events: beside lock-step, and for a day of ticks with jitter.

    python benchmarks/python/event_speed.py [--quick] [--out FOLDER]

Checks that without delays both ways are the same to the last bit, times everything in turns on one
core, and writes event_speed.json and event_speed.md. The full run writes them where the repository
keeps them and ends with exit code 1 if a requirement is missed. The short run writes to
build/benchmarks/quick, and its figures are too rough to require anything of them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from environment_speed.problem import EPISODE, SETUP
from environment_speed.subject import Subject, to_case
from event_driven_speed.day import Day, play_day
from event_driven_speed.problem import CASES, LOCK_STEP, compare, make
from powerflow_speed.clock import clock_ghz
from speed.machine import describe_system
from speed.markdown import table
from speed.measure import Measurement, pin, take_turns
from speed.verdict import Requirement

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("heron", "numpy", "numba")
LEAST = 0.5  # of the steps a second in lock-step, with a network
MOST_S = 60.0  # a day of 256 lanes
HELD = "by events, small delays"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    n_lane: int
    hours: float
    turn_s: float
    n_turn: int


FULL = Extent(256, 24.0, 1.0, 7)
QUICK = Extent(16, 2.0, 0.02, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HERON_CACHE_DIR", folder)  # which nobody else writes to meanwhile
        return run(options.out, QUICK if options.quick else FULL, is_required=not options.quick)


def run(out: Path, extent: Extent, *, is_required: bool) -> int:
    """Measure everything and write it down; return the exit code."""
    load_average = os.getloadavg()[0]
    pin()
    machine = describe_system(clock_ghz(), load_average, PACKAGES)
    compare(extent.n_lane)
    times = {has_network: measure(extent, has_network=has_network) for has_network in (True, False)}
    days = [play_day(extent.n_lane, step_s, extent.hours) for step_s in (3600.0, 60.0)]
    required = requirements(times, days, extent)
    out.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine,
        "setup": SETUP,
        "extent": asdict(extent),
        "clock": "processor time of the process; of stages, time on the wall",
        "steps": {
            "network" if has_network else "actions drawn beforehand": [asdict(m) for m in found]
            for has_network, found in times.items()
        },
        "days": [asdict(day) for day in days],
        "requirements": [asdict(requirement) for requirement in required],
    }
    data = json.dumps(content, indent=1)
    (out / "event_speed.json").write_text(data + "\n", encoding="utf-8")
    text = page(machine, times, days, required, extent)
    (out / "event_speed.md").write_text(text, encoding="utf-8")
    print(text)
    if not is_required:
        print("A short run: the figures are rough, and nothing is required of them.")
        return 0
    return 0 if all(r.holds for r in required if r.is_required) else 1


def measure(extent: Extent, *, has_network: bool) -> list[Measurement]:
    """Time a step of a lane of each batch, in turns; the one in lock-step first."""
    n_lane, subjects = extent.n_lane, []
    for what in (LOCK_STEP, *CASES):
        batch = make(what, n_lane, has_network=has_network)
        n_agent = len(batch.envs.agents)
        subjects.append(Subject(what, batch.play, EPISODE * n_lane, n_agent, n_lane))
    cases = [to_case(subject, extent.turn_s) for subject in subjects]
    return take_turns("step of a lane", cases, extent.n_turn)


def requirements(
    times: dict[bool, list[Measurement]], days: Sequence[Day], extent: Extent
) -> list[Requirement]:
    """Hold the figures against what is required of them."""
    found = []
    for has_network, measured in times.items():
        lock_step, *others = measured
        for other in others:
            share = lock_step.ns / other.ns
            needed = has_network and other.what == HELD
            found.append(
                Requirement(
                    f"{extent.n_lane} lanes {'with' if has_network else 'without'} a network, "
                    f"{other.what}: steps/s against lock-step",
                    share,
                    f"(at least {LEAST:g})" if needed else "",
                    share >= LEAST if needed else None,
                    is_required=needed,
                )
            )
    found += [
        Requirement(
            f"a day of {day.n_lane} lanes with ticks every minute and jitter, "
            f"step of {day.step_s:g} s, in seconds",
            day.seconds,
            f"(at most {MOST_S:g})",
            day.seconds <= MOST_S,
        )
        for day in days
    ]
    return found


def page(
    machine: dict[str, Any],
    times: dict[bool, list[Measurement]],
    days: Sequence[Day],
    required: Sequence[Requirement],
    extent: Extent,
) -> str:
    """Return the page in Markdown."""
    heads = {
        True: "## A network decides (two hidden layers of 64, the same on both sides)",
        False: "## Actions drawn beforehand: what the environment takes by itself",
    }
    about = (
        f"{machine['processor']}, {machine['clock_ghz']:g} GHz, load {machine['load_average']:g} "
        f"before the run; Python {machine['python'].split()[-1]}. {extent.n_lane} lanes of "
        f"`{SETUP}`, three agents, one core, processor time, medians of {extent.n_turn} turns."
    )
    parts = [
        "# Speed by events",
        about,
        "\n".join(f"- {requirement}" for requirement in required),
    ]
    for has_network, measured in times.items():
        lock_step = measured[0].ns
        rows = [
            [m.what, f"{m.ns * 1e-3:.2f}", f"{1e9 / m.ns:,.0f}", f"{lock_step / m.ns:.2f}"]
            for m in measured
        ]
        head = ["one decision an agent and step", "us a step", "steps/s", "of lock-step"]
        parts += [heads[has_network], table(head, rows)]
    parts.append(
        f"## {extent.hours:g} hours of agents and devices that tick every minute, jittered"
    )
    rows = [
        [
            f"{day.step_s:g} s",
            f"{day.seconds:.1f}",
            f"{day.n_decision:,}",
            f"{day.n_decision / day.seconds:,.0f}",
            f"{day.n_event / day.seconds:,.0f}",
        ]
        for day in days
    ]
    head = ["step of the environment", "seconds", "decisions", "decisions/s", "events/s"]
    parts.append(table(head, rows))
    names = list(dict.fromkeys(name for day in days for name in day.stages_s))
    rows = [[name, *(f"{day.stages_s[name]:.2f}" for day in days)] for name in names]
    head = ["where the time goes [s]", *(f"step of {day.step_s:g} s" for day in days)]
    parts.append(table(head, rows))
    return "\n\n".join(parts) + "\n"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Time environments that run by events.")
    parser.add_argument("--quick", action="store_true", help="a run of seconds, checks included")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    parts = ("build", "benchmarks", "quick") if options.quick else ("benchmarks", "results")
    options.out = options.out or ROOT.joinpath(*parts)
    return options


if __name__ == "__main__":
    # One thread in the network's products too, so that processor time is that of one core. NumPy
    # reads it when it is loaded.
    if any(os.environ.get(name) != "1" for name in THREADS):
        os.execve(
            sys.executable,
            [sys.executable, *sys.argv],
            {**os.environ, **dict.fromkeys(THREADS, "1")},
        )
    sys.exit(main())
