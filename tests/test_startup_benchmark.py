"""The benchmark of starting runs, and its figures have their form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "python" / "startup.py"
CASES = ["no cache", "warm cache", "warm cache, no byte code"]


def test_the_short_run_measures_every_case(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--quick", "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    content = json.loads((tmp_path / "startup.json").read_text(encoding="utf-8"))
    assert [entry["case"] for entry in content["processes"]] == CASES
    turns = [turn for entry in content["processes"] for turn in entry["turns"]]
    assert all(turn["import_s"] > 0.0 and turn["make_s"] > 0.0 for turn in turns)
    assert len({turn["state"] for turn in turns}) == 1
    assert ["pandapower" in turn["loaded"] for turn in turns] == [True, False, False]
    assert len(content["requirements"]) == 3
    page = (tmp_path / "startup.md").read_text(encoding="utf-8")
    assert "| ieee34_ieee13, warm cache |" in page
    assert page in run.stdout
