"""The priced connection to the utility."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powergrid.agents.grid import Grid


def metered(p_mw: float, q_mvar: float = 0.0, price: float = 40.0, **parameters: float) -> Grid:
    grid = Grid("pcc", parameters)
    grid.price = price
    grid.update_state({"p_mw": p_mw, "q_mvar": q_mvar})
    grid.update_cost_safety()
    return grid


@given(st.floats(-2.0, 2.0), st.floats(-50.0, 500.0), st.floats(0.0, 1.0))
def test_energy_costs_price_times_power_less_the_sellers_share(
    p_mw: float, price: float, sell_ratio: float
) -> None:
    paid = p_mw * price if p_mw >= 0.0 else p_mw * price * sell_ratio
    assert metered(p_mw, price=price, sell_ratio=sell_ratio).cost == pytest.approx(paid)


def test_a_tariff_scales_the_market_price() -> None:
    assert metered(0.5, price_scale=1.2).cost == pytest.approx(0.5 * 48.0)


def test_the_connection_has_a_rating() -> None:
    assert metered(0.3, 0.4, s_rated_MVA=0.4).safety == pytest.approx(0.25)
    assert metered(-0.3, 0.4, s_rated_MVA=0.5).safety == pytest.approx(0.0, abs=1e-12)
    assert metered(9.0).safety == 0.0


def test_there_is_nothing_to_decide() -> None:
    assert Grid("pcc").get_action_space().shape == (0,)
