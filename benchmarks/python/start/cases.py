"""The cases that are compared, and running one of them in a fresh process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["CASES", "Case", "Figures", "measure"]

PROCESS = Path(__file__).with_name("process.py")


@dataclass(frozen=True)
class Case:
    """What a process finds on disk."""

    name: str
    has_network: bool  # compiled, in the cache
    has_byte_code: bool


CASES = (
    Case("no cache", has_network=False, has_byte_code=True),
    Case("warm cache", has_network=True, has_byte_code=True),
    Case("warm cache, no byte code", has_network=True, has_byte_code=False),
)


@dataclass(frozen=True)
class Figures:
    """Processes of one case and setup."""

    case: str
    setup: str
    turns: list[dict[str, Any]]  # see process.py

    def median(self, name: str) -> float:
        """Return the median of the turns."""
        return statistics.median(turn[name] for turn in self.turns)

    @property
    def loaded(self) -> list[str]:
        """Heavy packages that any of the processes loaded."""
        return sorted({name for turn in self.turns for name in turn["loaded"]})


def measure(setup: str, n_turn: int) -> list[Figures]:
    """Run every case `n_turn` times, in turns, after one process that fills the caches.

    Raises
    ------
    RuntimeError
        If a process ends with another state than the first one, or compiles a network that is
        cached.
    """
    turns: dict[str, list[dict[str, Any]]] = {case.name: [] for case in CASES}
    with folders() as kept:
        state = _run(setup, CASES[0], kept)["state"]
        _run(setup, CASES[1], kept)
        forget_libraries()
        for _ in range(n_turn):
            for case in CASES:
                turn = _run(setup, case, kept)
                if turn["state"] != state:
                    raise RuntimeError(f"{setup}, {case.name}: another state than without a cache")
                if case.has_network and "pandapower" in turn["loaded"]:
                    raise RuntimeError(f"{setup}, {case.name}: pandapower was loaded")
                turns[case.name].append(turn)
    return [Figures(name, setup, of_case) for name, of_case in turns.items()]


def forget_libraries() -> None:
    """Let the page cache forget the libraries, as it has after a while.

    Around each page that a process touches the kernel maps what it holds of the file, whoever read
    it: after an installation or a compilation some 30 MB of LLVM that nobody asked for.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for path in Path(sys.prefix).rglob("*.so*"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def folders() -> Iterator[Path]:
    """Yield a folder for all that is cached: networks, byte code, numba's kernels."""
    with TemporaryDirectory(prefix="heron-start-") as name:
        yield Path(name)


def _run(setup: str, case: Case, kept: Path) -> dict[str, Any]:
    with TemporaryDirectory() as empty:
        environment = {
            **os.environ,
            "HERON_CACHE_DIR": str(kept / "networks") if case.has_network else empty,
            "NUMBA_CACHE_DIR": str(kept / "numba"),
            "PYTHONPYCACHEPREFIX": str(kept / "byte_code") if case.has_byte_code else empty,
            "PYTHONDONTWRITEBYTECODE": "" if case.has_byte_code else "1",
        }
        run = subprocess.run(
            [sys.executable, str(PROCESS), setup],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer
