from __future__ import annotations

import numpy as np
import pytest

from powergrid.baselines.reading import ObservationReader
from powergrid.baselines.writing import SetPoint, write_action


def check_reading(env):
    observations, _ = env.reset(seed=0, options={"day": 0})
    agent = env.agent_dict["MG1"]
    reader = ObservationReader(env, "MG1")
    reader.read(observations["MG1"])
    assert reader["price"] == pytest.approx(60.0)
    assert reader["grid.v_min"] == pytest.approx(agent.state.bus_voltages.v_min)
    assert reader.device("ess", "soc") == pytest.approx(0.5)
    assert reader.device("grid", "p_MW") == pytest.approx(
        agent.devices["grid"].state.electrical.p_MW, rel=1e-5
    )
    np.testing.assert_allclose(reader.forecast("price"), agent.window.forecast["price"][:24])


@pytest.mark.parametrize("is_uniform", [True, False])
@pytest.mark.parametrize("is_normalized", [True, False])
def test_every_layout_reads_the_same_in_physical_units(build, is_uniform, is_normalized):
    check_reading(build(uniform_spaces=is_uniform, normalize_obs=is_normalized))


def test_without_forecasts_the_present_price_is_the_forecast(build):
    env = build(forecast_steps=0)
    observations, _ = env.reset(seed=0, options={"day": 0})
    reader = ObservationReader(env, "MG1")
    reader.read(observations["MG1"])
    assert reader.forecast("price").tolist() == [60.0]
    assert reader.forecast("load").size == 0


@pytest.mark.parametrize("mode", ["flat", "dict"])
def test_devices_do_what_their_set_points_say(build, mode):
    env = build(action_mode=mode)
    env.reset(seed=0, options={"day": 0})
    points = {
        "gen": SetPoint(p_mw=0.05, q_mvar=0.01, is_on=True),
        "ess": SetPoint(p_mw=-0.12, q_mvar=0.03),
        "pv": SetPoint(share=0.5, q_mvar=-0.02),
        "reg": SetPoint(tap_move=1),
    }
    env.step({"MG1": write_action(env, "MG1", points)})
    state = {name: device.state for name, device in env.agent_dict["MG1"].devices.items()}
    assert state["gen"].electrical.p_MW == pytest.approx(0.05, abs=1e-6)
    assert state["gen"].electrical.q_MVAr == pytest.approx(0.01, abs=1e-6)
    assert state["ess"].electrical.p_MW == pytest.approx(-0.12, abs=1e-6)
    assert state["ess"].electrical.q_MVAr == pytest.approx(0.03, abs=1e-6)
    assert state["pv"].electrical.q_MVAr == pytest.approx(-0.02, abs=1e-6)
    assert state["reg"].tap.tap == 1.0


def test_devices_without_a_set_point_do_nothing(env):
    env.reset(seed=0, options={"day": 0})
    np.testing.assert_array_equal(write_action(env, "MG1", {}), env.idle_action("MG1"))
