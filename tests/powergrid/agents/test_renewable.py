"""Sun and wind: as much as the weather gives, or less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import ConfigError
from powergrid.agents.renewable import RenewableGenerator, SolarPlant, WindPlant
from powergrid.agents.wind_turbine import WindTurbine

anything = st.one_of(st.floats(-1.0, 2.0), st.sampled_from([-1e9, 1e9]))


@given(anything, anything, st.floats(-0.5, 1.5))
def test_a_plant_never_injects_more_than_is_available(
    share: float, q: float, weather: float
) -> None:
    plant = SolarPlant(
        "pv", {"bus": "Bus 1", "p_rated_MW": 0.4, "s_rated_MVA": 0.45, "q_max_MVAr": 0.3}
    )
    plant.available_power = 0.4 * weather
    plant.set_device_action(np.array([share, q]))
    electrical = plant.state.electrical
    assert 0.0 <= plant.available_power <= 0.4
    assert 0.0 <= electrical.p_MW <= plant.available_power
    assert np.hypot(electrical.p_MW, electrical.q_MVAr) <= 0.45 * (1 + 1e-12)
    plant.update_cost_safety()
    assert plant.safety == pytest.approx(0.0, abs=1e-12)


@given(anything, st.floats(0.0, 2.0))
def test_the_plain_wind_turbine_never_injects_more_than_is_available(
    share: float, available: float
) -> None:
    turbine = WindTurbine("wind", {"bus": "Bus 1", "p_rated_MW": 2.0})
    turbine.available_power = available
    turbine.set_device_action(np.array([share]))
    assert 0.0 <= turbine.state.electrical.p_MW <= available


def test_the_wind_turbine_books_what_it_does_not_take() -> None:
    turbine = WindTurbine("wind", {"bus": "Bus 1", "p_rated_MW": 2.0})
    turbine.available_power = 2.0
    turbine.set_device_action(np.array([0.25]))
    turbine.update_cost_safety()
    assert turbine.cost == pytest.approx(1.5 * 5.0)


def test_curtailed_energy_costs_what_the_configuration_says() -> None:
    plant = WindPlant("wind", {"bus": "Bus 1", "p_rated_MW": 1.0, "curtailment_cost": 8.0})
    plant.available_power = 0.5
    plant.set_device_action(np.array([0.2]))
    plant.update_cost_safety()
    assert plant.cost == pytest.approx(0.4 * 8.0)


def test_an_idle_plant_takes_everything() -> None:
    plant = SolarPlant("pv", {"bus": "Bus 1", "p_rated_MW": 1.0, "q_max_MVAr": 0.3})
    plant.available_power = 0.7
    plant.set_device_action(plant.idle_action())
    assert plant.state.electrical.p_MW == 0.7
    assert plant.state.electrical.q_MVAr == pytest.approx(0.0)


def test_each_kind_follows_its_own_profile() -> None:
    assert SolarPlant("a", {"bus": "Bus 1"}).source == "solar"
    assert WindPlant("a", {"bus": "Bus 1"}).source == "wind"
    assert RenewableGenerator("a", {"bus": "Bus 1", "source": "wind"}).source == "wind"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"p_rated": 1.0}, "did you mean 'p_rated_MW'"),
        ({"p_rated_MW": 0.0}, "p_rated_MW: Input should be greater than 0"),
        ({"p_rated_MW": 2.0, "s_rated_MVA": 1.0}, r"s_rated_MVA \(1.0\) is below p_rated_MW"),
        ({"source": "sun"}, "source: Input should be 'solar' or 'wind'"),
    ],
)
def test_a_wrong_parameter_is_named(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=f"SolarPlant 'pv': .*{said}"):
        SolarPlant("pv", {"bus": "Bus 1", **wrong})


def test_a_plant_is_curtailed_where_injecting_costs_more() -> None:
    config = {"bus": "Bus 1", "p_rated_MW": 1.0, "curtailment_cost": 5.0, "q_max_MVAr": 0.1}
    plant = SolarPlant("pv", device_state_config=config)
    assert plant.respond_to_price(-4.0).tolist() == plant.idle_action().tolist()
    assert plant.respond_to_price(-6.0).tolist() == [0.0, 0.0]
