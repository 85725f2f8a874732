"""A coordinator with its own network, stepped without an environment."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from heron.errors import ConfigError
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.networks.ieee13 import IEEE13Bus

GENERATOR = {
    "type": "Generator",
    "name": "gen1",
    "bus": "Bus 633",
    "p_max_MW": 2.0,
    "p_min_MW": 0.5,
    "cost_curve_coefs": [0.02, 10.0, 0.0],
}
BATTERY = {"type": "ESS", "name": "ess1", "bus": "Bus 634", "e_capacity_MWh": 2.0}


@pytest.fixture(scope="module")
def built_feeder() -> pp.pandapowerNet:
    return IEEE13Bus("MG1")


@pytest.fixture
def feeder(built_feeder: pp.pandapowerNet) -> pp.pandapowerNet:
    return copy.deepcopy(built_feeder)


def grid_agent(net: pp.pandapowerNet, *devices: dict[str, Any], **more: Any) -> PowerGridAgent:
    config = {"name": "MG1", "devices": list(devices), **more}
    return PowerGridAgent(net, config, SetpointProtocol())


def test_a_step_solves_its_own_network(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, GENERATOR, BATTERY)
    agent.step(np.array([1.0, 0.0, 0.5]))
    assert feeder.sgen.loc[agent.devices["gen1"].pp_idx, "p_mw"] == 2.0
    assert feeder.storage.loc[agent.devices["ess1"].pp_idx, "p_mw"] == -0.5  # discharge
    assert agent.state.bus_voltages.vm_pu == pytest.approx(feeder.res_bus.vm_pu.to_numpy())
    assert agent.state.line_flows.max_loading == pytest.approx(
        feeder.res_line.loading_percent.max()
    )
    assert agent.devices["ess1"].state.storage.soc == pytest.approx(0.5 - 0.5 / 0.95 / 2.0)
    assert agent.cost == pytest.approx(0.02 * 4.0 + 10.0 * 2.0)


def test_safety_counts_voltages_outside_the_band_and_overloads(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, GENERATOR)
    agent.step(np.array([-1.0, -1.0]))
    vm, loading = feeder.res_bus.vm_pu, feeder.res_line.loading_percent
    outside = (0.95 - vm).clip(lower=0.0).sum() + (vm - 1.05).clip(lower=0.0).sum()
    overload = (loading - 100.0).clip(lower=0.0).sum() / 100.0
    assert outside > 0.0
    assert agent.safety == pytest.approx(outside + overload)


def test_loads_and_price_follow_the_rows_of_a_dataset(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, BATTERY, {"type": "Grid", "name": "utility", "sell_ratio": 0.9})
    agent.add_dataset({"load": [0.5, 0.8], "price": [20.0, 60.0]})
    nominal = feeder.load.p_mw.sum()
    for load, price in ((0.5, 20.0), (0.8, 60.0), (0.5, 20.0)):
        agent.step(np.zeros(1))
        assert feeder.load.p_mw.sum() == pytest.approx(load * nominal)
        bought = feeder.res_ext_grid.p_mw.sum()
        assert agent.cost == pytest.approx(price * bought)
        assert agent.energy_bought_mwh == pytest.approx(bought)


def test_an_agent_owns_the_buses_of_its_zone_only(feeder: pp.pandapowerNet) -> None:
    feeder.bus.loc[feeder.bus.index[5:], "zone"] = "MG10"
    feeder.bus["name"] = [
        name if row < 5 else name.replace("MG1 ", "MG10 ")
        for row, name in enumerate(feeder.bus["name"])
    ]
    agent = grid_agent(feeder)
    assert agent.zone.bus_rows.tolist() == [0, 1, 2, 3, 4]
    other = PowerGridAgent(feeder, {"name": "MG10"}, SetpointProtocol())
    assert len(other.zone.bus_rows) == len(feeder.bus) - 5
    assert not set(agent.zone.load_rows) & set(other.zone.load_rows)


def test_the_observation_lists_devices_then_grid_price_and_clock(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, GENERATOR, BATTERY)
    agent.step(np.array([1.0, 0.0, 0.5]))
    observation = agent.get_observation()
    assert agent.observation_layout is not None
    assert agent.observation_layout.names == [
        *(
            f"gen1.{field}"
            for field in ("p_MW", "q_MVAr", "v_pu", "p_max_MW", "p_min_MW", "status")
        ),
        *(f"ess1.{field}" for field in ("p_MW", "q_MVAr", "v_pu", "soc", "e_capacity_MWh")),
        *("grid.v_min", "grid.v_max", "grid.max_line_loading", "grid.total_load_MW", "price"),
        *("sin_hour", "cos_hour", "sin_weekday", "cos_weekday"),
    ]
    assert observation.dtype == np.float32
    assert observation[:2] == pytest.approx([2.0, 0.0])


def test_reset_brings_devices_and_books_to_their_start(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, GENERATOR, BATTERY)
    agent.step(np.array([1.0, 0.0, 1.0]))
    first = agent.devices["ess1"].state.storage.soc
    agent.reset(seed=0)
    assert agent.cost == agent.safety == 0.0
    assert agent.devices["ess1"].state.storage.soc == 0.5
    agent.step(np.array([1.0, 0.0, 1.0]))
    assert agent.devices["ess1"].state.storage.soc == first


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (np.zeros(2), r"shape \(2,\), expected \(3,\): gen1.p, gen1.q, ess1.p"),
        (np.array([0.0, np.nan, 0.0]), "not finite at gen1.q"),
        (np.array([0.0, 0.0, -np.inf]), "not finite at ess1.p"),
    ],
)
def test_a_wrong_action_changes_nothing(
    feeder: pp.pandapowerNet, action: np.ndarray, said: str
) -> None:
    agent = grid_agent(feeder, GENERATOR, BATTERY)
    agent.step(np.array([1.0, 0.5, 0.5]))
    before = agent.get_observation().tobytes()
    with pytest.raises(ValueError, match=said):
        agent.step(action)
    assert agent.get_observation().tobytes() == before


def test_more_than_the_network_can_carry_is_said(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, BATTERY, load_scale=50.0)
    with pytest.raises(RuntimeError, match="MG1: the power flow of step 0 does not converge"):
        agent.step(np.zeros(1))


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ({**BATTERY, "bus": "Bus 63"}, r"Bus 'Bus 63' not found.*did you mean 'Bus 63.'.*ess1"),
        (
            {"type": "Transformer", "name": "reg", "transformer": "REG2"},
            "unknown transformer 'REG2'; did you mean 'REG1'",
        ),
        (GENERATOR, "two devices are called 'gen1'"),
        ({"type": "Grid", "name": "utility", "bus": "Bus 671"}, "a Grid stands at .*Bus 650"),
    ],
)
def test_a_device_that_does_not_fit_the_network_is_named(
    feeder: pp.pandapowerNet, device: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        grid_agent(feeder, GENERATOR, device)


def test_two_connections_are_one_too_many(feeder: pp.pandapowerNet) -> None:
    meters = [{"type": "Grid", "name": name} for name in ("one", "two")]
    with pytest.raises(ConfigError, match="MG1: a grid has one connection, not 2"):
        grid_agent(feeder, *meters)


def test_a_price_of_none_leaves_no_connection_to_configure(feeder: pp.pandapowerNet) -> None:
    with pytest.raises(ConfigError, match="grid_price is none, but device 'utility' is a Grid"):
        grid_agent(feeder, {"type": "Grid", "name": "utility"}, grid_price="none")


def test_an_unknown_key_of_the_grid_names_the_nearest(feeder: pp.pandapowerNet) -> None:
    with pytest.raises(ConfigError, match=r"grid 'MG1': .*did you mean 'load_scale'"):
        grid_agent(feeder, load_scal=0.1)


class WornBattery(ESS):
    """Costs something on top of what its parent books, and says no more about it."""

    def update_cost_safety(self) -> None:
        super().update_cost_safety()
        self.cost += 3.0


class Silent(DeviceAgent):
    """Has no electrical feature."""


def test_a_cost_beyond_the_named_parts_is_paid_too(
    feeder: pp.pandapowerNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "WornBattery", WornBattery)
    agent = grid_agent(feeder, {**BATTERY, "type": "WornBattery", "degradation_cost": 2.0})
    agent.step(np.array([0.5]))
    assert agent.cost == pytest.approx(2.0 * 0.5 + 3.0)
    assert agent.cost_parts == pytest.approx({"degradation": 1.0, "device": 3.0})


def test_a_device_that_cannot_say_what_it_injects_is_refused(
    feeder: pp.pandapowerNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "Silent", Silent)
    with pytest.raises(
        ConfigError, match=r"device 'mute' has no feature 'electrical'.*add_feature"
    ):
        grid_agent(feeder, {"type": "Silent", "name": "mute", "bus": "Bus 633"})


def test_a_step_without_solution_leaves_the_devices_as_they_were(
    feeder: pp.pandapowerNet,
) -> None:
    agent = grid_agent(feeder, {**BATTERY, "p_max_MW": 100.0, "e_capacity_MWh": 1000.0})
    agent.step(np.array([0.0]))
    before = agent.devices["ess1"].state.to_dict()
    with pytest.raises(RuntimeError, match="does not converge"):
        agent.step(np.array([-1.0]))
    assert agent.devices["ess1"].state.to_dict() == before


def test_an_episode_after_a_reset_is_the_same_to_the_bit(feeder: pp.pandapowerNet) -> None:
    agent = grid_agent(feeder, GENERATOR, BATTERY)
    seen = []
    for _ in range(2):
        agent.reset()
        for power in (1.0, -0.3):
            agent.step(np.array([power, 0.2, power]))
        seen.append(agent.state.bus_voltages.vm_pu.copy())
    assert np.array_equal(seen[0], seen[1])
