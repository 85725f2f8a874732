"""Who decides when, and how old what is seen is."""

from __future__ import annotations

import numpy as np
import pytest

from powergrid.kernels.decisions import put_rows, scale_rows, take_down

STEP_S = 0.1  # whose sums carry rounding


@pytest.mark.parametrize("call", [take_down, take_down.py_func])
def test_ages_are_those_of_the_newest_update_that_is_not_younger(call) -> None:
    update_s = np.concatenate([[0.0], np.cumsum(np.full(300, STEP_S))])
    rng = np.random.default_rng(0)
    near = rng.choice(update_s, 400)
    as_of_s = np.concatenate([near, np.nextafter(near, -1.0), rng.uniform(-5.0, 35.0, 400)])
    n = len(as_of_s)
    lane, agent_of = np.arange(n, dtype=np.int32), np.array([-1, 0], np.int32)
    decider, time_s = np.ones(n, np.int32), as_of_s + 2.0
    agent, acting = np.full(n, 7, np.int32), np.zeros((n, 1), np.bool_)
    act_s, age_s = np.zeros((2, n, 1))
    assert call(lane, decider, time_s, as_of_s, agent_of, update_s, agent, acting, act_s, age_s)
    known = np.searchsorted(update_s, as_of_s, side="right") - 1
    expected = np.where(known < 0, np.inf, time_s - update_s[known])
    np.testing.assert_array_equal(age_s[:, 0], expected)
    np.testing.assert_array_equal(act_s[:, 0], time_s)
    assert acting.all()
    assert not agent.any()
    assert np.isinf(expected).any()


@pytest.mark.parametrize("call", [take_down, take_down.py_func])
@pytest.mark.parametrize("missing", [None, 0, 3, 5])
def test_some_agents_or_another_order_are_not_all_in_order(call, missing) -> None:
    lane, decider = (a.astype(np.int32) for a in np.divmod(np.arange(6), 2))
    keep = np.arange(6) != missing
    for order in (np.arange(6), np.array([1, 0, 2, 3, 4, 5])):
        at = order[keep[order]]
        arrays = np.zeros((3, 2), np.bool_), *np.zeros((2, 3, 2))
        time_s, update_s = np.zeros(len(at)), np.array([0.0, 1.0])
        is_all = call(
            lane[at], decider[at], time_s, time_s, np.arange(2, dtype=np.int32), update_s,
            np.empty(len(at), np.int32), *arrays,
        )  # fmt: skip
        assert is_all == (missing is None and order[0] == 0)
        np.testing.assert_array_equal(arrays[0].reshape(-1), keep)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_rows_go_to_their_agents(is_compiled) -> None:
    put, scale = (f if is_compiled else f.py_func for f in (put_rows, scale_rows))
    rng = np.random.default_rng(0)
    rows, lane = rng.normal(size=(3, 4)), np.array([2, 0, 2], np.int32)
    agent = np.array([1, 0, 0], np.int32)
    out = np.full((3, 2, 4), 9.0, np.float32)
    put(rows.astype(np.float32), lane, agent, out)
    np.testing.assert_array_equal(out[lane, agent], rows.astype(np.float32))
    assert (out[1] == 9.0).all()
    offset, width = rng.normal(size=(2, 4)), rng.uniform(1.0, 2.0, (2, 4))
    scale(rows, np.array([False, True, False]), lane, agent, offset, width, out)
    expected = ((rows - offset[agent]) / width[agent]).astype(np.float32)
    expected[1] = 0.0
    np.testing.assert_array_equal(out[lane, agent], expected)
