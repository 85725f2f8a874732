"""A process that makes the environment of a setup, its argument, and steps it once."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

wall = time.perf_counter()
began = time.process_time()
import powergrid  # noqa: E402, F401  the clock runs
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids  # noqa: E402
from powergrid.setups.loader import load_setup  # noqa: E402

imported = time.process_time()
env = MultiAgentMicrogrids(load_setup(sys.argv[1]))
made = time.process_time()
env.reset(seed=0)
env.step({name: env.idle_action(name) for name in env.agents})
stepped = time.process_time()
wall = time.perf_counter() - wall

status = Path("/proc/self/status").read_text(encoding="utf-8")
memory = dict(line.split(":", 1) for line in status.splitlines())
heavy = ("matplotlib", "networkx", "numba", "pandapower", "pandas", "ray", "scipy", "torch")
print(
    json.dumps(
        {
            "import_s": imported - began,
            "make_s": made - imported,
            "step_s": stepped - made,
            "wall_s": wall,
            "resident_mb": int(memory["VmRSS"].split()[0]) / 1024,
            "peak_mb": int(memory["VmHWM"].split()[0]) / 1024,
            "library_mb": int(memory["RssFile"].split()[0]) / 1024,
            "loaded": [name for name in heavy if name in sys.modules],
            "state": hashlib.sha256(env.state().tobytes()).hexdigest(),
        }
    )
)
