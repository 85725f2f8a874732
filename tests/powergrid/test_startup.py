"""A process with a warm cache starts fast and small, without what it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import get_available_setups, load_setup

# Frameworks and libraries that only compiling, drawing or training need.
HEAVY = {"matplotlib", "networkx", "pandapower", "pandas", "ray", "torch"}
# What the kernels take along when the first episode begins; numba imports SciPy by itself.
WITH_KERNELS = {"numba", "scipy"}

PROCESS = """
import json, sys, time

def loaded():
    return sorted({name.partition(".")[0] for name in sys.modules})

import powergrid
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup
env = MultiAgentMicrogrids(load_setup(sys.argv[1]))
made = loaded()
made_s = time.process_time()
env.reset(seed=0)
env.step({name: env.idle_action(name) for name in env.agents})
step_s = time.process_time() - made_s
env.get_power_grid_metrics(), env.get_collective_metrics(), env.close()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "made": made, "loaded": loaded(), "made_s": made_s, "step_s": step_s,
    "own_mb": int(status["RssAnon"].split()[0]) / 1024,
    "library_mb": int(status["RssFile"].split()[0]) / 1024,
    "peak_mb": int(status["VmHWM"].split()[0]) / 1024,
}))
"""


@pytest.fixture(scope="module", params=get_available_setups())
def start(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what a fresh process saw that made a setup's environment of a cached network."""
    env = MultiAgentMicrogrids(load_setup(request.param))  # caches it, unless another test did
    env.reset(seed=0)  # and numba its kernels
    env.step({name: env.idle_action(name) for name in env.agents})
    command = [sys.executable, "-c", PROCESS, request.param]
    for _ in range(2):  # before the first one there may be no byte code
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""  # nothing was compiled
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_nothing_heavy_is_loaded(start: dict[str, Any]) -> None:
    assert not (HEAVY | WITH_KERNELS) & set(start["made"])
    assert not HEAVY & set(start["loaded"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_process_stays_small(start: dict[str, Any]) -> None:
    # Some 97 MB. How many clean pages of libraries count as resident beside that, 99 MB or 145, is
    # up to the kernel and its page cache.
    assert start["own_mb"] < 100.0
    assert start["peak_mb"] - start["library_mb"] < 110.0


def test_it_starts_in_time(start: dict[str, Any]) -> None:
    # 1 s and 2 s are wanted; the rest is for slow machines. The processor's time, because others
    # may have the machine too.
    assert start["made_s"] < 3.0
    assert start["step_s"] < 6.0
