"""The environment's benchmark: it checks the answers it times, and its figures have their form."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "python" / "env_speed.py"
GRID2OP = "Grid2Op, 14 buses, lightsim2grid"
SINGLES = ("reference, pandapower", "reference, native power flow", "PettingZoo environment")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("benchmark")
    readme = folder / "README.md"
    begin, end = (f"<!-- env-speed:{mark} -->" for mark in ("begin", "end"))
    readme.write_text(f"before\n{begin}\nwhat was here\n{end}\nafter\n")
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(folder)]
    run = subprocess.run(
        [*command, "--readme", str(readme)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "env_speed.json").read_text(encoding="utf-8"))


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a module of the benchmark."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return lambda name: importlib.import_module(f"environment_speed.{name}")


def test_everything_is_measured_in_positive_times(content):
    steps, threads = (content["results"][name] for name in ("steps", "threads"))
    for row in steps + threads:
        assert len(row["turns_us"]) == content["n_turn"]
        assert 0.0 < min(row["turns_us"]) <= row["median_us"] <= max(row["turns_us"])
        assert row["agent_steps_a_second"] == pytest.approx(
            row["agents"] * row["steps_a_second"], rel=1e-3
        )
    assert [row["what"] for row in steps[:3]] == list(SINGLES)
    batches = [row for row in steps if row["what"] == "VectorGridEnv"]
    assert [row["lanes"] for row in batches] == [8, 64]
    assert [(row["lanes"], row["threads"]) for row in threads] == [
        (8, 1), (8, 2), (64, 1), (64, 2)
    ]  # fmt: skip


def test_answers_are_compared_before_they_are_timed(content):
    errors = {row["what"]: row["error"] for row in content["results"]["steps"]}
    assert errors["reference, native power flow"] == errors["VectorGridEnv"] == 0.0
    assert 0.0 < errors["PettingZoo environment"] <= 1.0  # of what is allowed


def test_an_installed_peer_is_among_the_figures(content):
    if any(importlib.util.find_spec(name) is None for name in ("grid2op", "lightsim2grid")):
        pytest.skip("needs the extra bench")
    found = [row["what"] for row in content["results"]["steps"] if row["what"].startswith(GRID2OP)]
    assert found == [f"{GRID2OP}, no action", f"{GRID2OP}, redispatch"]


def test_stages_add_up_to_the_step(content):
    for found in content["stages"]:
        stages = found["stages_us"]
        assert sum(stages.values()) == pytest.approx(found["total_us"], rel=1e-3)
        assert min(us for name, us in stages.items() if name != "everything else") > 0.0
        assert "power flow, regulators settled" in stages
    assert [found["lanes"] for found in content["stages"]] == [0, 64]


def test_memory_is_that_of_fresh_processes(content):
    small, large = content["memory"]
    assert (small["n_lane"], large["n_lane"]) == (8, 256)
    assert small["state_kb"] > 5.0
    assert 0.9 * small["resident_mb"] < large["resident_mb"] < 1e3


def test_a_short_run_lacks_only_the_figures_of_1024_lanes(content):
    missing = [r["text"] for r in content["requirements"] if r["value"] is None]
    assert len(content["gain_of_second_core"]) == 3
    assert all("1,024 lanes" in text or "Grid2Op" in text for text in missing)
    assert sum("1,024 lanes" in text for text in missing) == 4


def test_the_readme_keeps_what_is_around_the_marks(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- env-speed:begin -->\n")
    assert text.endswith("\n<!-- env-speed:end -->\nafter\n")
    assert "what was here" not in text
    assert "| PettingZoo environment |" in text


def test_page_and_plot_name_no_folder(folder):
    for name in ("env_speed.json", "env_speed.md", "env_speed.svg"):
        text = (folder / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(folder) not in text
    assert "where the time goes" in (folder / "env_speed.svg").read_text(encoding="utf-8")


def test_another_reward_in_a_batch_stops_the_benchmark(package):
    batch, problem = package("batch"), package("problem")
    made = batch.Batch(2)
    single = problem.make_single()
    batch.compare(made, [single])
    step = made.step
    made.step = lambda: step() + 1e-12
    with pytest.raises(AssertionError, match="lane 0 of 2, step 0: not what a single environment"):
        batch.compare(made, [single])


def test_a_clock_shows_a_stage_without_those_inside_it(package, monkeypatch):
    now_ns = 0

    class Work:
        def outer(self) -> int:
            nonlocal now_ns
            now_ns += 70
            return self.inner() + self.inner()

        def inner(self) -> int:
            nonlocal now_ns
            now_ns += 10
            return 1

    module, work = package("stage_clock"), Work()
    monkeypatch.setattr(module.time, "perf_counter_ns", lambda: now_ns)
    clock = module.StageClock()
    clock.watch(work, "outer", "outside")
    clock.watch(work, "inner", "inside")
    assert work.outer() == 2
    assert clock.n_call == {"outside": 1, "inside": 2}
    assert clock.spent_ns == {"outside": 70, "inside": 20}
    clock.forget()
    assert clock.spent_ns == {"outside": 0.0, "inside": 0.0}


def test_lanes_are_out_of_phase_and_end_once_in_a_round(package):
    batch = package("batch")
    made = batch.Batch(30)
    made.scatter()
    ends = np.zeros(30, int)
    for _ in range(batch.ROUND):
        truncations = made.envs.step(made.actions[0])[3]
        assert truncations.sum() <= 2
        ends += truncations
    assert (ends == 1).all()
