"""The C++ programs of benchmarks/cpp: building them, and taking turns with them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from speed.measure import check_equal

__all__ = ["NativeProgram", "build", "trace"]

SOURCES = Path(__file__).resolve().parents[2] / "cpp"


def build(folder: Path, target: str = "event_loop") -> Path:
    """Build a program for release; return its path."""
    configure = ["cmake", "-S", str(SOURCES), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"]
    if shutil.which("ninja") and not (folder / "CMakeCache.txt").exists():
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", str(folder), "--target", target, "-j2"]):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
    return folder / target


class NativeProgram:
    """One run of `event_loop`, which keeps what it built from turn to turn.

    Parameters
    ----------
    program
        Its path.
    what, n, jitter
        Its arguments: see event_loop.cpp.
    """

    def __init__(self, program: Path, what: str, n: int, jitter: str = "none") -> None:
        self._command = [str(program), what, str(n), jitter]
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, n: int) -> float:
        """Do n units of work; return the processor time they took [s]."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{n}\n")
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._command} ended with code {self._process.wait()}")
        turn = json.loads(line)
        check_equal(turn["n_done"], n, f"units of work done by {self._command}")
        return float(turn["seconds"])

    def __enter__(self) -> NativeProgram:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._process.communicate()


def trace(program: Path, n_agent: int, jitter: str, n_event: int) -> list[tuple[float, int]]:
    """Return the first events of the native loop, (time, agent)."""
    command = [str(program), "trace", str(n_agent), jitter]
    printed = subprocess.run(
        command, input=f"{n_event}\n", capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in printed.splitlines())
    return [(float(time), int(agent)) for agent, time in rows]
