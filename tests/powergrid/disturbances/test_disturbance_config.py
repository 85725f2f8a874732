"""What configurations of disturbances and conditions say, and what is wrong with others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.core.config import parse_config
from powergrid.disturbances import Condition, DisturbanceConfig, VoltageAlarm
from powergrid.envs.config import EnvConfig

SPIKE = {"kind": "load_spike", "size": 1.5}
ONCE = {"kind": "line_outage", "at_s": 60.0}
OFTEN = {"kind": "line_outage", "rate_per_h": 2.0, "duration_s": 60.0}


def disturbance(**entries: Any) -> DisturbanceConfig:
    (config,) = parse_config(EnvConfig, {"disturbances": [entries]}, "env").disturbances
    return config


def test_short_forms_mean_the_long_ones() -> None:
    short = disturbance(**SPIKE, at_s=5, duration_s=60, target="MG1")
    long = disturbance(
        kind="load_spike",
        at_s=5.0,
        targets=["MG1"],
        size=[1.5, 1.5],
        duration_s={"distribution": "fixed", "mean_s": 60.0},
    )
    assert short == long
    drawn = disturbance(**{**OFTEN, "duration_s": {"mean_s": 60.0}})
    assert drawn.duration_s is not None
    assert drawn.duration_s.distribution == "exponential"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({**ONCE, "kind": "line_outrage"}, r"disturbances.0.kind: Input should be 'load_spike'"),
        ({**ONCE, "taget": "x"}, "unknown key 'taget'; did you mean 'target'"),
        ({**ONCE, "target": "a", "targets": ["b"]}, "says again"),
        ({**ONCE, "targets": []}, "there are none; leave the key out"),
        ({**ONCE, "targets": ["a", "b", "a"]}, "a is named twice"),
        ({**ONCE, "rate_per_h": 1.0}, "give at_s .* or rate_per_h"),
        ({"kind": "line_outage"}, "give at_s .* or rate_per_h"),
        ({**ONCE, "at_s": -1.0}, "at_s: Input should be greater than or equal to 0"),
        ({**OFTEN, "rate_per_h": 0.0}, "rate_per_h: Input should be greater than 0"),
        ({"kind": "line_outage", "rate_per_h": 1.0}, "it needs duration_s"),
        ({**ONCE, "duration_s": {"mean_s": 5.0}}, "with at_s, duration_s is a number"),
        ({**OFTEN, "duration_s": 0.0}, "greater than 0"),
        ({**OFTEN, "duration_s": {"low_s": 5.0}}, "takes mean_s, got low_s"),
        (
            {**OFTEN, "duration_s": {"distribution": "uniform", "low_s": 5.0, "high_s": 1.0}},
            r"low_s \(5.0\) exceeds high_s",
        ),
        ({**OFTEN, "duration_s": {"distribution": "normal", "mean_s": 5.0}}, "'fixed', 'expon"),
        ({**OFTEN, "duration_s": {"distribution": "fixed"}}, "takes mean_s, got neither"),
        ({**ONCE, "size": 1.5}, "a line_outage has no size"),
        ({"kind": "load_spike", "at_s": 0.0}, "a load_spike needs size"),
        ({**SPIKE, "at_s": 0.0, "size": [1.0, 2.0]}, "with at_s, size is one number"),
        ({**SPIKE, "rate_per_h": 1.0, "duration_s": 5.0, "size": [2.0, 1.0]}, "a factor or a ran"),
        ({**SPIKE, "at_s": 0.0, "size": -1.0}, "from 0 on"),
        ({**SPIKE, "at_s": 0.0, "size": float("nan")}, "finite number"),
    ],
)
def test_a_wrong_disturbance_is_named(entries: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        disturbance(**entries)


class Own:
    name = "own"
    agents = None
    cool_down_s = 0.0
    one_shot = False

    def is_met(self, view: Any) -> np.ndarray:
        return np.zeros((len(view.agents), view.n_lane), np.bool_)


def test_conditions_are_configured_by_kind_or_brought() -> None:
    own = Own()
    entries = [{"kind": "voltage_alarm", "low_pu": 0.97}, VoltageAlarm(name="high"), own]
    conditions = parse_config(EnvConfig, {"conditions": entries}, "env").conditions
    assert conditions[0] == VoltageAlarm(low_pu=0.97)
    assert conditions[1].name == "high"
    assert conditions[2] is own
    assert all(isinstance(condition, Condition) for condition in conditions)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "voltage_alrm"}, "unknown kind of condition .* did you mean 'voltage_alarm'"),
        ({}, "unknown kind of condition"),
        ({"kind": "voltage_alarm", "low": 1.0}, "did you mean 'low_pu'"),
        ({"kind": "voltage_alarm", "low_pu": 1.1}, r"low_pu \(1.1\) exceeds high_pu"),
        ({"kind": "voltage_alarm", "low_pu": None, "high_pu": None}, "needs low_pu or high_pu"),
        ({"kind": "voltage_alarm", "cool_down_s": -1.0}, "cool_down_s"),
        (5, "int lacks name, agents, cool_down_s, one_shot, is_met"),
    ],
)
def test_a_wrong_condition_is_named(entry: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_config(EnvConfig, {"conditions": [entry]}, "env")
