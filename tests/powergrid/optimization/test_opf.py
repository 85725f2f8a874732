"""Optima found in another way too, limits that cannot be kept, what spoils exactness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from heron.errors import ConfigError
from powergrid.agents.generator import GeneratorConfig
from powergrid.agents.renewable import RenewableConfig
from powergrid.agents.storage import StorageConfig
from powergrid.networks import IEEE34Bus
from powergrid.optimization import (
    InfeasibleError,
    OpfCase,
    OpfLimits,
    Unit,
    optimal_power_flow,
    source_exchange,
)
from powergrid.optimization.opf_case import copy_of
from powergrid.powerflow.native_flow import NativeFlow

GENERATOR = GeneratorConfig(
    bus="", p_max_MW=2.0, q_max_MVAr=0.8, q_min_MVAr=-0.8, cost_curve_coefs=(12.0, 30.0, 5.0)
)
BATTERY = StorageConfig(
    bus="", e_capacity_MWh=2.0, p_max_MW=0.8, ch_eff=0.9, dsc_eff=0.8, degradation_cost=1.0
)
WIDE = OpfLimits(v_min_pu=0.8, v_max_pu=1.2)


def generator(number=2, **changes):
    config = GENERATOR.model_copy(update=changes)
    return Unit(name="gen", table="sgen", number=number, config=config)


def battery(number=2, end_soc=None, **changes):
    config = BATTERY.model_copy(update=changes)
    return Unit(name="ess", table="storage", number=number, config=config, end_soc=end_soc)


def plant(available, number=1, **changes):
    config = RenewableConfig(bus="", p_rated_MW=8.0, **changes)
    available = np.asarray(available, float)
    return Unit(name="pv", table="sgen", number=number, config=config, available_mw=available)


# --- one step -------------------------------------------------------------------------------------


def test_the_optimum_is_that_of_a_nonlinear_solver_on_the_power_flow_itself(feeder_flow):
    flow = feeder_flow(4, load_mw=1.5)
    price = 52.0
    limits = OpfLimits(v_min_pu=0.975, v_max_pu=1.05)
    units = [generator(), battery(number=0, q_max_MVAr=0.5, s_rated_MVA=0.9)]
    case = OpfCase(flow, units, [source_exchange(flow, price)])
    result = optimal_power_flow(case, limits=limits)
    assert result.exactness.is_exact
    # The voltage limit binds, so that reactive power and active power both matter.
    assert result.exactness.v_min_pu == pytest.approx(0.975, abs=1e-6)

    other = copy_of(flow)

    def solved(x):
        other.sgen_p_mw[2], other.sgen_q_mvar[2] = x[0], x[1]
        other.storage_p_mw[0], other.storage_q_mvar[0] = x[2], x[3]
        other.solve()
        return other

    def cost(x):
        a, b, c = GENERATOR.cost_curve_coefs
        fuel = a * x[0] ** 2 + b * x[0] + c
        return fuel + 1.0 * abs(x[2]) + price * float(solved(x).source_p_mw[0])

    found = minimize(
        cost,
        np.array([1.0, 0.2, 0.3, 0.1]),
        method="SLSQP",
        bounds=[(0.0, 2.0), (-0.8, 0.8), (0.0, 0.8 * 0.8), (-0.5, 0.5)],  # what is stored
        constraints=[
            {"type": "ineq", "fun": lambda x: solved(x).vm_pu[:, 0] - 0.975},
            {"type": "ineq", "fun": lambda x: 0.9**2 - x[2] ** 2 - x[3] ** 2},
        ],
        options={"ftol": 1e-10, "maxiter": 200},
    )
    assert found.success
    assert result.cost == pytest.approx(found.fun, rel=1e-5)
    assert result.cost <= found.fun + 1e-4
    assert result.p_mw["gen"][0] == pytest.approx(found.x[0], abs=2e-3)


def test_no_dispatch_of_a_fine_raster_costs_less(feeder_flow):
    flow = feeder_flow(3, load_mw=1.2)
    case = OpfCase(flow, [generator(number=1)], [source_exchange(flow, 45.0)])
    limits = OpfLimits(v_min_pu=0.985, v_max_pu=1.05)
    result = optimal_power_flow(case, limits=limits)
    p, q = (
        axis.ravel() for axis in np.meshgrid(np.linspace(0, 2, 101), np.linspace(-0.8, 0.8, 81))
    )
    raster = NativeFlow(flow.compiled, len(p))
    raster.load_p_mw[:], raster.load_q_mvar[:] = flow.load_p_mw, flow.load_q_mvar
    raster.sgen_p_mw[1], raster.sgen_q_mvar[1] = p, q
    raster.solve()
    a, b, c = GENERATOR.cost_curve_coefs
    cost = a * p**2 + b * p + c + 45.0 * raster.source_p_mw
    is_allowed = (raster.vm_pu.min(axis=0) >= 0.985) & (
        raster.line_loading_percent.max(axis=0) <= 100
    )
    assert 0 < is_allowed.sum() < len(p)  # the limits matter
    best = cost[is_allowed].min()
    assert best - 0.05 < result.cost <= best + 1e-6


def test_the_losses_are_least_where_their_gradient_vanishes(feeder_flow):
    flow = feeder_flow(2)  # one line, one load: what the load draws is best given there
    unit = generator(number=0)
    case = OpfCase(flow, [unit])
    result = optimal_power_flow(case, limits=WIDE, objective="losses")
    assert result.p_mw["gen"][0] == pytest.approx(1.0, abs=1e-3)
    assert result.q_mvar["gen"][0] == pytest.approx(0.3, abs=0.05)  # the line charges a little
    assert result.loss_mwh == pytest.approx(0.0, abs=1e-5)


def test_a_loading_limit_is_that_of_the_power_flow(feeder_flow):
    flow = feeder_flow(4, load_mw=1.5)
    case = OpfCase(flow, [generator()], [source_exchange(flow, 20.0)])
    free = optimal_power_flow(case, limits=WIDE)
    loading = float(free.flow.line_loading_percent.max())
    limits = OpfLimits(0.8, 1.2, loading_percent=0.9 * loading)
    bound = optimal_power_flow(case, limits=limits)
    assert bound.exactness.is_exact
    assert bound.flow.line_loading_percent.max() == pytest.approx(0.9 * loading, rel=1e-5)
    assert bound.cost > free.cost


def test_a_limit_for_each_bus(feeder_flow):
    flow = feeder_flow(4, load_mw=1.5)
    case = OpfCase(flow, [generator()], [source_exchange(flow, 20.0)])
    v_min = np.array([0.9, 0.97, 0.9, 0.9])
    result = optimal_power_flow(case, limits=OpfLimits(v_min_pu=v_min))
    assert result.flow.vm_pu[1, 0] == pytest.approx(0.97, abs=1e-6)
    assert result.flow.vm_pu[2, 0] < 0.97


# --- a day ----------------------------------------------------------------------------------------


def test_a_battery_keeps_its_energy_balance_and_buys_cheap(feeder_flow):
    n = 8
    flow = feeder_flow(4, n)
    price = np.array([20.0] * 4 + [90.0] * 4)
    case = OpfCase(flow, [battery(end_soc=0.4)], [source_exchange(flow, price)], dt_h=0.5)
    result = optimal_power_flow(case, limits=WIDE)
    assert result.exactness.is_exact
    series, p = result.series["ess"], result.p_mw["ess"]
    np.testing.assert_allclose(p, series["discharge_mw"] - series["charge_mw"], atol=1e-9)
    stored = np.where(p > 0.0, -p / 0.8, -p * 0.9) * 0.5
    np.testing.assert_allclose(series["soc"], 0.5 + np.cumsum(stored) / 2.0, atol=1e-6)
    assert series["soc"].max() == pytest.approx(0.9, abs=1e-6)
    assert series["soc"][-1] == pytest.approx(0.4, abs=1e-6)
    assert p[:4].max() < 1e-6 < 0.1 < p[4:].max()


def test_the_sun_is_curtailed_where_the_voltage_asks_for_it(feeder_flow):
    n = 3
    flow = feeder_flow(4, n, load_mw=0.3)
    available = [1.0, 6.0, 8.0]
    case = OpfCase(
        flow, [plant(available, number=2, curtailment_cost=3.0)], [source_exchange(flow, 30.0)]
    )
    limits = OpfLimits(v_min_pu=0.9, v_max_pu=1.03, upper="lossless")
    result = optimal_power_flow(case, limits=limits)
    assert result.exactness.is_exact
    taken = result.p_mw["pv"]
    assert taken[0] == pytest.approx(1.0, abs=1e-6)
    assert taken[1] < 6.0
    assert taken[2] == pytest.approx(taken[1], abs=1e-4)
    assert 1.02 < result.exactness.v_max_pu <= 1.03
    curtailed = np.sum(available) - taken.sum()
    energy = 30.0 * float(result.flow.source_p_mw.sum())
    assert result.cost == pytest.approx(energy + 3.0 * curtailed, abs=1e-4)


def test_a_unit_runs_where_it_is_cheaper_and_starts_are_paid(feeder_flow):
    n = 4
    flow = feeder_flow(3, n)
    price = np.array([20.0, 90.0, 90.0, 20.0])
    unit = generator(
        1, p_min_MW=0.4, commitment=True, startup_cost=7.0, shutdown_cost=2.0, s_rated_MVA=2.1
    )
    case = OpfCase(flow, [unit], [source_exchange(flow, price)])
    result = optimal_power_flow(case, limits=WIDE)
    np.testing.assert_allclose(result.series["gen"]["is_on"], [0, 1, 1, 0], atol=1e-5)
    assert result.p_mw["gen"][0] == pytest.approx(0.0, abs=1e-5)
    assert result.exactness.is_exact
    a, b, c = GENERATOR.cost_curve_coefs
    fuel = (a * result.p_mw["gen"] ** 2 + b * result.p_mw["gen"])[1:3].sum() + 2 * c
    bought = float(result.flow.source_p_mw @ price)
    assert result.cost == pytest.approx(fuel + bought + 7.0 + 2.0, abs=1e-3)


def test_a_given_commitment_is_kept_and_a_fractional_one_is_told(feeder_flow):
    flow = feeder_flow(3, 2, load_mw=0.1)
    unit = generator(1, p_min_MW=1.5, commitment=True, startup_cost=60.0)
    grid = [source_exchange(flow, 80.0, sell_ratio=0.2)]
    relaxed = optimal_power_flow(OpfCase(flow, [unit], grid), limits=WIDE)
    assert relaxed.exactness.is_power_flow
    assert not relaxed.exactness.is_exact
    assert any("neither on nor off" in reason for reason in relaxed.exactness.reasons)
    held = Unit(
        name="gen", table="sgen", number=1, config=unit.config, is_on=np.array([False, True])
    )
    given = optimal_power_flow(OpfCase(flow, [held], grid), limits=WIDE)
    assert given.exactness.is_exact
    assert given.p_mw["gen"][0] == pytest.approx(0.0, abs=1e-6)
    assert given.p_mw["gen"][1] >= 1.5 - 1e-6
    assert given.cost > relaxed.cost


# --- what cannot be kept --------------------------------------------------------------------------


def test_a_voltage_that_nothing_can_hold_is_named():
    case = OpfCase(NativeFlow(IEEE34Bus("F")))
    with pytest.raises(InfeasibleError) as caught:
        optimal_power_flow(case)
    assert "F Bus 890 is 0.9" in str(caught.value)
    assert "at least 0.95 is asked for" in str(caught.value)
    assert any("trafo 2 (F Bus 832 - F Bus 888)" in each for each in caught.value.violations)


def test_a_line_that_carries_too_much_is_named(feeder_flow):
    case = OpfCase(feeder_flow(3, load_mw=3.0))
    with pytest.raises(InfeasibleError, match=r"line 0 \(bus 0 - bus 1\) is loaded to 9\d\.\d %"):
        optimal_power_flow(case, limits=OpfLimits(0.8, 1.2, loading_percent=80.0))


def test_a_state_of_charge_that_cannot_be_reached_is_named(feeder_flow):
    flow = feeder_flow(3, 2)
    case = OpfCase(flow, [battery(1, end_soc=0.9, e_capacity_MWh=8.0)])
    with pytest.raises(InfeasibleError, match=r"ess ends at a state of charge of 0\.6\d+, at"):
        optimal_power_flow(case, limits=WIDE, objective="losses")


def test_an_exchange_beyond_its_rating_is_named(feeder_flow):
    flow = feeder_flow(3, 2, load_mw=1.0)
    flow.load_p_mw[:, 1] *= 1.5
    exchange = source_exchange(flow, 50.0)
    rated = type(exchange)(name="grid", price=exchange.price, terms=exchange.terms, s_rated_mva=2.5)
    with pytest.raises(InfeasibleError, match=r"step 1: 3\.\d+ MVA pass at grid, at most 2"):
        optimal_power_flow(OpfCase(flow, exchanges=[rated]), limits=WIDE)


def test_a_demand_beyond_what_the_line_can_carry_is_named(feeder_flow):
    case = OpfCase(feeder_flow(2, load_mw=60.0))
    with pytest.raises(InfeasibleError, match="the demand of bus 1 cannot be carried there"):
        optimal_power_flow(case, limits=OpfLimits(0.5, 1.2, np.inf))


# --- what spoils exactness ------------------------------------------------------------------------


def test_a_negative_price_makes_losses_pay_and_that_is_said(feeder_flow):
    flow = feeder_flow(4, 2)
    price = np.array([40.0, -40.0])
    result = optimal_power_flow(OpfCase(flow, [battery()], [source_exchange(flow, price)]))
    exactness = result.exactness
    assert not exactness.is_exact
    assert any("at a negative price, first in step 1" in reason for reason in exactness.reasons)
    assert exactness.cost > result.cost + 1.0
    assert result.gap_pu[:, 0].max() < 1e-4 < 1e-2 < result.gap_pu[:, 1].max()


def test_a_battery_that_would_waste_energy_is_told(feeder_flow):
    flow = feeder_flow(2)
    unit = battery(0, degradation_cost=0.0, init_soc=0.9, e_capacity_MWh=0.5)
    result = optimal_power_flow(
        OpfCase(flow, [unit], [source_exchange(flow, -40.0)]), limits=OpfLimits(0.94, 1.2)
    )
    assert any("ess charges and discharges" in reason for reason in result.exactness.reasons)


def test_an_upper_voltage_limit_spoils_the_relaxation_and_the_lossless_one_does_not(feeder_flow):
    flow = feeder_flow(4, load_mw=0.2)
    case = OpfCase(flow, [plant([8.0], number=2)], [source_exchange(flow, 30.0)])
    relaxed = optimal_power_flow(case, limits=OpfLimits(v_max_pu=1.02))
    assert not relaxed.exactness.is_exact
    reasons = " ".join(relaxed.exactness.reasons)
    assert "the upper limit of bus 3, 1.02 p.u., binds while power flows back" in reasons
    assert relaxed.exactness.v_max_pu > 1.021
    kept = optimal_power_flow(case, limits=OpfLimits(v_max_pu=1.02, upper="lossless"))
    assert kept.exactness.is_exact
    assert 1.01 < kept.exactness.v_max_pu <= 1.02
    assert kept.cost >= relaxed.cost  # the relaxation stays a lower bound


# --- input that cannot be meant -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "match"),
    [
        ([generator(9)], r"net.sgen has no row 9; it has \[0, 1, 2\]"),
        ([generator(1), battery(1, end_soc=None), generator(2)], "two .* are called 'gen'"),
        ([plant([1.0, 2.0])], r"available_mw has shape \(2,\), expected \(1,\)"),
        ([Unit(name="pv", table="sgen", number=1, config=plant([1.0]).config)], "needs available"),
        ([Unit(name="load", table="load", number=1, config=GENERATOR)], "table is 'load'"),
    ],
)
def test_units_that_do_not_fit_are_refused(feeder_flow, units, match):
    case = OpfCase(feeder_flow(4), units)
    with pytest.raises(ConfigError, match=match):
        optimal_power_flow(case)


def test_a_unit_out_of_service_is_refused(make_feeder):
    net = make_feeder(4)
    net.sgen.at[2, "in_service"] = False
    with pytest.raises(ConfigError, match=r"row 2 of net\.sgen is out of service"):
        optimal_power_flow(OpfCase(NativeFlow(net), [generator()]))


def test_one_row_cannot_be_decided_twice(feeder_flow):
    other = Unit(name="other", table="sgen", number=2, config=GENERATOR)
    with pytest.raises(ConfigError, match=r"other: row 2 of net\.sgen is decided twice"):
        optimal_power_flow(OpfCase(feeder_flow(4), [generator(), other]))


def test_unknown_words_name_the_known_ones(feeder_flow):
    case = OpfCase(feeder_flow(2))
    with pytest.raises(ConfigError, match="did you mean 'losses'"):
        optimal_power_flow(case, objective="loss")
    with pytest.raises(ConfigError, match="did you mean 'lossless'"):
        OpfLimits(upper="losless")


def test_an_input_that_is_no_number_names_its_step(feeder_flow):
    flow = feeder_flow(2, 3)
    flow.load_p_mw[0, 1] = np.nan
    with pytest.raises(ConfigError, match="step 1: an input"):
        optimal_power_flow(OpfCase(flow))


def test_the_case_is_left_as_it_was(feeder_flow):
    flow = feeder_flow(3, 2)
    before = {name: getattr(flow, name).copy() for name in ("sgen_p_mw", "storage_p_mw")}
    optimal_power_flow(OpfCase(flow, [generator(1)], [source_exchange(flow, 60.0)]), limits=WIDE)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(flow, name), values)
    assert (flow.status == 3).all()  # not even solved


def test_pandapower_sees_the_dispatch_with_its_own_signs(make_feeder):
    flow = NativeFlow(make_feeder(3))
    case = OpfCase(flow, [battery(1)], [source_exchange(flow, 200.0)])
    result = optimal_power_flow(case, limits=WIDE)
    assert result.p_mw["ess"][0] > 0.5  # discharges
    solved = result.flow.to_pandapower()
    assert solved.storage.at[1, "p_mw"] == pytest.approx(-result.p_mw["ess"][0])
    assert solved.converged
    assert solved.res_ext_grid.at[0, "p_mw"] == pytest.approx(result.p_exchange_mw["grid"][0])
