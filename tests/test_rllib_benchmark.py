"""RLlib's benchmark: it checks the answers it times, and its figures have their form."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "python" / "rllib_speed.py"
RUNNERS = ["RLlib's MultiAgentEnvRunner", "BatchedEnvRunner"]
KINDS = [
    "RLlib's runner and learner",
    "BatchedEnvRunner, RLlib's learner",
    "BatchedEnvRunner, ArrayPPOLearner",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("benchmark")
    readme = folder / "README.md"
    begin, end = (f"<!-- rllib-speed:{mark} -->" for mark in ("begin", "end"))
    readme.write_text(f"before\n{begin}\nwhat was here\n{end}\nafter\n")
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(folder)]
    run = subprocess.run(
        [*command, "--readme", str(readme)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "HOME": str(folder)},  # where algorithms make folders
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "rllib_speed.json").read_text(encoding="utf-8"))


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a module of the benchmark."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return lambda name: importlib.import_module(f"sampling_speed.{name}")


def test_everything_is_measured_in_positive_times(content):
    assert [(r["environments"], r["what"]) for r in content["sampling"]] == [
        (n, what) for n in (2, 4) for what in RUNNERS
    ]
    assert [(r["environments"], r["what"]) for r in content["iterations"]] == [
        (n, what) for n in (2, 4) for what in KINDS
    ]
    for row in content["sampling"]:
        assert len(row["turns_us"]) == content["n_turn"]
        assert min(row["turns_us"]) > 0.0
    for row in content["iterations"]:
        assert len(row["turns_s"]) == content["n_turn"]
        assert 96 <= row["steps"] < 96 + row["environments"]


def test_stages_add_up_to_the_iteration(content):
    for row in content["iterations"]:
        stages = row["stages_s"]
        assert {"sampling", "connectors", "learner: forward passes", "the rest"} <= set(stages)
        for turn, total in enumerate(row["turns_s"]):
            assert sum(of[turn] for of in stages.values()) == pytest.approx(total, rel=1e-2)
            assert min(of[turn] for of in stages.values()) > 0.0


def test_episodes_are_compared_before_they_are_timed(content):
    assert all(0.0 <= e <= 1e-5 for e in content["largest_difference_of_episodes"].values())


def test_a_short_run_lacks_only_the_figures_of_32_environments(content):
    assert all(r["value"] is None for r in content["requirements"])
    assert sum(r["is_required"] for r in content["requirements"]) == 3


def test_the_readme_keeps_what_is_around_the_marks(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- rllib-speed:begin -->\n")
    assert text.endswith("\n<!-- rllib-speed:end -->\nafter\n")
    assert "what was here" not in text


def test_page_and_plot_name_no_folder(folder):
    for name in ("rllib_speed.json", "rllib_speed.md", "rllib_speed.svg"):
        text = (folder / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(folder) not in text


def test_requirements_hold_the_ratios_of_medians(package):
    required, iteration, measure = (
        package("required"), package("iteration"), importlib.import_module("speed.measure")
    )  # fmt: skip
    key = {"environments": 32}
    sampled = [
        measure.Measurement(what, key, "environment step", 1, [ns, ns * 9.0, ns])
        for what, ns in zip(RUNNERS, (1000.0, 90.0), strict=True)
    ]
    iterations = [
        iteration.Iterations(
            what,
            32,
            4000,
            {"sampling": [s, s], "connectors": [0.6, 0.6], "learner: losses": [0.4, 0.4]},
            [s + 1.0, s + 1.0],
        )
        for what, s in zip(KINDS, (9.0, 1.0, 1.0), strict=True)
    ]
    found = required.requirements(sampled, iterations)
    assert [r.value for r in found[:3]] == pytest.approx([1000.0 / 90.0, 9.0, 5.0])
    assert [r.holds for r in found[:3]] == [True, False, True]


def test_another_number_in_an_episode_stops_the_benchmark(package):
    answers = package("answers")

    def episode(rewards, env_t=2):
        nothing = SimpleNamespace(data=0.0 * rewards)
        of_agent = SimpleNamespace(
            observations=nothing,
            actions=nothing,
            rewards=SimpleNamespace(data=rewards),
            extra_model_outputs={},
        )
        return SimpleNamespace(
            env_t=env_t,
            env_t_started=0,
            is_terminated=False,
            is_truncated=True,
            agent_ids={"a"},
            agent_episodes={"a": of_agent},
        )

    theirs = episode(np.array([1.0, 2.0]))
    assert answers._difference(theirs, episode(np.array([1.0, 2.5]))) == pytest.approx(0.25)
    with pytest.raises(AssertionError, match="env_t of an episode is 3, expected 2"):
        answers._difference(theirs, episode(np.array([1.0, 2.0]), env_t=3))
