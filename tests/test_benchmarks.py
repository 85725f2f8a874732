"""The benchmark of the core in short: its answers are checked and its report written.

Nothing is demanded of the figures, which the other tests of the machine disturb.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "python" / "core_speed.py"
HAS_SIMPY = importlib.util.find_spec("simpy") is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("benchmark")
    readme = folder / "README.md"
    readme.write_text(
        "before\n<!-- core-speed:begin -->\nwhat was here\n<!-- core-speed:end -->\nafter\n"
    )
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(folder)]
    run = subprocess.run(
        [*command, "--readme", str(readme)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "core_speed.json").read_text(encoding="utf-8"))


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module("peers")


def test_every_group_is_measured_in_positive_times(content):
    assert {name: len(rows) > 1 for name, rows in content["results"].items()} == dict.fromkeys(
        ("loops", "handlers", "decisions", "messages", "gather", "growth"), True
    )
    for rows in content["results"].values():
        for row in rows:
            assert len(row["turns_ns"]) == content["n_turn"]
            assert min(row["turns_ns"]) <= row["median_ns"] <= max(row["turns_ns"])
            assert row["median_ns"] > 0.0


def test_every_requirement_has_a_figure(content):
    required = content["requirements"]
    assert len(required) == 8
    missing = [r["text"] for r in required if r["value"] is None]
    assert missing == ([] if HAS_SIMPY else ["native loop against SimPy"])


@pytest.mark.skipif(not HAS_SIMPY, reason="needs the extra bench")
def test_simpy_is_among_the_loops(content):
    rows = content["results"]["loops"]
    assert {(r["n"], r["jitter"]) for r in rows if r["what"] == "SimPy"} == {
        (n, jitter) for n in (10, 1_000) for jitter in ("none", "uniform")
    }


def test_the_machine_is_described_but_not_named(content, folder):
    machine = content["machine"]
    assert machine["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert machine["clock_ghz"] > 0.1
    assert machine["packages"]["numpy"]
    assert set(machine) == {
        *("processor", "n_core", "clock_ghz", "flags", "load_average"),
        *("system", "compiler", "python", "packages"),
    }
    for name in ("core_speed.json", "core_speed.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(folder) not in text


def test_the_readme_keeps_what_is_around_the_marks(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- core-speed:begin -->\n")
    assert text.endswith("\n<!-- core-speed:end -->\nafter\n")
    assert "what was here" not in text
    assert "| TickScheduler, handler in C++ |" in text


def test_page_and_plot_show_the_growth(folder):
    page = (folder / "core_speed.md").read_text(encoding="utf-8")
    assert "## Cost of an event by pending events" in page
    plot = (folder / "event_cost.svg").read_text(encoding="utf-8")
    assert plot.count("EventQueue alone") == 1
    assert "pending events" in plot


def test_a_wrong_answer_stops_the_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    measure = importlib.import_module("speed.measure")
    with pytest.raises(measure.WrongAnswerError, match=r"units .*: got 9, expected 10"):
        measure.timed(lambda n: n - 1)(10)
    with pytest.raises(measure.WrongAnswerError, match=r"from number 1 on: got \[3\]"):
        measure.check_equal([1, 3], [1, 2], "events")


def test_the_peer_arms_the_next_tick_though_its_handler_raised(peers):
    from heron.scheduling import EventType

    scheduler = peers.HeapqScheduler()
    scheduler.register_agent("a", [1.0, 2.0])

    def fail(event, scheduler):
        raise RuntimeError(f"at {event.timestamp}")

    scheduler.set_handler(EventType.AGENT_TICK, fail)
    for time in (0.0, 1.0, 3.0):
        with pytest.raises(RuntimeError, match=f"at {time}"):
            scheduler.run_until(10.0)
    assert (scheduler.processed_count, scheduler.current_time) == (3, 3.0)


def test_the_peer_refuses_the_past(peers):
    scheduler = peers.HeapqScheduler(start_time=5.0)
    for time in (4.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="past or not finite"):
            scheduler.schedule(peers.PeerEvent(time))
