"""A tap changer: one step at a time, within its range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import ConfigError
from powergrid.agents.transformer import Transformer

RESULTS = {"p_mw": 0.3, "q_mvar": 0.1, "loading_percent": 80.0}


def changer(**parameters: float) -> Transformer:
    return Transformer("reg", {"transformer": "REG1", "tap_min": -2, "tap_max": 3, **parameters})


@given(st.lists(st.sampled_from([0, 1, 2]), max_size=30))
def test_each_action_moves_at_most_one_step_within_the_range(moves: list[int]) -> None:
    device = changer()
    for move in moves:
        before = device.state.tap.tap
        device.set_device_action(np.array([move]))
        after = device.state.tap.tap
        assert after == min(max(before + move - 1, -2), 3)


def test_a_move_starts_from_the_rounded_position() -> None:
    device = changer()
    device.state.tap.tap = 1.667
    device.set_device_action(np.array([1]))
    assert device.state.tap.tap == 1.667
    device.set_device_action(np.array([2]))
    assert device.state.tap.tap == 3.0


def test_a_step_moved_is_paid_once_whatever_the_interval() -> None:
    for dt in (0.25, 1.0):
        device = changer(tap_change_cost=0.8)
        device.set_device_action(np.array([2]))
        device.update_state(RESULTS, dt)
        device.update_cost_safety()
        assert device.cost * dt == pytest.approx(0.8)


def test_a_move_against_the_end_of_the_range_costs_nothing() -> None:
    device = changer(tap_change_cost=0.8, tap_init=3)
    device.set_device_action(np.array([2]))
    device.update_state(RESULTS, 1.0)
    device.update_cost_safety()
    assert device.cost == 0.0


def test_an_overload_counts_as_a_fraction() -> None:
    device = changer()
    device.update_state({**RESULTS, "loading_percent": 130.0}, 1.0)
    device.update_cost_safety()
    assert device.safety == pytest.approx(0.3)


def test_the_network_gives_position_and_range_where_none_is_configured() -> None:
    device = Transformer("reg", {"transformer": "REG1", "tap_max": 4})
    device.set_range(tap=2.333, tap_min=-16, tap_max=16)
    assert (device.state.tap.tap, device.tap_min, device.tap_max) == (2.0, -16, 4)


def test_reset_returns_to_the_first_position() -> None:
    device = Transformer("reg", {"transformer": "REG1"})
    device.set_range(tap=5.0, tap_min=-16, tap_max=16)
    device.set_device_action(np.array([0]))
    device.reset()
    assert device.state.tap.tap == 5.0


def test_a_range_that_leaves_the_transformers_is_refused() -> None:
    device = Transformer("reg", {"transformer": "REG1", "tap_max": 20})
    with pytest.raises(ValueError, match=r"tap 0 in -16..20 does not fit REG1.*-16..16"):
        device.set_range(tap=0.0, tap_min=-16, tap_max=16)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"tap_min \(5\) exceeds tap_max \(3\)"):
        changer(tap_min=5)
