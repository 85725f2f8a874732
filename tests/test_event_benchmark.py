"""The benchmark of running by events: it checks its answers, and its figures have their form."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "python" / "event_speed.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "README.md").write_text("<!-- event-speed:begin -->\n<!-- event-speed:end -->\n")
    command = [
        sys.executable, str(SCRIPT), "--quick", "--out", str(folder),
        "--readme", str(folder / "README.md"),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "event_speed.json").read_text(encoding="utf-8"))


def test_every_way_is_timed_with_and_without_a_network(content: Any) -> None:
    assert list(content["steps"]) == ["network", "actions drawn beforehand"]
    for rows in content["steps"].values():
        assert rows[0]["what"] == "VectorGridEnv"
        assert len(rows) == 4
        assert all(min(row["turns_ns"]) > 0.0 for row in rows)
    texts = [r["text"] for r in content["requirements"] if r["is_required"]]
    assert len(texts) == 4
    assert "with a network, by events, small delays" in texts[1]


def test_a_day_has_the_decisions_and_events_of_its_ticks(content: Any) -> None:
    n_lane, hours = content["extent"]["n_lane"], content["extent"]["hours"]
    for day in content["days"]:
        n_tick = n_lane * hours * 60.0
        assert day["n_decision"] == pytest.approx(3 * n_tick, rel=0.02)
        # Each of 15 devices: a tick, a delivery, an effect.
        assert day["n_event"] == pytest.approx((3 + 3 * 15) * n_tick, rel=0.1)
        assert day["seconds"] > 0.0
        assert all(s >= 0.0 for name, s in day["stages_s"].items() if name != "everything else")


@pytest.mark.parametrize("name", ["event_speed.md", "README.md"])
def test_page_and_readme_show_the_figures(name: str, folder: Path, content: Any) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert "| by events, small delays |" in text
    assert f"{content['days'][0]['n_decision']:,}" in text
    assert str(SCRIPT.parents[2]) not in text


def test_the_plot_names_the_ways_and_the_stages(folder: Path) -> None:
    text = (folder / "event_speed.svg").read_text(encoding="utf-8")
    assert "a network decides" in text
    assert "everything else" in text


def test_another_reward_by_events_stops_the_benchmark(monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    problem = importlib.import_module("event_driven_speed.problem")
    problem.compare(2)
    step = problem.EventDrivenVectorEnv.step

    def wrong(self: Any, actions: np.ndarray) -> Any:
        observations, rewards, *rest = step(self, actions)
        return observations, rewards + 1e-12, *rest

    monkeypatch.setattr(problem.EventDrivenVectorEnv, "step", wrong)
    with pytest.raises(AssertionError, match="not what it is in lock-step"):
        problem.compare(2)
