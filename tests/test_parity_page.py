"""The page of parity: its figures are measured, and a difference beyond its bound shows."""

from __future__ import annotations

import dataclasses
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "python" / "parity.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the short form as a user would and return the folder of its results."""
    folder = tmp_path_factory.mktemp("parity")
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> Any:
    return json.loads((folder / "parity.json").read_text(encoding="utf-8"))


@pytest.fixture
def parity(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return importlib.import_module("parity")


def test_networks_are_compared_at_both_tolerances(content):
    found = {(row["network"], row["tolerance_pu"]) for row in content["solves"]}
    names = ("ieee13", "case9", "feature ratio_lv")
    assert found == {(name, tolerance) for name in names for tolerance in (1e-10, 1e-8)}
    assert all(0.0 < row["va_degree"] <= 1e-6 for row in content["solves"])


def test_loads_without_a_solution_are_among_them(content):
    assert [row["network"] for row in content["without_solution"]] == ["ieee13", "case9"]
    assert all(row["factor"] > 1.0 for row in content["without_solution"])


def test_an_episode_has_steps_that_move_taps(content):
    (episode,) = content["episodes"]
    assert episode["n_step"] == 24
    assert episode["n_converged"] > 12
    assert episode["n_tap_move"] > 0


def test_the_page_names_every_network_and_no_folder(folder, content):
    text = (folder / "parity.md").read_text(encoding="utf-8")
    assert all(row["network"] in text for row in content["solves"])
    assert "FAILS" not in text
    assert str(ROOT) not in text


def test_a_difference_beyond_its_bound_fails(parity, content):
    solve = parity.Difference(**content["solves"][0])
    collapse = parity.Collapse(**content["without_solution"][0])
    episode = parity.Episode(**content["episodes"][0])
    second = dataclasses.replace(solve, tolerance_pu=1e-8)
    for rows in (
        (dataclasses.replace(solve, vm_pu=1.1e-8), collapse, episode),
        (dataclasses.replace(solve, va_degree=1.1e-6), collapse, episode),
        (dataclasses.replace(solve, loading_percent=1.1e-6), collapse, episode),
        (dataclasses.replace(solve, mismatch_pu=1.1e-10), collapse, episode),
        (solve, dataclasses.replace(collapse, reference_converges=True), episode),
        (solve, dataclasses.replace(collapse, is_finite=False), episode),
        (solve, collapse, dataclasses.replace(episode, table=1.1e-7)),
        (solve, collapse, dataclasses.replace(episode, are_taps_equal=False)),
    ):
        required = parity.requirements([rows[0], second], [rows[1]], [rows[2]])
        assert sum(not requirement.holds for requirement in required) == 1
