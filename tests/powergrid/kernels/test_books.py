"""The books add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK

from powergrid.kernels.books import add_rates, pay, sum_up

N_LANE, N_AGENT = 6, 3
SEEDS = {"seed": st.integers(0, 2**32), "is_compiled": st.booleans()}


def lanes_of(rng: np.random.Generator) -> tuple[int, int]:
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    return first, last


@given(**SEEDS)
def test_rates_and_violations_go_to_their_agents(seed: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    first, last = lanes_of(rng)
    rate, order = rng.normal(size=(8, N_LANE)), rng.permutation(8).astype(np.int32)
    part_of_rate, agent_of_part = rng.integers(0, 5, 8), rng.integers(0, N_AGENT, 5)
    part = np.full((5, N_LANE), MARK)
    run = add_rates if is_compiled else add_rates.py_func
    run(rate, order, part_of_rate.astype(np.int32), 0.25, part, first, last)
    expected = np.zeros((5, N_LANE))
    np.add.at(expected, part_of_rate, rate * 0.25)
    assert part[:, first:last] == pytest.approx(expected[:, first:last], abs=1e-14)
    assert (np.delete(part, range(first, last), axis=1) == MARK).all()

    device, agent_of_device = rng.random((7, N_LANE)), rng.integers(0, N_AGENT, 7)
    deviation, overload = rng.random((2, N_AGENT + 1, N_LANE))
    cost, safety = np.full((2, N_AGENT, N_LANE), MARK)
    violation = np.full((4, N_AGENT, N_LANE), MARK)
    run = sum_up if is_compiled else sum_up.py_func
    run(
        part, np.arange(5, dtype=np.int32), agent_of_part.astype(np.int32), device,
        agent_of_device.astype(np.int32), deviation, overload, N_AGENT, cost, violation, safety,
        first, last,
    )  # fmt: skip
    shared = (deviation[N_AGENT] + overload[N_AGENT]) / N_AGENT
    for agent in range(N_AGENT):
        kinds = [
            device[agent_of_device == agent].sum(axis=0), deviation[agent], overload[agent], shared
        ]  # fmt: skip
        for lane in range(first, last):
            paid = part[agent_of_part == agent, lane].sum()
            assert cost[agent, lane] == pytest.approx(paid, abs=1e-12)
            own = [kind[lane] for kind in kinds]
            assert violation[:, agent, lane] == pytest.approx(own, rel=1e-12)
            assert safety[agent, lane] == pytest.approx(sum(own), rel=1e-12)
    for array in (cost, safety, violation):
        assert (np.delete(array, range(first, last), axis=-1) == MARK).all()


@given(is_shared=st.booleans(), **SEEDS)
def test_pay_is_less_cost_and_penalty(is_shared: bool, seed: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    first, last = lanes_of(rng)
    cost, safety = rng.normal(size=(N_AGENT, N_LANE)), rng.random((N_AGENT, N_LANE))
    status = rng.integers(0, 2, N_LANE).astype(np.int8)
    counted, reward = np.full((N_AGENT, N_LANE), MARK), np.full((N_LANE, N_AGENT), MARK)
    episode = rng.normal(size=(3, N_AGENT, N_LANE))
    before = episode.copy()
    run = pay if is_compiled else pay.py_func
    run(
        cost, safety, status, 10.0, is_shared, -200.0, 20.0, counted, reward, episode, first, last
    )  # fmt: skip
    own = np.where(status == 0, safety, 20.0)
    gain = np.where(status == 0, -cost, -200.0) - 10.0 * own
    paid = np.broadcast_to(gain.mean(axis=0), gain.shape) if is_shared else gain
    at = slice(first, last)
    assert np.array_equal(counted[:, at], own[:, at])
    assert reward[at] == pytest.approx(paid.T[at], rel=1e-12)
    assert episode[:, :, at] - before[:, :, at] == pytest.approx(
        np.stack([cost, own, paid])[:, :, at], rel=1e-9, abs=1e-9
    )
    assert (np.delete(reward, range(first, last), axis=0) == MARK).all()
    assert np.array_equal(
        np.delete(episode, range(first, last), axis=2),
        np.delete(before, range(first, last), axis=2),
    )
