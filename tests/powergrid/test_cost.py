"""Cost formulas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powergrid.utils.cost import (
    cost_from_curve,
    energy_cost,
    piecewise_linear_cost,
    quadratic_cost,
    ramping_cost,
    switching_cost,
    tap_change_cost,
)


def test_quadratic_cost_is_the_polynomial() -> None:
    assert quadratic_cost(2.0, 0.5, 10.0, 3.0) == 0.5 * 4.0 + 20.0 + 3.0


def test_a_piecewise_curve_passes_through_its_points_and_is_straight_between() -> None:
    powers, costs = [0.0, 1.0, 3.0], [5.0, 10.0, 40.0]
    assert [piecewise_linear_cost(p, powers, costs) for p in powers] == costs
    assert piecewise_linear_cost(2.0, powers, costs) == 25.0


def test_a_piecewise_curve_goes_on_beyond_its_ends() -> None:
    assert piecewise_linear_cost(4.0, [0.0, 1.0, 3.0], [5.0, 10.0, 40.0]) == 55.0
    assert piecewise_linear_cost(-1.0, [0.0, 1.0, 3.0], [5.0, 10.0, 40.0]) == 0.0


@pytest.mark.parametrize(
    ("powers", "costs"), [([0.0], [1.0]), ([0.0, 1.0], [1.0]), ([1.0, 1.0], [0.0, 2.0])]
)
def test_a_piecewise_curve_that_is_none_is_refused(powers: list[float], costs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"piecewise|break points"):
        piecewise_linear_cost(0.5, powers, costs)


def test_a_curve_is_read_by_its_number_of_coefficients() -> None:
    assert cost_from_curve(2.0, (1.0, 2.0, 3.0)) == 11.0
    assert cost_from_curve(0.5, (0.0, 0.0, 1.0, 10.0)) == 5.0
    with pytest.raises(ValueError, match="got 5"):
        cost_from_curve(0.5, (1.0, 2.0, 3.0, 4.0, 5.0))


@given(st.floats(-10, 10), st.floats(0, 200), st.floats(0.01, 2))
def test_energy_bought_and_sold_at_one_price_cancel(p: float, price: float, dt: float) -> None:
    assert energy_cost(p, price, dt) + energy_cost(-p, price, dt) == pytest.approx(0.0)


def test_energy_sold_earns_its_share_of_the_price() -> None:
    assert energy_cost(-2.0, 50.0, 0.5, sell_ratio=0.8) == -40.0


def test_changes_cost_by_how_much_changed() -> None:
    assert ramping_cost(1.0, 3.0, 5.0) == 10.0
    assert tap_change_cost(-2, 1, 0.5) == 1.5
    assert switching_cost(True, False, 7.0, 2.0) == 7.0
    assert switching_cost(False, True, 7.0, 2.0) == 2.0
    assert switching_cost(True, True, 7.0, 2.0) == 0.0
