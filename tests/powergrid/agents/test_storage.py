"""A battery: energy in, energy out, and never more than it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import ConfigError
from powergrid.agents.storage import ESS


def battery(**parameters: Any) -> ESS:
    config = {"bus": "Bus 1", "e_capacity_MWh": 2.0, "p_max_MW": 1.0, "init_soc": 0.5}
    return ESS("store", device_state_config={**config, **parameters})


@st.composite
def batteries(draw: st.DrawFn) -> ESS:
    soc_min = draw(st.floats(0.0, 0.4))
    soc_max = draw(st.floats(0.5, 1.0))
    return battery(
        e_capacity_MWh=draw(st.floats(0.05, 20.0)),
        p_max_MW=draw(st.floats(0.0, 5.0)),
        p_min_MW=draw(st.floats(-5.0, 0.0)),
        soc_min=soc_min,
        soc_max=soc_max,
        init_soc=draw(st.floats(soc_min, soc_max)),
        ch_eff=draw(st.floats(0.5, 1.0)),
        dsc_eff=draw(st.floats(0.5, 1.0)),
    )


actions = st.one_of(
    st.floats(-1.0, 1.0), st.sampled_from([-1e9, -1.0, 0.0, 1.0, 1e9]), st.floats(-1e300, 1e300)
)
intervals = st.sampled_from([1.0 / 60.0, 0.25, 1.0, 24.0])
programs = st.lists(st.tuples(actions, intervals), min_size=1, max_size=12)


@given(batteries(), programs)
def test_stored_energy_changes_by_what_flowed_times_efficiency(
    store: ESS, program: list[tuple[float, float]]
) -> None:
    config = store.config
    for action, dt in program:
        before = store.state.storage.soc * config.e_capacity_MWh
        store.dt = dt
        store.set_device_action(np.array([action]))
        p = store.state.electrical.p_MW
        store.update_state(dt=dt)
        gained = store.state.storage.soc * config.e_capacity_MWh - before
        taken = -p * dt * config.ch_eff if p < 0.0 else -p * dt / config.dsc_eff
        assert gained == pytest.approx(taken, abs=1e-12 * (1.0 + config.e_capacity_MWh))
        assert store.state.storage.e_stored_MWh == store.state.storage.soc * config.e_capacity_MWh


@given(batteries(), programs)
def test_charge_and_power_stay_within_their_limits(
    store: ESS, program: list[tuple[float, float]]
) -> None:
    config = store.config
    assert config.p_min_MW is not None
    for action, dt in program:
        store.dt = dt
        store.set_device_action(np.array([action]))
        assert config.p_min_MW <= store.state.electrical.p_MW <= config.p_max_MW
        store.update_state(dt=dt)
        store.update_cost_safety()
        assert config.soc_min <= store.state.storage.soc <= config.soc_max
        assert store.safety == 0.0


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_reactive_power_keeps_within_the_rating(p: float, q: float) -> None:
    store = battery(q_max_MVAr=1.0, s_rated_MVA=1.1)
    store.set_device_action(np.array([p, q]))
    electrical = store.state.electrical
    assert np.hypot(electrical.p_MW, electrical.q_MVAr) <= 1.1 + 1e-12
    assert abs(electrical.q_MVAr) <= 1.0


def test_positive_power_is_discharge() -> None:
    store = battery()
    store.set_device_action(np.array([0.5]))
    store.update_state(dt=1.0)
    assert store.state.electrical.p_MW == 0.5
    assert store.state.storage.soc == pytest.approx(0.5 - 0.5 / 0.95 / 2.0)


def test_an_empty_battery_gives_nothing_and_a_full_one_takes_nothing() -> None:
    empty, full = battery(init_soc=0.1), battery(init_soc=0.9)
    empty.set_device_action(np.array([1.0]))
    full.set_device_action(np.array([-1.0]))
    assert empty.state.electrical.p_MW == 0.0
    assert full.state.electrical.p_MW == 0.0


def test_a_set_point_is_cut_to_what_the_interval_allows() -> None:
    store = battery()
    store.dt = 0.25
    store.set_device_action(np.array([1.0]))
    assert store.state.electrical.p_MW == 1.0
    store.dt = 1.0
    store.set_device_action(np.array([1.0]))
    assert store.state.electrical.p_MW == pytest.approx((0.5 - 0.1) * 2.0 * 0.95)


@pytest.mark.parametrize(("action", "end"), [(-1.0, 0.9), (1.0, 0.1)])
def test_a_limit_within_reach_is_reached_exactly(action: float, end: float) -> None:
    store = battery(p_max_MW=5.0, ch_eff=0.8, dsc_eff=0.7)
    store.set_device_action(np.array([action]))
    store.update_state(dt=1.0)
    assert store.state.storage.soc == pytest.approx(end, abs=1e-12)


def test_the_idle_action_rests_even_with_lopsided_limits() -> None:
    store = battery(p_max_MW=0.3, p_min_MW=-0.9)
    store.set_device_action(store.idle_action())
    assert store.state.electrical.p_MW == pytest.approx(0.0, abs=1e-15)


def test_energy_either_way_wears_the_battery() -> None:
    store = battery(degradation_cost=4.0)
    for action in (0.5, -0.5):
        store.set_device_action(np.array([action]))
        store.update_cost_safety()
        assert store.cost == pytest.approx(2.0)


def test_reset_brings_the_first_charge_back() -> None:
    store = battery(init_soc=0.6)
    store.set_device_action(np.array([1.0]))
    store.update_state(dt=1.0)
    store.reset()
    assert store.state.storage.soc == 0.6
    assert store.state.storage.e_stored_MWh == pytest.approx(1.2)
    assert store.state.electrical.p_MW == 0.0


def test_other_spellings_mean_the_same() -> None:
    one = battery(p_max_MW=0.4, p_min_MW=-0.3, ch_eff=0.8, dsc_eff=0.9, init_soc=0.6)
    config = {"bus": "Bus 1", "e_capacity_MWh": 2.0, "soc_init": 0.6, "eta_ch": 0.8}
    other = ESS("store", {**config, "p_dsc_max_MW": 0.4, "p_ch_max_MW": 0.3, "eta_dsc": 0.9})
    assert one.config == other.config


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"e_capcity_MWh": 1.0}, "did you mean 'e_capacity_MWh'"),
        ({"e_capacity_MWh": -1.0}, "e_capacity_MWh: Input should be greater than 0"),
        ({"e_capacity_MWh": float("nan")}, "e_capacity_MWh: "),
        ({"init_soc": 0.95}, r"init_soc \(0.95\) lies outside soc_min \(0.1\) .. soc_max \(0.9\)"),
        ({"p_min_MW": 0.5}, "largest charging power, at most 0"),
        ({"s_rated_MVA": 0.5}, "below the active power limits"),
        ({"ch_eff": 1.2}, "ch_eff: Input should be less than or equal to 1"),
        ({"p_max_MW": 1.0, "p_dsc_max_MW": 2.0}, "p_dsc_max_MW' says again"),
    ],
)
def test_a_wrong_parameter_is_named(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=f"ESS 'store': .*{said}"):
        battery(**wrong)


def test_a_battery_answers_a_price_by_the_value_of_what_it_stores() -> None:
    store = battery(energy_value=57.0, degradation_cost=2.0, ch_eff=0.9, dsc_eff=0.95)
    # It charges below 57 * 0.9 - 2 = 49.3, discharges above 57 / 0.95 + 2 = 62.
    answers = {p: store.respond_to_price(p).tolist() for p in (-20.0, 49.2, 49.4, 61.9, 62.1)}
    assert answers == {-20.0: [-1.0], 49.2: [-1.0], 49.4: [0.0], 61.9: [0.0], 62.1: [1.0]}
    uneven = battery(p_max_MW=2.0, p_min_MW=-1.0)
    uneven.set_device_action(uneven.respond_to_price(50.0))
    assert uneven.state.electrical.p_MW == pytest.approx(0.0)
