"""Why a bus costs more in a large network: the work, and what memory gives."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

__all__ = ["BYTES_OF_SOLVE", "Growth", "copy_gb_s", "count_instructions", "instructions_of"]

N_LANE = 16
N_BYTE = 64 << 20  # beyond any cache that one core has to itself

# What a solve of two steps reads and writes of a lane and bus when no cache keeps any of it, in
# doubles; a branch and a load at each bus.
DOUBLES_OF_SOLVE = (
    4  # the caller writes the loads
    + 8  # gathering: loads and last voltages, read and written
    + 2 * (6 + 7)  # each step's pass from the leaves: inputs and voltages read, rows written
    + 2 * (7 + 4 + 2)  # and its pass back: rows, loads and voltages read, voltages written
    + 6 + 2 + 4  # branch currents: inputs and voltages read, draws and currents written
    + 8 + 9  # results: voltages and currents read, four of the bus and five of the branch written
)  # fmt: skip
BYTES_OF_SOLVE = 8 * DOUBLES_OF_SOLVE


@dataclass(frozen=True)
class Growth:
    """What is measured beside the times of radial networks.

    Attributes
    ----------
    instructions
        Instructions of a solve for each lane and bus, by number of buses; empty without valgrind.
    copy_gb_s
        What copying from memory to memory reads and writes [GB/s], measured between the groups.
    """

    instructions: dict[int, float] = field(default_factory=dict)
    copy_gb_s: list[float] = field(default_factory=list)

    @property
    def gb_s(self) -> float | None:
        """Median of the copies [GB/s]."""
        return statistics.median(self.copy_gb_s) if self.copy_gb_s else None


def copy_gb_s(n_copy: int = 3) -> float:
    """Return what one core reads and writes while it copies from memory to memory [GB/s]."""
    source, target = (np.ones(N_BYTE // 8) for _ in range(2))
    began = time.process_time_ns()
    for _ in range(n_copy):
        np.copyto(target, source)
    return 2 * n_copy * N_BYTE / (time.process_time_ns() - began)


def count_instructions(program: Path, sizes: Sequence[int]) -> dict[int, float]:
    """Count what a solve of 16 lanes executes, from a flat start, by valgrind.

    Valgrind knows AVX2, not AVX-512.

    Parameters
    ----------
    program
        The program `power_flow` of benchmarks/cpp.
    sizes
        Numbers of buses.
    """
    if shutil.which("valgrind") is None:
        print("Instructions are not counted: valgrind is missing.", file=sys.stderr)
        return {}
    counts = {}
    for n_bus in sizes:
        once, more = (_instructions(program, n_bus, n_solve) for n_solve in (1, 3))
        counts[n_bus] = (more - once) / (2 * N_LANE * n_bus)
    return counts


def instructions_of(text: str) -> int:
    """Read the total of cachegrind's summary."""
    found = re.search(r"I\s+refs:\s+([\d,]+)", text)
    if found is None:
        raise SystemExit(f"valgrind counted nothing:\n{text}")
    return int(found[1].replace(",", ""))


def _instructions(program: Path, n_bus: int, n_solve: int) -> int:
    tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command = [*tool, str(program), "solve", str(n_bus), str(N_LANE), str(n_solve)]
    return instructions_of(
        subprocess.run(command, capture_output=True, text=True, check=True).stderr
    )
