"""A generator: limits, fuel, and what it takes to start and stop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import ConfigError
from powergrid.agents.generator import Generator


def generator(**parameters: Any) -> Generator:
    config = {
        "bus": "Bus 1",
        "p_max_MW": 2.0,
        "p_min_MW": 0.5,
        "q_max_MVAr": 1.0,
        "q_min_MVAr": -1.0,
    }
    return Generator("gen", device_state_config={**config, **parameters})


def live(unit: Generator, action: list[float], dt: float = 1.0) -> None:
    unit.dt = dt
    unit.set_device_action(np.array(action))
    unit.update_state(dt=dt)
    unit.update_cost_safety()


anything = st.one_of(st.floats(-1.0, 1.0), st.sampled_from([-1e9, -1.0, 0.0, 1.0, 1e9]))
programs = st.lists(
    st.tuples(anything, anything, st.sampled_from([0.0, 1.0]), st.sampled_from([0.25, 1.0, 3.0])),
    min_size=1,
    max_size=15,
)


@given(programs, st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_a_unit_off_line_injects_nothing(
    program: list[tuple[float, float, float, float]], startup: float, shutdown: float
) -> None:
    unit = generator(commitment=True, startup_time_hr=startup, shutdown_time_hr=shutdown)
    for p, q, wanted, dt in program:
        unit.dt = dt
        unit.set_device_action(np.array([p, q, wanted]))
        electrical = unit.state.electrical
        if unit.state.unit.status == 0.0:
            assert (electrical.p_MW, electrical.q_MVAr) == (0.0, 0.0)
        else:
            assert 0.5 <= electrical.p_MW <= 2.0
        unit.update_state(dt=dt)


@given(programs, st.floats(2.0, 3.0))
def test_set_points_keep_within_limits_and_rating(
    program: list[tuple[float, float, float, float]], rating: float
) -> None:
    unit = generator(s_rated_MVA=rating)
    for p, q, _, dt in program:
        live(unit, [p, q], dt)
        electrical = unit.state.electrical
        assert 0.5 <= electrical.p_MW <= 2.0
        assert -1.0 <= electrical.q_MVAr <= 1.0
        assert np.hypot(electrical.p_MW, electrical.q_MVAr) <= rating * (1 + 1e-12)
        assert unit.safety == pytest.approx(0.0, abs=1e-12)


def test_active_power_goes_before_reactive_power() -> None:
    unit = generator(s_rated_MVA=2.0)
    live(unit, [1.0, 1.0])
    assert unit.state.electrical.p_MW == 2.0
    assert unit.state.electrical.q_MVAr == 0.0


def test_a_start_takes_its_time() -> None:
    unit = generator(commitment=True, startup_time_hr=2.0)
    injected = []
    for _ in range(4):
        live(unit, [1.0, 0.0, 1.0])
        injected.append(unit.state.electrical.p_MW)
    assert injected == [0.0, 0.0, 2.0, 2.0]


def test_a_stop_takes_its_time_at_minimum_power() -> None:
    unit = generator(commitment=True, startup_time_hr=0.0, shutdown_time_hr=2.0)
    live(unit, [1.0, 0.0, 1.0])
    injected = []
    for _ in range(4):
        live(unit, [1.0, 0.0, 0.0])
        injected.append(unit.state.electrical.p_MW)
    assert injected == [0.5, 0.5, 0.0, 0.0]


def test_quarter_hours_add_up_to_the_start_up_time() -> None:
    unit = generator(commitment=True, startup_time_hr=1.0)
    for _ in range(4):
        assert unit.state.unit.status == 0.0
        live(unit, [1.0, 0.0, 1.0], dt=0.25)
    assert unit.state.unit.status == 1.0


def test_a_start_can_be_called_off() -> None:
    unit = generator(commitment=True, startup_time_hr=2.0)
    live(unit, [1.0, 0.0, 1.0])
    live(unit, [1.0, 0.0, 0.0])
    live(unit, [1.0, 0.0, 0.0])
    assert unit.state.unit.status == 0.0
    assert unit.state.unit.hours_to_switch == 0.0


def test_starts_and_stops_are_paid_once_each_whatever_the_step() -> None:
    for dt in (0.25, 1.0):
        unit = generator(
            commitment=True,
            startup_time_hr=0.0,
            shutdown_time_hr=0.0,
            startup_cost=12.0,
            shutdown_cost=5.0,
        )
        paid = []
        for wanted in (1.0, 1.0, 0.0, 0.0):
            live(unit, [-1.0, 0.0, wanted], dt)
            paid.append(unit.cost_parts["switching"] * dt)
        assert paid == [12.0, 0.0, 5.0, 0.0]


def test_fuel_follows_the_quadratic_curve() -> None:
    unit = generator(cost_curve_coefs=[2.0, 30.0, 5.0])
    live(unit, [1.0, 0.0])
    assert unit.cost == pytest.approx(2.0 * 4.0 + 30.0 * 2.0 + 5.0)


def test_fuel_follows_the_points_of_a_piecewise_curve() -> None:
    unit = generator(cost_curve_coefs=[0.0, 0.0, 1.0, 20.0, 2.0, 60.0])
    live(unit, [1.0 / 3.0, 0.0])
    assert unit.state.electrical.p_MW == pytest.approx(1.5)
    assert unit.cost == pytest.approx(40.0)


def test_a_unit_off_line_burns_nothing() -> None:
    unit = generator(commitment=True, cost_curve_coefs=[2.0, 30.0, 5.0])
    live(unit, [1.0, 0.0, 0.0])
    assert unit.cost == 0.0


def test_the_hours_of_a_start_burn_nothing_and_those_of_a_stop_do() -> None:
    unit = generator(
        commitment=True, startup_time_hr=1.0, shutdown_time_hr=1.0, cost_curve_coefs=[0, 10.0, 4.0]
    )
    fuel = []
    for wanted in (1.0, 1.0, 0.0, 0.0):
        live(unit, [-1.0, 0.0, wanted])
        fuel.append(unit.cost_parts["fuel"])
    assert fuel == [0.0, 9.0, 9.0, 0.0]


def test_a_unit_without_commitment_idles_at_minimum_power() -> None:
    unit = generator()
    live(unit, list(unit.idle_action()))
    assert unit.state.electrical.p_MW == 0.5
    assert unit.state.electrical.q_MVAr == pytest.approx(0.0)


def test_reset_forgets_a_start_in_progress() -> None:
    unit = generator(commitment=True, startup_time_hr=2.0, startup_cost=3.0)
    live(unit, [1.0, 0.0, 1.0])
    unit.reset()
    assert unit.state.unit.hours_to_switch == 0.0
    live(unit, [1.0, 0.0, 0.0])
    assert unit.cost == 0.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"p_mx_MW": 1.0}, "did you mean 'p_max_MW'"),
        ({"p_min_MW": 3.0}, r"p_min_MW \(3.0\) exceeds p_max_MW \(2.0\)"),
        ({"p_min_MW": -0.1}, "a generator cannot consume"),
        ({"q_min_MVAr": 2.0}, r"q_min_MVAr \(2.0\) exceeds q_max_MVAr"),
        ({"s_rated_MVA": 1.0}, r"p_max_MW \(2.0\) exceeds s_rated_MVA \(1.0\)"),
        ({"cost_curve_coefs": [1.0, 2.0]}, "a cost curve has 3 coefficients"),
        ({"cost_curve_coefs": [0.0, 1.0, 0.0, 2.0]}, "must increase strictly"),
        ({"bus": None}, "bus: Input should be a valid string"),
    ],
)
def test_a_wrong_parameter_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"Generator 'gen': .*{said}"):
        generator(**wrong)
