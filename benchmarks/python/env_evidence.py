"""Hold the environment's engine to its reference, its batches to single ones, long runs to energy.

    python benchmarks/python/env_evidence.py [--quick] [--out FOLDER]

Plays 100 episodes of each case beside the reference, compares 100 lanes with single environments
under every instruction set, lives through a million steps, and writes env_evidence.json and
env_evidence.md. It ends with exit code 1 if anything does not hold. The short run is of a minute
and writes to build/benchmarks/quick.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from environment_evidence.batch_parity import compare, instruction_sets
from environment_evidence.cases import CASES, n_variant
from environment_evidence.endurance import endure
from environment_evidence.parity import Pair, Parity
from environment_evidence.report import Evidence, content, page
from powerflow_speed.clock import clock_ghz
from speed.machine import describe_system

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("heron", "pandapower", "numpy", "numba")


@dataclass(frozen=True)
class Extent:
    """How much is done."""

    n_episode: int  # of each case, beside the reference
    variants: bool  # all of them, or only each case's first
    n_lane: int  # compared with single environments
    endurance: Sequence[tuple[str, int, int, int]]  # case, lanes, steps, steps of an episode


FULL = Extent(
    n_episode=100,
    variants=True,
    n_lane=100,
    endurance=(
        ("ieee34_ieee13", 1024, 1_000_000, 24),
        ("ieee34_ieee13", 128, 1_000_000, 7_800),
        ("ieee123_ieee13", 256, 100_000, 24),
        ("every kind of device", 64, 100_000, 24),
    ),
)
QUICK = Extent(
    n_episode=2,
    variants=False,
    n_lane=10,
    endurance=(
        ("ieee34_ieee13", 64, 20_000, 24),
        ("every kind of device", 8, 1_000, 24),
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Gather the evidence; return the exit code."""
    parser = argparse.ArgumentParser(description="Hold the environment's engine to its promises.")
    parser.add_argument("--quick", action="store_true", help="a run of a minute")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    usual = "build/benchmarks/quick" if options.quick else "benchmarks/results"
    out = options.out or ROOT / usual
    found = gather(QUICK if options.quick else FULL)
    out.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content(found), indent=1)
    (out / "env_evidence.json").write_text(data + "\n", encoding="utf-8")
    text = page(found)
    (out / "env_evidence.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if found.holds else 1


def gather(extent: Extent) -> Evidence:
    """Do all of it."""
    machine = describe_system(clock_ghz(), os.getloadavg()[0], PACKAGES)
    seconds: dict[str, float] = {}
    endurance = []
    # First, for memory is flat only where nothing else was done before in the process.
    for case, n_lane, n_step, episode_steps in extent.endurance:
        with clocked(f"endurance: {case}, {n_lane} lanes", seconds):
            endurance.append(endure(case, n_lane, n_step, episode_steps))
    bits = []
    with clocked("bit for bit", seconds):
        for case in CASES:
            bits += [compare(case, extent.n_lane, 2, simd) for simd in instruction_sets()]
    parity = {case: Parity() for case in CASES}
    for case, found in parity.items():
        with clocked(f"reference: {case}", seconds):
            pairs = [Pair(case, v) for v in range(n_variant(case) if extent.variants else 1)]
            for episode in range(extent.n_episode):
                pairs[episode % len(pairs)].play(episode, found)
    return Evidence(machine, parity, bits, endurance, seconds)


@contextmanager
def clocked(name: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note how long something took."""
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began
    print(f"{name}: {seconds[name]:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
