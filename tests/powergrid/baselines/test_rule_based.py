from __future__ import annotations

import numpy as np
import pytest

from powergrid.baselines import RuleBasedPolicy
from powergrid.baselines.reading import ObservationReader
from powergrid.baselines.voltage import (
    curtailed_share,
    reactive_power,
    supplied_devices,
    tap_move,
    voltage_support,
)
from powergrid.optimization.grid_model import GridModel

CHEAP_HOURS, DEAR_HOURS = range(1, 7), range(17, 21)  # as the day in conftest.py has them


@pytest.fixture(scope="module")
def lived(env):
    """Power of each device by hour, through one day under the rules."""
    policy = RuleBasedPolicy()
    observations, _ = env.reset(seed=0, options={"day": 0})
    policy.reset(env)
    devices = env.agent_dict["MG1"].devices
    powers = {name: [] for name in ("gen", "ess", "pv", "grid")}
    safety = []
    while env.agents:
        observations, _, _, _, infos = env.step(policy.act(env, observations))
        safety.append(infos["MG1"]["safety"])
        for name, series in powers.items():
            series.append(devices[name].state.electrical.p_MW)
    return {name: np.array(series) for name, series in powers.items()} | {"safety": safety}


def test_batteries_charge_when_cheap(lived):
    charged = -lived["ess"][list(CHEAP_HOURS)].sum()
    assert charged * 0.95 == pytest.approx(0.4 * 0.5)  # from half to the upper limit


def test_batteries_discharge_when_dear(lived):
    assert lived["ess"][list(DEAR_HOURS)].sum() == pytest.approx(0.8 * 0.5 * 0.95)


def test_a_unit_runs_when_the_price_exceeds_its_cost_and_not_otherwise(lived):
    # While the battery covers the demand, what the unit gives earns the lower selling price.
    is_dear = np.isin(np.arange(24), DEAR_HOURS)
    assert np.all(lived["gen"][is_dear] > 0.02)
    assert lived["gen"].max() > 0.09
    assert np.all(lived["gen"][~is_dear] == 0.0)


def test_everything_the_sun_gives_is_taken(env, lived):
    available = 0.25 * env.agent_dict["MG1"].window.actual["solar"][:24]
    np.testing.assert_allclose(lived["pv"], available)


def test_no_limit_is_broken(lived):
    assert max(lived["safety"]) == 0.0


def test_charging_stays_below_the_rating_of_the_connection(build):
    big = {"e_capacity_MWh": 3.0, "p_max_MW": 1.0, "soc_init": 0.1}
    env = build([{"type": "ESS", "name": "big", "bus": "Bus 671", **big}], max_episode_steps=4)
    policy = RuleBasedPolicy()
    observations, _ = env.reset(seed=0, options={"day": 0})
    policy.reset(env)
    imports = []
    while env.agents:
        observations, _, _, _, infos = env.step(policy.act(env, observations))
        assert infos["MG1"]["safety_device"] == 0.0
        imports.append(env.agent_dict["MG1"].devices["grid"].state.electrical.p_MW)
    assert max(imports) > 0.45  # of 0.5 MVA: the rule uses what room there is


def voltages(env, v_min, v_device, v_meter=1.0):
    """Return a reader of MG1's observation with these voltages, low at some bus without device."""
    observations, _ = env.reset(seed=0, options={"day": 0})
    values = observations["MG1"].copy()
    names = env.observation_names("MG1")
    values[names.index("grid.v_min")] = v_min
    values[names.index("grid.v_max")] = max(v_device, v_meter)
    for k, name in enumerate(names):
        if name.endswith(".v_pu"):
            values[k] = v_meter if name.startswith("Grid") else v_device
    reader = ObservationReader(env, "MG1")
    reader.read(values)
    return reader


DEVICES = ("gen", "ess", "pv", "reg")


@pytest.mark.parametrize(
    ("v_min", "v_device", "move"),
    [(0.99, 1.01, 0), (0.955, 1.0, 1), (1.0, 1.045, -1), (0.96, 1.045, 0), (0.0, 0.0, 0)],
)
def test_taps_answer_voltages_near_the_limits(env, v_min, v_device, move):
    assert tap_move(voltages(env, v_min, v_device), DEVICES) == move


def test_taps_leave_alone_what_they_do_not_move(env):
    """The voltage at the connection is the distribution grid's."""
    assert tap_move(voltages(env, 0.99, 1.01, v_meter=1.06), DEVICES) == 0
    assert supplied_devices(GridModel.of(env.agent_dict["MG1"])) == list(DEVICES)


def test_reactive_power_follows_slowly_at_short_steps(env):
    reader = voltages(env, 0.99, 0.94)
    at_once = voltage_support(reader, "gen", -0.2, 0.1, 1.0)
    assert at_once == 0.1
    present = reader.device("gen", "q_MVAr")
    minute = voltage_support(reader, "gen", -0.2, 0.1, 1.0 / 60.0)
    assert minute == pytest.approx(present + 0.2 * (0.1 - present))


def test_reactive_power_supports_low_voltage_and_lowers_high_voltage():
    assert reactive_power(0.94, -0.2, 0.1) == 0.1
    assert reactive_power(1.06, -0.2, 0.1) == -0.2
    assert reactive_power(1.0, -0.2, 0.1) == 0.0
    assert 0.0 < reactive_power(0.96, -0.2, 0.1) < 0.1


def test_sun_is_curtailed_only_near_the_upper_voltage_limit():
    assert curtailed_share(1.044) == 1.0
    assert curtailed_share(1.05) == pytest.approx(0.5)
    assert curtailed_share(1.06) == 0.0


@pytest.mark.parametrize("quantiles", [{"cheap": 0.6, "dear": 0.4}, {"cheap": -0.1}])
def test_quantiles_out_of_order_are_refused(quantiles):
    with pytest.raises(ValueError, match="cheap <= dear"):
        RuleBasedPolicy(**quantiles)
