"""The market over lanes is that of `heron.protocols`, lane by lane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK

from heron.protocols.market import clear_market
from powergrid.kernels.market import clear

N_LANE, FEE, DT_H = 7, 0.3, 0.5


@given(seed=st.integers(0, 2**32), n_agent=st.integers(1, 6), is_compiled=st.booleans())
def test_lanes_are_cleared_as_by_the_protocol(seed: int, n_agent: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    shape = (n_agent, N_LANE)
    # All follow one price, so whoever has something to trade takes part.
    power, price = rng.choice([-2.0, -0.5, 0.0, 1.0, 3.0], shape), rng.uniform(-5.0, 90.0, N_LANE)
    x = np.concatenate([power, np.broadcast_to(price, shape)])
    status = rng.integers(0, 2, N_LANE).astype(np.int8)
    takes_part = rng.random(shape) < 0.8
    rows = np.arange(n_agent, dtype=np.int32)
    bought, payment, fees, part, cost = np.full((5, *shape), MARK)
    run = clear if is_compiled else clear.py_func
    run(
        x, rows, rows, rows + n_agent, np.ones(shape), np.full(shape, 0.6), takes_part, status,
        FEE, DT_H, bought, payment, fees, part, rows, cost, first, last,
    )  # fmt: skip
    part_taken = takes_part & (status == 0)
    positions = np.where(part_taken, -DT_H * power, 0.0)
    sell = np.minimum(0.6 * price, price)
    expected = clear_market(positions, price, sell, FEE)
    here, away = np.s_[:, first:last], np.r_[0:first, last:N_LANE]
    assert bought[here] == pytest.approx(-expected.traded[here], abs=1e-12)
    assert payment[here] == pytest.approx(expected.payments[here], abs=1e-12)
    assert fees.sum(axis=0)[first:last] == pytest.approx(expected.fees[first:last], abs=1e-12)
    utility = np.where(expected.traded < 0.0, price, 0.6 * price) * -expected.traded
    saving = expected.payments - utility
    assert part[here] == pytest.approx(saving[here], abs=1e-12)
    assert cost[here] == pytest.approx(MARK + saving[here], abs=1e-12)
    for array in (bought, payment, fees, part, cost):
        assert (array[:, away] == MARK).all()


@given(seed=st.integers(0, 2**32), n_agent=st.integers(2, 6))
def test_with_prices_of_their_own_nobody_loses(seed: int, n_agent: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (n_agent, N_LANE)
    power, price = rng.normal(size=shape), rng.uniform(-10.0, 90.0, shape)
    scale, ratio = rng.uniform(0.5, 1.5, shape), rng.uniform(0.0, 1.0, shape)
    rows = np.arange(n_agent, dtype=np.int32)
    bought, payment, fees, part, cost = np.zeros((5, *shape))
    clear(
        np.concatenate([power, price]), rows, rows, rows + n_agent, scale, ratio,
        np.ones(shape, np.bool_), np.zeros(N_LANE, np.int8), FEE, DT_H, bought, payment, fees,
        part, rows, cost, 0, N_LANE,
    )  # fmt: skip
    assert (part <= 0.0).all()
    assert np.abs(bought.sum(axis=0)) == pytest.approx(0.0, abs=1e-12)
    assert payment.sum(axis=0) == pytest.approx(fees.sum(axis=0), abs=1e-10)
    buy = scale * price
    without = np.where(power > 0.0, buy, ratio * buy) * power * DT_H
    rest = power * DT_H - bought
    assert (rest * power >= -1e-12).all()
    with_trade = np.where(power > 0.0, buy, ratio * buy) * rest + payment
    assert (with_trade <= without + 1e-9).all()
