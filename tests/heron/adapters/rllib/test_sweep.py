"""Sweeps: over both kinds of parameters, on two machines, and again after a kill."""

from __future__ import annotations

import csv
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

# The example, as who starts it on a cluster of two machines, each with room for one trial.
PROGRAM = """
import importlib.util, logging, sys

import ray
from ray.cluster_utils import Cluster

if __name__ == "__main__":
    path, *arguments = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("example", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=1)
    example.main([*arguments, "--address", cluster.address])
    cluster.shutdown()
"""
N_ITERATION = 30


@pytest.fixture
def place() -> Iterator[str]:
    """Return a folder for Ray's own files."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def start(folder: Path, place: str) -> subprocess.Popen[str]:
    program = folder / "two_nodes.py"
    program.write_text(PROGRAM, encoding="utf-8")
    flags = ["--iterations", str(N_ITERATION), "--steps-per-iteration", "24", "--delays", "3600"]
    return subprocess.Popen(
        [sys.executable, str(program), str(EXAMPLE), *flags, "--storage", str(folder / "results")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            **os.environ,
            # Otherwise whatever starts Ray meanwhile would join this cluster, and after the kill
            # look for it in vain. Sockets are in it, whose paths must be short.
            "RAY_TMPDIR": place,
        },
    )


def lines(trials: Path) -> int:
    """Return how many iterations all trials have told of."""
    return sum(len(path.read_text().splitlines()) for path in trials.glob("*/result.json"))


def test_a_killed_sweep_goes_on_and_ends_on_two_nodes(tmp_path: Path, place: str):
    run = start(tmp_path, place)
    trials = tmp_path / "results" / "sweep"
    begun = time.monotonic()
    while not any(trials.glob("*/checkpoint_*/rllib_checkpoint.json")):
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() - begun < 240
        time.sleep(0.2)
    os.killpg(run.pid, signal.SIGKILL)  # the whole of it, machines included
    run.communicate()
    assert not (tmp_path / "results" / "sweep.csv").exists()
    n_told = lines(trials)
    again = start(tmp_path, place)
    _, err = again.communicate(timeout=400)
    assert again.returncode == 0, err
    with (tmp_path / "results" / "sweep.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["central_critic"] for row in rows) == ["False", "True"]
    for row in rows:
        assert row["error"] == ""
        assert int(row["iteration"]) == N_ITERATION
        assert int(row["n_env_step"]) == 24 * N_ITERATION
        assert float(row["env.timing.coordinator.obs_delay"]) == 3600.0
        assert float(row["eval_age_of_information_s"]) == 3600.0
        assert float(row["eval_return"]) < 0.0
        assert (Path(row["checkpoint"]) / "rllib_checkpoint.json").is_file()
    # They went on: an iteration is repeated only if it came after the last checkpoint.
    n_after = lines(trials)
    assert n_told < n_after <= 2 * (N_ITERATION + 5)


def test_parameters_that_are_named_wrongly_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="names no key"):
        sweep("ieee34_ieee13", {"env.": 1.0}, storage=tmp_path)
    with pytest.raises(ConfigError, match="in space and in options"):
        sweep("ieee34_ieee13", {"lr": 1.0}, options={"lr": 2.0}, storage=tmp_path)
