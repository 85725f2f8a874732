"""The attribution report: which causes there are, what each changes, and how it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powergrid.baselines import BatchedRuleBasedPolicy
from powergrid.envs.timing import TimingConfig
from powergrid.evaluation import (
    AttributionReport,
    attribution_report,
    evaluate_event_driven,
    split_causes,
)
from powergrid.evaluation.attribution import ALL, NONE

FULL: dict[str, Any] = {
    "coordinator": {
        "tick_interval": 1800.0, "obs_delay": 7200.0, "msg_delay": 60.0, "jitter_type": "uniform",
        "jitter_ratio": 0.2, "min_delay": 1.0, "seed": 3,
    },
    "field": {"tick_interval": 600.0, "act_delay": 30.0},
    "agents": {"MG2": {"obs_delay": 600.0}},
    "faults": {
        "loss": 0.3, "duplication": 0.1, "reordering": 0.1, "reordering_delay": 60.0,
        "outages": [{"start": 0.0, "end": 3600.0}],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def report() -> AttributionReport:
    config = {"max_episode_steps": 24, "timing": FULL}
    return attribution_report(BatchedRuleBasedPolicy(), config, n_seed=6)


def test_causes_are_apart_and_together_the_timing() -> None:
    full = TimingConfig.model_validate(FULL)
    alone = split_causes(full)
    assert list(alone) == [
        "tick rate", "observation delay", "action delay", "message delay", "jitter", "loss",
        "reordering",
    ]  # fmt: skip
    plain = TimingConfig()
    levels = ("coordinator", "field")
    for cause, config in alone.items():
        others = [of for name, of in alone.items() if name != cause]
        for level in levels:
            for name, value in getattr(config, level):
                if name != "seed" and value != getattr(plain.field, name):
                    assert value == getattr(getattr(full, level), name)
                    assert all(getattr(getattr(of, level), name) != value for of in others)
        assert config.coordinator.seed == 3
    assert alone["observation delay"].agents["MG2"].obs_delay == 600.0
    assert alone["loss"].faults.outages == full.faults.outages
    merged: dict[str, Any] = {"faults": {}, "coordinator": {}, "field": {}}
    for config in alone.values():
        for part, values in merged.items():
            values |= getattr(config, part).model_dump(exclude_defaults=True)
    merged["agents"] = FULL["agents"]
    assert TimingConfig.model_validate(merged) == full
    assert split_causes(TimingConfig()) == {}


def test_effects_are_paired_differences_of_what_was_evaluated(report: AttributionReport) -> None:
    assert next(iter(report.evaluations)) == NONE
    assert report.causes[-1] == ALL
    loss = evaluate_event_driven(
        BatchedRuleBasedPolicy(), {"max_episode_steps": 24},
        {"faults": {"loss": 0.3, "outages": [{"start": 0.0, "end": 3600.0}]},
         "coordinator": {"seed": 3}}, seeds=6,
    )  # fmt: skip
    np.testing.assert_array_equal(loss.episode_return, report.evaluations["loss"].episode_return)
    base = report.evaluations[NONE]
    change = loss.episode_return - base.episode_return
    assert report.effect("loss").mean == pytest.approx(change.mean())
    assert report.effect(NONE).low == report.effect(NONE).high == 0.0
    alone = sum(report.effect(cause).mean for cause in report.causes if cause != ALL)
    assert report.interaction().mean == pytest.approx(report.effect(ALL).mean - alone)


def test_a_cause_shows_in_what_it_is_a_cause_of(report: AttributionReport) -> None:
    of = report.evaluations
    assert (of["observation delay"].age_mean_s > 600.0).all()
    assert (of["observation delay"].latency_max_s == 0.0).all()
    assert (of["message delay"].latency_max_s > 0.0).all()
    assert (of["loss"].messages["lost"] > 0).all()
    assert (of["loss"].messages["outage"] > 0).all()
    assert (of["tick rate"].n_decision == 2 * 48 + 24).all()  # MG2 has settings of its own
    assert (of["reordering"].messages["duplicated"] > 0).all()
    assert report.effect(ALL).high < 0.0


def test_a_visibility_that_hides_something_is_a_cause() -> None:
    pytest.importorskip("powergrid.envs.visibility")
    config = {"max_episode_steps": 4, "visibility": "device"}
    report = attribution_report(BatchedRuleBasedPolicy(), config, {}, n_seed=2)
    assert report.causes == ["visibility", ALL]
    of = report.evaluations
    np.testing.assert_array_equal(of["visibility"].episode_return, of[ALL].episode_return)
    assert (of["visibility"].episode_return != of[NONE].episode_return).any()


def test_the_table_has_a_row_for_each_cause(report: AttributionReport) -> None:
    lines = report.table().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:12]] == [
        NONE, *report.causes, "beyond their sum",
    ]  # fmt: skip
    assert len({line.count("|") for line in lines[:12]}) == 1
    change = report.effect("loss")
    assert f"{change.mean:+.2f} [{change.low:+.2f}, {change.high:+.2f}]" in lines[8]
    assert str(report) == report.table()


def test_frame_and_plot_hold_the_same(report: AttributionReport, tmp_path: Path) -> None:
    frame = report.to_frame()
    assert list(frame.index) == list(report.evaluations)
    for cause in report.causes:
        change = report.effect(cause, "cost")
        assert frame.loc[cause, ["cost_change", "cost_low", "cost_high"]].tolist() == [
            change.mean, change.low, change.high,
        ]  # fmt: skip
    report.plot(tmp_path / "report.svg")
    report.plot(tmp_path / "report.png")
    text = (tmp_path / "report.svg").read_text(encoding="utf-8")
    assert all(cause in text for cause in report.causes)
    report.plot(tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == text
