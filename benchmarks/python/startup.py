"""Time how fresh processes start: import, first environment, first step, and their memory.

    python benchmarks/python/startup.py [--quick] [--out FOLDER]

Each figure is the median of five processes, with and without a compiled network in the cache, in
processor time, which on a quiet machine is the time on the wall or a little more. Every process
must end in the same state to the last bit. Writes startup.json and startup.md, and ends with exit
code 1 if a requirement is missed. The short run starts one process a case, of one setup, and
requires nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powerflow_speed.clock import clock_ghz
from speed.machine import describe_system
from speed.markdown import table
from speed.verdict import Requirement
from start.cases import Figures, measure

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("heron", "pandapower", "numpy", "numba", "gymnasium", "pettingzoo", "pydantic")
SETUPS = ("ieee34_ieee13", "ieee123_ieee13")
N_TURN = 5

HEAD = (
    "setup, case", "import", "make", "reset and step", "on the wall", "resident",
    "of it libraries", "peak", "loaded",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description="Time how fresh processes start.")
    parser.add_argument("--quick", action="store_true", help="one process a case, one setup")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    usual = "build/benchmarks/quick" if options.quick else "benchmarks/results"
    out = options.out or ROOT / usual
    machine = describe_system(clock_ghz(), os.getloadavg()[0], PACKAGES)
    setups = SETUPS[:1] if options.quick else SETUPS
    figures = [f for setup in setups for f in measure(setup, 1 if options.quick else N_TURN)]
    required = [r for f in figures if f.case == "warm cache" for r in requirements(f)]
    content = {
        "machine": machine,
        "processes": [asdict(f) for f in figures],
        "requirements": [asdict(r) for r in required],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "startup.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    text = page(figures, required, machine)
    (out / "startup.md").write_text(text, encoding="utf-8")
    print(text)
    if options.quick:
        print("A short run: the figures are rough, and nothing is required of them.")
        return 0
    return 0 if all(r.holds for r in required) else 1


def requirements(figures: Figures) -> list[Requirement]:
    """Return what must hold of a setup whose network is cached."""
    start_s = figures.median("import_s") + figures.median("make_s")
    bounds = (
        ("import and first environment [s]", start_s, 1.0),
        ("first reset and step [s]", figures.median("step_s"), 2.0),
        ("peak memory [MB]", figures.median("peak_mb"), 200.0),
    )
    return [
        Requirement(f"{figures.setup}: {text}", value, f"(at most {bound:g})", value <= bound)
        for text, value, bound in bounds
    ]


def page(
    figures: Sequence[Figures], required: Sequence[Requirement], machine: dict[str, Any]
) -> str:
    """Return the results as a page."""
    rows = [
        (
            f"{f.setup}, {f.case}",
            *(f"{f.median(name):.2f} s" for name in ("import_s", "make_s", "step_s", "wall_s")),
            *(f"{f.median(name):.0f} MB" for name in ("resident_mb", "library_mb", "peak_mb")),
            ", ".join(f.loaded) or "none",
        )
        for f in figures
    ]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    origin = (
        f"Medians of {len(figures[0].turns)} fresh processes, in processor time but for the sum "
        f"*on the wall*. *make* reads the setup and makes the environment; *loaded* are the heavy "
        f"packages among those loaded in the end. *Libraries* are pages of files, clean and shared "
        f"by all processes; the page cache was told to forget them once, because what it holds "
        f"of them is mapped, asked for or not. {machine['processor']}, {machine['n_core']} cores "
        f"at {machine['clock_ghz']} GHz, load {machine['load_average']} before the run, "
        f"{machine['python']}, {packages}."
    )
    verdicts = "\n".join(f"- {requirement}" for requirement in required)
    parts = ("# Starting", textwrap.fill(origin, 100), verdicts, table(HEAD, rows))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
