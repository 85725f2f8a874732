"""The shipped setup, in short: the same script as the full comparison, over two days."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "python" / "policy_table.py"
N_CLAIM = 7


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("policy_table", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    out = tmp_path_factory.mktemp("results") / "table.json"
    code = script.main(["--episodes", "2", "--out", str(out)])
    return code, json.loads(out.read_text()), out.with_suffix(".md").read_text()


def test_all_claims_about_the_shipped_setup_hold(result):
    code, content, _ = result
    assert [claim["text"] for claim in content["claims"] if not claim["holds"]] == []
    assert len(content["claims"]) == N_CLAIM
    assert code == 0


def test_the_results_say_what_was_run(result):
    _, content, _ = result
    assert content["days"] == [91, 273]
    assert content["setup"] == "ieee34_ieee13"
    assert len(content["config_sha256"]) == 64
    assert content["machine"]["pandapower"].startswith("3.5")
    assert all(len(records) == 2 for records in content["episodes"].values())


def test_the_page_has_a_row_for_every_policy(result):
    page = result[2]
    for name in (
        "do-nothing",
        "random",
        "rule-based",
        "rolling-horizon",
        "perfect-foresight bound",
    ):
        assert page.count(f"\n| {name} ") == 1
