"""What the learning report makes of episodes: verdicts, requirements, the page."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="needs the extra multi_agent")

from powergrid.baselines.base import EpisodeRecord

BENCHMARKS = Path(__file__).parents[1] / "benchmarks" / "python"
DAYS = [9, 27, 45, 63]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what imports a module of the report."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: importlib.import_module(f"learning.{name}")


@pytest.fixture
def peers(package: Any) -> Any:
    """Return days on which the causal benchmark earns 10 $ more than the rules, the bound 20."""
    rules = np.array([-500.0, -300.0, -400.0, -200.0])
    return package("judging").Peers(
        days=DAYS,
        returns={"rule-based": rules, "rolling-horizon": rules + 10.0},
        safety={"rule-based": np.array([0.0, 0.03, 0.0, 0.0]), "rolling-horizon": np.zeros(4)},
        bound=rules + 20.0,
    )


def records(returns: Any, safety: float = 0.0) -> list[EpisodeRecord]:
    return [
        EpisodeRecord(
            policy="trained", day=day, n_step=24, episode_return=float(value), cost=-float(value),
            agent_cost={}, energy_bought_mwh=1.0, energy_sold_mwh=0.0, safety=safety / 4,
            n_violated_step=int(safety > 0.0), has_converged=True, v_min_pu=0.97, v_max_pu=1.03,
        )
        for day, value in zip(DAYS, returns, strict=True)
    ]  # fmt: skip


def test_days_between_lie_in_the_middle_and_are_others(package):
    assert package("judging").days_between(DAYS) == [0, 18, 36, 54]


def test_a_verdict_is_paired_by_day(package, peers):
    judge = package("judging").judge
    rules = peers.returns["rule-based"]
    verdict = judge(records(rules + np.array([5.0, 7.0, 6.0, 6.0])), peers)
    assert verdict.advantage.mean == pytest.approx(6.0)
    assert 5.0 <= verdict.advantage.low < 6.0 < verdict.advantage.high <= 7.0
    assert verdict.gap_closed == pytest.approx(0.6)
    assert verdict.gap_to_bound_closed == pytest.approx(0.3)
    assert verdict.mean_return.mean == pytest.approx(-344.0)
    assert verdict.is_good


@pytest.mark.parametrize(
    ("gains", "safety", "is_better"),
    [
        ([5.0, 7.0, 6.0, 6.0], 0.031, False),  # the rules have 0.03
        ([-20.0, 30.0, 6.0, 8.0], 0.0, False),  # more on average, not for certain
        ([4.0, 4.5, 4.0, 4.5], 0.03, True),  # for certain, but less than half of the gap
    ],
)
def test_better_is_for_certain_and_with_no_more_violations(
    package, peers, gains, safety, is_better
):
    verdict = package("judging").judge(records(peers.returns["rule-based"] + gains, safety), peers)
    assert verdict.safety == pytest.approx(safety)
    assert verdict.is_better == is_better
    assert not verdict.is_good


def test_two_seeds_of_three_are_required_on_the_days_of_the_table_only(package, peers, tmp_path):
    report, judging = package("report"), package("judging")
    rules = peers.returns["rule-based"]
    good, bad = (judging.judge(records(rules + gain), peers) for gain in (6.0, 1.0))
    assert (good.is_good, bad.is_good) == (True, False)
    verdicts = {("mappo", 0): good, ("mappo", 1): bad, ("mappo", 2): good, ("ippo", 0): bad,
                ("ippo", 1): good, ("ippo", 2): bad}  # fmt: skip
    others = replace(peers, days=judging.days_between(DAYS))
    judged = [report.Judged(p, verdicts) for p in (peers, others)]
    required = report.requirements(*judged)
    assert [(r.value, r.holds, r.is_required) for r in required] == [
        (2, True, True), (1, False, True), (2, True, False), (1, False, False),
    ]  # fmt: skip
    progress = package("training").Progress([240, 480], [-500.0, -400.0], [0.1, 0.0], 9.0, 8.0)
    progresses = dict.fromkeys(verdicts, progress)
    text = report.page("a_setup", progresses, judged, required, "learning.svg", "here")
    assert "| mappo, seed 0 | -344.0 [" in text
    assert "| 60% | 30% | 0.0000 | 480 | 9 | 8 |" in text
    assert "Halfway between those: 0, 18, 36, 54." in text
    assert text.count("FAILS") == 1
    report.draw(progresses, peers, tmp_path / "learning.svg")
    assert "environment steps / 1000" in (tmp_path / "learning.svg").read_text()


def test_a_table_of_another_configuration_is_refused(package, tmp_path):
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"config_sha256": "one"}))
    with pytest.raises(SystemExit, match="run make table"):
        package("judging").Peers.read(table, "other")
