"""The power flow's benchmark: it checks the answers it times, and its figures have their form."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "python" / "power_flow.py"
PEERS = {
    "lightsim2grid": "lightsim2grid",
    "power_grid_model": "power-grid-model",
    "opendssdirect": "OpenDSS",
}
COMBINED = "IEEE 34 + 3 x IEEE 13"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("benchmark")
    readme = folder / "README.md"
    begin, end = (f"<!-- power-flow-speed:{mark} -->" for mark in ("begin", "end"))
    readme.write_text(f"before\n{begin}\nwhat was here\n{end}\nafter\n")
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(folder)]
    run = subprocess.run(
        [*command, "--readme", str(readme)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "power_flow.json").read_text(encoding="utf-8"))


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module("powerflow_speed.problems")


def test_every_group_is_measured_in_positive_times(content):
    assert set(content["results"]) == {"networks", "threads", "simd", "buses"}
    for rows in content["results"].values():
        assert rows
        for row in rows:
            assert min(row["turns_us"]) <= row["median_us"] <= max(row["turns_us"])
            assert min(row["turns_us"]) > 0.0


def test_every_answer_is_near_pandapowers(content):
    for group, rows in content["results"].items():
        of_native = 1e-7 if group == "buses" else 1e-8
        for row in rows:
            assert row["error_pu"] <= (of_native if row["what"].startswith("native") else 1e-6), row


@pytest.mark.parametrize("package", PEERS)
def test_an_installed_peer_is_among_the_figures(content, package):
    pytest.importorskip(package)
    rows = content["results"]["networks"]
    networks = {row["network"] for row in rows if row["what"].startswith(PEERS[package])}
    assert COMBINED in networks


def test_a_warm_start_saves_iterations_and_yet_has_to_move(content):
    rows = content["results"]["networks"]
    for lanes in (1, 64):
        warm, cold = (
            next(
                row["iterations"]
                for row in rows
                if (row["what"], row["network"], row["lanes"], row["start"])
                == ("native", COMBINED, lanes, start)
            )
            for start in ("warm", "cold")
        )
        assert 1.0 <= warm < cold


def test_requirements_have_the_figures_that_a_short_run_gives(content):
    # A short run has no batch of 1,024, so no ratio to it, and counts no instructions.
    of_growth = "exponent of time by buses, radial networks, "
    measured = {r["text"] for r in content["requirements"] if r["value"] is not None}
    peers = {text for text in measured if text.startswith(of_growth)}
    others = {text for text in measured - peers if not text.startswith("what a bus costs more")}
    assert others == {f"{COMBINED}, one lane from Python, us"}
    assert len(measured - peers) == 2
    assert f"{of_growth}native" in peers
    missing = {r["text"] for r in content["requirements"] if r["holds"] is None}
    assert "exponent of instructions by buses, radial networks" in missing
    assert len(content["memory_copy_gb_s"]) == 5


def test_growth_is_held_against_instructions_and_memory(problems):
    growth, measure, groups, required = (
        importlib.import_module(name)
        for name in (
            "powerflow_speed.growth",
            "speed.measure",
            "powerflow_speed.groups",
            "powerflow_speed.required",
        )
    )

    def row(n_bus: int, ns_a_bus: float) -> Any:
        key = {"network": str(n_bus), "lanes": 64, "start": "warm", "threads": 1}
        time = measure.Measurement("native", key, "", 1, [ns_a_bus * n_bus])
        return groups.Row(time, 0.0, 2.0)

    def verdicts(counts: dict[int, float], ns_a_bus: float) -> dict[str, bool | None]:
        tables = {"networks": [], "buses": [row(100, 10.0), row(10_000, ns_a_bus)]}
        made = growth.Growth(counts, [30.0, 20.0, 10.0])
        machine = {"load_average": 0.0, "clock_ghz": 2.5, "flags": []}
        return {r.text.split(",")[0]: r.holds for r in required.requirements(tables, made, machine)}

    of_work, of_time = "exponent of instructions by buses", "what a bus costs more in the largest"
    linear = {100: 200.0, 1000: 201.0, 10_000: 203.0}
    most_ns = 10.0 + growth.BYTES_OF_SOLVE / 20.0  # of the median copy, 20 bytes a nanosecond
    for counts, ns, of_both in (
        (linear, most_ns - 0.1, (True, True)),
        (linear, most_ns + 0.1, (True, False)),
        ({100: 200.0, 1000: 250.0, 10_000: 312.0}, 20.0, (False, True)),
        ({}, 20.0, (None, True)),
    ):
        found = verdicts(counts, ns)
        text = next(text for text in found if text.startswith(of_time))
        assert (found[of_work], found[text]) == of_both


def test_cachegrinds_total_is_read(problems):
    growth = importlib.import_module("powerflow_speed.growth")
    assert growth.instructions_of("==1== \n==1== I   refs:      2,910,444,360\n") == 2_910_444_360
    with pytest.raises(SystemExit, match="counted nothing"):
        growth.instructions_of("==1== killed")


def test_the_readme_keeps_what_is_around_the_marks(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- power-flow-speed:begin -->\n")
    assert text.endswith("\n<!-- power-flow-speed:end -->\nafter\n")
    assert "what was here" not in text
    assert "| pandapower `runpp` |" in text


def test_page_and_plot_name_no_folder(folder):
    for name in ("power_flow.json", "power_flow.md", "power_flow_speed.svg"):
        text = (folder / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(folder) not in text
    assert "radial networks" in (folder / "power_flow_speed.svg").read_text(encoding="utf-8")


def test_a_wrong_voltage_stops_the_benchmark(problems):
    contender = importlib.import_module("powerflow_speed.contender")
    problem = problems.Problem("IEEE 13", problems.NETWORKS["IEEE 13"](), 4)

    def voltages(lane: int) -> np.ndarray:
        return problem.reference(0) + 2e-6

    wrong = contender.Contender("a stub", problem, lambda block: None, voltages)
    with pytest.raises(
        AssertionError, match=r"a stub, IEEE 13, lane 0 of 1: .* by 2\.0e-06 p\.u\."
    ):
        contender.check(wrong)


def test_lanes_and_blocks_have_different_loads(problems):
    problem = problems.Problem("IEEE 13", problems.NETWORKS["IEEE 13"](), 8)
    first, second = (problem.block(block, 4)[0] for block in (0, 1))
    assert first.shape == (len(problem.net.load), 4)
    assert not np.any(first == second)
    base = problem.net.load["p_mw"].to_numpy()[:, None]
    assert np.all(np.abs(first / base - 1.0) <= 0.05 + 1e-6)
