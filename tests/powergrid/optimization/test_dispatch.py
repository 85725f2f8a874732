from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powergrid.agents.generator import GeneratorConfig
from powergrid.agents.grid import GridConfig
from powergrid.agents.renewable import RenewableConfig
from powergrid.agents.storage import StorageConfig
from powergrid.optimization.dispatch import Horizon, cheapest_schedule
from powergrid.optimization.grid_model import GridModel

UNIT = GeneratorConfig(
    bus="b",
    p_max_MW=0.2,
    p_min_MW=0.05,
    cost_curve_coefs=(50.0, 40.0, 2.0),
    commitment=True,
    startup_time_hr=0.0,
    shutdown_time_hr=0.0,
    startup_cost=3.0,
)
BATTERY = StorageConfig(
    bus="b", e_capacity_MWh=1.0, p_max_MW=0.5, ch_eff=0.9, dsc_eff=0.8, degradation_cost=1.0
)


def grid(**devices):
    parts = {"generators": {}, "batteries": {}, "renewables": {}, **devices}
    return GridModel(
        load_mw=1.0,
        load_mvar=0.0,
        tap_changers=(),
        meter="grid",
        connection=parts.pop("connection", GridConfig(sell_ratio=0.5)),
        s_rated_mva=None,
        others=(),
        **parts,
    )


def horizon(price, demand=0.0, **known):
    price = np.asarray(price, dtype=float)
    start = {"available_mw": {}, "soc": {}, "is_on": {}, **known}
    return Horizon(dt=1.0, price=price, demand_mw=np.full(len(price), demand), **start)


def test_without_devices_the_load_is_bought():
    plan = cheapest_schedule(grid(), horizon([30.0, 50.0], demand=0.4))
    assert plan.cost == pytest.approx(0.4 * 80.0)
    np.testing.assert_allclose(plan.bought_mw, 0.4)


def test_a_surplus_earns_the_selling_price():
    plan = cheapest_schedule(grid(), horizon([30.0], demand=-0.4))
    assert plan.cost == pytest.approx(-0.5 * 0.4 * 30.0)


def test_a_battery_moves_energy_from_cheap_to_dear_hours():
    model = grid(batteries={"ess": BATTERY})
    plan = cheapest_schedule(model, horizon([10.0, 100.0], demand=1.0, soc={"ess": 0.1}))
    charged = 0.5
    given_back = charged * 0.9 * 0.8
    np.testing.assert_allclose(plan.power_mw["ess"], [-charged, given_back])
    expected = 10.0 * 1.5 + 100.0 * (1.0 - given_back) + 1.0 * (charged + given_back)
    assert plan.cost == pytest.approx(expected)


def test_a_battery_rests_where_its_losses_cost_more_than_the_spread_brings():
    model = grid(batteries={"ess": BATTERY})
    plan = cheapest_schedule(model, horizon([80.0, 100.0], demand=1.0, soc={"ess": 0.1}))
    np.testing.assert_allclose(plan.power_mw["ess"], 0.0, atol=1e-9)


def test_costly_energy_of_the_sun_is_taken_or_paid_for():
    plant = RenewableConfig(bus="b", p_rated_MW=1.0, curtailment_cost=5.0)
    free = grid(renewables={"pv": plant}, connection=GridConfig(sell_ratio=0.0))
    plan = cheapest_schedule(
        free, horizon([50.0], demand=0.2, available_mw={"pv": np.array([0.6])})
    )
    assert plan.cost == pytest.approx(0.0)
    np.testing.assert_allclose(plan.power_mw["pv"], 0.6)


def by_enumeration(price, demand):
    """Cheapest cost of UNIT over all commitments, with power on a fine raster."""
    powers = np.linspace(0.05, 0.2, 301)
    best = np.inf
    for status in itertools.product([0, 1], repeat=len(price)):
        cost = 3.0 * sum(on > before for before, on in zip((0, *status), status, strict=False))
        for on, at in zip(status, price, strict=True):
            rest = demand - powers * on
            exchange = np.where(rest > 0.0, rest, 0.5 * rest) * at
            fuel = on * (50.0 * powers**2 + 40.0 * powers + 2.0)
            cost += float((exchange + fuel).min())
        best = min(best, cost)
    return best


@settings(max_examples=25)
@given(st.lists(st.floats(0, 150), min_size=4, max_size=4), st.floats(0, 0.3))
def test_commitment_equals_enumeration(price, demand):
    known = horizon(price, demand, is_on={"gen": False})
    model = grid(generators={"gen": UNIT})
    exact = by_enumeration(price, demand)
    # Chords lie above the parabola by at most a * (segment / 2)^2 an hour.
    slack = 4 * 50.0 * (0.15 / 8 / 2) ** 2
    rounding = 1e-4 + 2e-4 * abs(exact)  # the solver's tolerances
    planned = cheapest_schedule(model, known).cost
    assert exact - rounding <= planned <= exact + slack + rounding


@settings(max_examples=25)
@given(st.lists(st.floats(0, 150), min_size=6, max_size=6), st.floats(-0.2, 0.3))
def test_the_relaxation_is_a_lower_bound(price, demand):
    known = horizon(price, demand, is_on={"gen": False}, soc={"ess": 0.5})
    model = grid(generators={"gen": UNIT}, batteries={"ess": BATTERY})
    relaxed = cheapest_schedule(model, known, is_relaxed=True).cost
    assert relaxed <= cheapest_schedule(model, known).cost + 1e-4


def test_a_slow_unit_starts_only_after_its_delay():
    slow = UNIT.model_copy(update={"startup_time_hr": 2.0})
    known = horizon([500.0] * 4, 0.3, is_on={"gen": False})
    plan = cheapest_schedule(grid(generators={"gen": slow}), known)
    np.testing.assert_allclose(plan.is_on["gen"], [0, 0, 1, 1])


def test_an_exchange_beyond_the_limit_is_not_planned():
    model = grid(batteries={"ess": BATTERY})
    known = horizon([10.0, 100.0], demand=1.0, soc={"ess": 0.1})
    plan = cheapest_schedule(model, replace(known, import_limit_mw=1.2))
    np.testing.assert_allclose(plan.bought_mw[0], 1.2)


def test_demand_beyond_the_limit_is_met_all_the_same():
    plan = cheapest_schedule(grid(), replace(horizon([10.0], demand=1.0), import_limit_mw=0.2))
    np.testing.assert_allclose(plan.bought_mw, 1.0)
