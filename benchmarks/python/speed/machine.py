"""What one must know of the machine to read the figures; nothing that names it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speed.native import NativeProgram

__all__ = ["describe", "describe_system", "is_reference_class"]

FLAGS = ("avx2", "bmi2", "avx512f", "avx512vl")
PACKAGES = ("heron", "numpy", "simpy", "pybind11")


def describe(program: Path, load_average: float) -> dict[str, Any]:
    """Return processor, system, compiler and versions."""
    machine = describe_system(_clock_ghz(program), load_average, PACKAGES)
    return {**machine, "compiler": _compiler(program)}


def describe_system(
    clock_ghz: float, load_average: float, packages: Iterable[str]
) -> dict[str, Any]:
    """Return processor, system and versions of packages."""
    flags = set(_cpuinfo("flags").split())
    return {
        "processor": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "n_core": os.cpu_count(),
        "clock_ghz": round(clock_ghz, 2),
        "flags": [flag for flag in FLAGS if flag in flags],
        "load_average": round(load_average, 2),  # before the run
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: _version(name) for name in packages},
    }


def is_reference_class(machine: dict[str, Any]) -> bool:
    """Tell whether absolute rates may be demanded: 2.5 GHz, AVX-512, and nothing else running."""
    is_quiet = machine["load_average"] < 0.5
    return is_quiet and machine["clock_ghz"] >= 2.4 and "avx512f" in machine["flags"]


def _clock_ghz(program: Path) -> float:
    """Measure the clock, for what the system says of it is often the nominal one."""
    n_cycle = 90_000_000
    with NativeProgram(program, "clock", 1) as clock:
        return n_cycle / min(clock.run(n_cycle) for _ in range(5)) * 1e-9


def _cpuinfo(name: str) -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _compiler(program: Path) -> str:
    cache = (program.parent / "CMakeCache.txt").read_text(encoding="utf-8")
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    assert found is not None
    run = subprocess.run([found[1], "--version"], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[0]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
