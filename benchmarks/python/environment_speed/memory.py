"""What only a fresh process shows: the memory of a batch.

python memory.py LANES     prints JSON about a batch after its first episodes
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory", "measure"]


@dataclass(frozen=True)
class Memory:
    """Memory of a batch."""

    n_lane: int
    resident_mb: float  # of the process, after the first episodes
    state_kb: float  # arrays that make up a lane

    def kb_a_lane(self, smaller: Memory) -> float:
        """Return what each lane more than those of a smaller batch has taken [kB]."""
        return (self.resident_mb - smaller.resident_mb) * 1e3 / (self.n_lane - smaller.n_lane)


def measure(lanes: list[int]) -> list[Memory]:
    """Measure batches of several sizes, each in a process of its own."""
    found = []
    for n_lane in lanes:
        command = [sys.executable, str(Path(__file__).resolve()), str(n_lane)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"a batch of {n_lane} lanes failed:\n{run.stderr}")
        found.append(Memory(**json.loads(run.stdout)))
    return found


def main(n_lane: int) -> None:
    """Make a batch in this process and print its memory."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from environment_speed.batch import Batch

    batch = Batch(n_lane)
    batch.scatter()
    state = sum(array.nbytes for array in batch.envs.engine.lane_arrays)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    # Actions of the caller are not the environment's.
    resident_mb = (pages * resource.getpagesize() - batch.actions.nbytes) * 1e-6
    found = {"n_lane": n_lane, "resident_mb": resident_mb, "state_kb": state * 1e-3 / n_lane}
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
