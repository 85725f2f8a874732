"""What only a fresh process shows: memory, and how long it takes until the first step.

    python fresh.py start            import, first environment, first step
    python fresh.py memory LANES     a batch after its first episodes

Each prints JSON.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Memory", "Start", "measure_memory", "measure_start"]

HEAVY = ("pandapower", "ray", "torch")  # which a process without need of them must not load


@dataclass(frozen=True)
class Memory:
    """Memory of a batch."""

    n_lane: int
    resident_mb: float  # of the process, after the first episodes
    state_kb: float  # arrays that make up a lane

    def kb_a_lane(self, smaller: Memory) -> float:
        """Return what each lane more than those of a smaller batch has taken [kB]."""
        return (self.resident_mb - smaller.resident_mb) * 1e3 / (self.n_lane - smaller.n_lane)


@dataclass(frozen=True)
class Start:
    """The beginning of a process, medians, on a warm cache."""

    import_and_make_s: float  # importing the environment's module and making the first one
    first_step_s: float  # first reset and step after that
    resident_mb: float  # of the process after it
    loaded: list[str]  # modules that should not have been


def measure_memory(lanes: list[int]) -> list[Memory]:
    """Measure batches of several sizes, each in a process of its own."""
    return [Memory(**_run("memory", str(n_lane))[0]) for n_lane in lanes]


def measure_start(n_turn: int) -> Start:
    """Measure the beginning of several processes, after one that fills the cache."""
    _run("start")
    runs = [_run("start")[0] for _ in range(n_turn)]
    numbers = {
        name: statistics.median(run[name] for run in runs)
        for name in ("import_and_make_s", "first_step_s", "resident_mb")
    }
    return Start(**numbers, loaded=sorted({name for run in runs for name in run["loaded"]}))


def _run(*arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


# --- in the fresh process ---------------------------------------------------------------------


def _resident_mb() -> float:
    """Return the resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    import resource

    return pages * resource.getpagesize() * 1e-6


def _start() -> dict[str, Any]:
    began = time.perf_counter()
    from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

    env = MultiAgentMicrogrids()
    made = time.perf_counter()
    env.reset(seed=0)
    env.step({name: env.idle_action(name) for name in env.agents})
    stepped = time.perf_counter()
    return {
        "import_and_make_s": made - began,
        "first_step_s": stepped - made,
        "resident_mb": _resident_mb(),
        "loaded": [name for name in HEAVY if name in sys.modules],
    }


def _memory(n_lane: int) -> dict[str, Any]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from environment_speed.batch import Batch

    batch = Batch(n_lane)
    batch.scatter()
    state = sum(array.nbytes for array in batch.envs.engine.lane_arrays())
    # Actions of the caller are not the environment's.
    resident_mb = _resident_mb() - batch.actions.nbytes * 1e-6
    return {"n_lane": n_lane, "resident_mb": resident_mb, "state_kb": state * 1e-3 / n_lane}


if __name__ == "__main__":
    print(json.dumps(_start() if sys.argv[1] == "start" else _memory(int(sys.argv[2]))))
