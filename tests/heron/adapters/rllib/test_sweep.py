"""Sweeps: over both kinds of parameters, on two machines, and again after a kill."""

from __future__ import annotations

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

# Who starts a sweep of two trials on a cluster of two machines, each with room for one of them.
PROGRAM = """
import logging, os, sys
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from heron.adapters.rllib import sweep


def seen(policy, env_config):
    import ray

    node = ray.get_runtime_context().get_node_id()
    return {
        "penalty": env_config["penalty"],
        "delay_s": env_config["timing"]["coordinator"]["obs_delay"],
        "node": int(node[:12], 16),
    }


if __name__ == "__main__":
    storage, n_iteration = sys.argv[1], int(sys.argv[2])
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False},
    )
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    cluster.wait_for_nodes()
    frame = sweep(
        "ieee34_ieee13",
        {
            "env.penalty": ray.tune.grid_search([10.0, 100.0]),
            "env.timing.coordinator.obs_delay": 60.0,
            "lr": 1e-3,
        },
        storage=storage,
        env_config={"max_episode_steps": 2},
        options={"train_batch_size": 8, "minibatch_size": 8, "num_epochs": 1, "hidden": (8,),
                 "num_envs_per_env_runner": 4},
        n_iteration=n_iteration,
        save_every=1,
        evaluate=seen,
    )
    print(len(ray.nodes()))
    frame.to_csv(Path(storage) / "frame.csv", index=False)
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.fixture
def place() -> Iterator[str]:
    """Return a folder for Ray's own files."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield folder


def start(folder: Path, n_iteration: int, place: str) -> subprocess.Popen[str]:
    program = folder / "two_nodes.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(program), str(folder / "results"), str(n_iteration)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={
            **os.environ,
            "NUMBA_DISABLE_JIT": "1",
            "PYTHONPATH": str(folder),  # where workers find the evaluation
            # Otherwise whatever starts Ray meanwhile would join this cluster, and after the kill
            # look for it in vain. Sockets are in it, whose paths must be short.
            "RAY_TMPDIR": place,
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
        },
    )


def finish(run: subprocess.Popen[str], folder: Path) -> list[dict[str, str]]:
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert out.strip().endswith("2"), out  # nodes
    import csv

    with (folder / "results" / "frame.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_killed_sweep_goes_on_and_ends_on_two_nodes(tmp_path: Path, place: str):
    run = start(tmp_path, 60, place)
    trials = tmp_path / "results" / "sweep"
    begun = time.monotonic()
    while not any(trials.glob("*/checkpoint_*/rllib_checkpoint.json")):
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() - begun < 240
        time.sleep(0.2)
    os.killpg(run.pid, signal.SIGKILL)  # the whole of it, machines included
    run.communicate()
    rows = finish(start(tmp_path, 60, place), tmp_path)
    assert [float(row["env.penalty"]) for row in rows] == [10.0, 100.0]
    assert [float(row["eval_penalty"]) for row in rows] == [10.0, 100.0]
    assert [float(row["eval_delay_s"]) for row in rows] == [60.0, 60.0]
    assert [int(row["iteration"]) for row in rows] == [60, 60]
    assert [int(row["n_env_step"]) for row in rows] == [480, 480]
    assert all(row["error"] in ("", "nan") for row in rows)
    assert len({row["eval_node"] for row in rows}) == 2
    for row in rows:
        assert (Path(row["checkpoint"]) / "rllib_checkpoint.json").is_file()
    # Iterations that were done before the kill are not done again.
    n_told = sum(1 for path in trials.glob("*/result.json") for _ in path.open())
    assert n_told < 2 * 60 + 20


def test_parameters_that_are_named_wrongly_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="names no key"):
        sweep("ieee34_ieee13", {"env.": 1.0}, storage=tmp_path)
    with pytest.raises(ConfigError, match="in space and in options"):
        sweep("ieee34_ieee13", {"lr": 1.0}, options={"lr": 2.0}, storage=tmp_path)
