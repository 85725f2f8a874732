"""Sweeps: over both kinds of parameters, on two machines, and again after a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

from heron.adapters.rllib import sweep
from heron.errors import ConfigError

EXAMPLE = Path(__file__).parents[4] / "examples" / "12_sweep.py"

# A cluster of one machine with room for one trial; for each line that comes, one machine more.
CLUSTER = """
import sys

from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
print(cluster.address, flush=True)
for _ in sys.stdin:
    cluster.add_node(num_cpus=1)
    print("added", flush=True)
cluster.shutdown()
"""
N_ITERATION = 25
SAVE_EVERY = 5  # iterations, in the example


class Machines:
    """A cluster in processes of its own."""

    def __init__(self, place: str) -> None:
        # What starts Ray meanwhile must not join this cluster. Sockets are in the folder, whose
        # paths must be short.
        # Tune notes every few seconds what there is; a test cannot wait for that.
        self.environment = {**os.environ, "RAY_TMPDIR": place, "TUNE_GLOBAL_CHECKPOINT_S": "0.2"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=self.environment,
        )
        self.address = self.answer()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the cluster ended with {self.process.wait()}"
        return line.strip()

    def add(self) -> None:
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        assert self.answer() == "added"

    def close(self) -> None:
        try:
            self.process.communicate(timeout=60)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.communicate()


@pytest.fixture
def machines() -> Iterator[Machines]:
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        cluster = Machines(folder)
        yield cluster
        cluster.close()


def start(storage: Path, machines: Machines) -> subprocess.Popen[str]:
    """Run the example, as a user of the cluster would."""
    flags = ["--iterations", str(N_ITERATION), "--steps-per-iteration", "24", "--delays", "3600"]
    return subprocess.Popen(
        [
            sys.executable, str(EXAMPLE), *flags,
            "--storage", str(storage), "--address", machines.address,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=machines.environment,
    )  # fmt: skip


def has_noted_a_checkpoint(trials: Path) -> bool:
    return any("checkpoint_0" in p.read_text() for p in trials.glob("experiment_state-*.json"))


def told_by(trial: Path) -> list[dict[str, int]]:
    """Return what a trial told of its iterations, before and after the kill."""
    return [json.loads(line) for line in (trial / "result.json").read_text().splitlines()]


def test_a_killed_sweep_goes_on_and_ends_on_two_nodes(tmp_path: Path, machines: Machines):
    storage = tmp_path / "results"
    trials = storage / "sweep"
    run = start(storage, machines)
    begun = time.monotonic()
    while not has_noted_a_checkpoint(trials):
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() - begun < 240
        time.sleep(0.1)
    run.kill()
    run.communicate()
    assert not (storage / "sweep.csv").exists()
    (begun_path,) = (path.parent for path in trials.glob("*/result.json"))
    n_told = len(told_by(begun_path))
    assert SAVE_EVERY <= n_told < N_ITERATION
    machines.add()
    again = start(storage, machines)
    _, err = again.communicate(timeout=400)
    assert again.returncode == 0, err
    with (storage / "sweep.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["central_critic"] for row in rows) == ["False", "True"]
    assert len({row["node"] for row in rows}) == 2
    for row in rows:
        assert row["error"] == ""
        assert int(row["iteration"]) == N_ITERATION
        assert int(row["n_env_step"]) == 24 * N_ITERATION
        assert float(row["env.timing.coordinator.obs_delay"]) == 3600.0
        assert float(row["eval_age_of_information_s"]) == 3600.0
        assert float(row["eval_return"]) < 0.0
        assert (Path(row["checkpoint"]) / "rllib_checkpoint.json").is_file()
    # It went on: only what came after the last checkpoint is repeated. The process that trained may
    # have lived a moment longer than what was killed.
    told = told_by(begun_path)
    before = [of["iteration"] for of in told if of["pid"] == told[0]["pid"]]
    assert before == list(range(1, len(before) + 1))
    assert len(before) >= n_told
    first, *_ = more = [of["iteration"] for of in told[len(before) :]]
    assert more == list(range(first, N_ITERATION + 1))
    assert first % SAVE_EVERY == 1
    assert 1 < first <= len(before) + 1


def test_parameters_that_are_named_wrongly_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="names no key"):
        sweep("ieee34_ieee13", {"env.": 1.0}, storage=tmp_path)
    with pytest.raises(ConfigError, match="in space and in options"):
        sweep("ieee34_ieee13", {"lr": 1.0}, options={"lr": 2.0}, storage=tmp_path)
