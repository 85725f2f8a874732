"""Connections and networks beside the usual ones: whose power is metered, and that it is solved."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from heron.errors import ConfigError
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.networks import IEEE13Bus, merge_microgrid

BATTERY = {"type": "ESS", "name": "ess", "bus": "Bus 671", "e_capacity_MWh": 0.5, "p_max_MW": 0.1}


def _step_idle(env: NetworkedGridEnv) -> dict[str, dict[str, Any]]:
    env.reset(seed=0)
    return env.step({agent: env.idle_action(agent) for agent in env.agents})[4]


@pytest.mark.parametrize(
    ("grid", "microgrid", "bus", "scale"),
    [
        ("ieee13", "ieee34", "DSO Bus 650", 0.1),  # the microgrid has the higher voltage
        ("cigre_mv", "cigre_lv", "DSO Bus 3", 0.5),  # its source bus feeds through more switches
    ],
)
def test_a_consumer_pays_for_what_its_loads_and_losses_take(
    grid: str, microgrid: str, bus: str, scale: float
) -> None:
    env = MultiAgentMicrogrids(
        {
            "dso_config": {"network": grid, "load_scale": 0.3},
            "microgrid_configs": [
                {"name": "MG", "network": microgrid, "connection_bus": bus, "load_scale": scale}
            ],
        }
    )
    info = _step_idle(env)["MG"]
    load = env.agent_dict["MG"].state.grid.total_load_MW
    assert info["converged"]
    assert load < info["energy_bought_mwh"] < 1.15 * load
    assert info["cost"] == pytest.approx(50.0 * info["energy_bought_mwh"])


def test_a_copied_environment_lives_on_by_itself() -> None:
    env = MultiAgentMicrogrids({"max_episode_steps": 4})
    env.reset(seed=3)
    full = {agent: np.ones(env.action_space(agent).shape) for agent in env.agents}
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    for _ in range(2):
        expected = env.step(full)
        for other in copies:
            observations, rewards, *_ = other.step(full)
            assert rewards == expected[1]
            assert all(np.array_equal(observations[a], expected[0][a]) for a in observations)
            assert np.array_equal(other.state(), env.state())


def _merged() -> pp.pandapowerNet:
    return merge_microgrid(IEEE13Bus("DSO"), IEEE13Bus("MG1"), "DSO Bus 671", load_scale=0.1)


def _agent(net: pp.pandapowerNet, name: str, *devices: dict[str, Any]) -> PowerGridAgent:
    return PowerGridAgent(net, {"name": name, "devices": list(devices)}, SetpointProtocol())


def test_an_agent_of_a_merged_network_owns_the_zone_of_its_exact_name() -> None:
    with pytest.raises(ConfigError, match="unknown zone 'mg1'; did you mean 'MG1'"):
        _agent(_merged(), "mg1")


def test_devices_stand_in_their_owners_zone() -> None:
    with pytest.raises(ConfigError, match="'ess' would stand at DSO Bus 680, which belongs to DSO"):
        _agent(_merged(), "MG1", {**BATTERY, "bus": "DSO Bus 680"})
    with pytest.raises(ConfigError, match="'reg' would stand at DSO Bus RG60"):
        _agent(_merged(), "MG1", {"type": "Transformer", "name": "reg", "transformer": "DSO REG1"})


def test_a_transformer_without_taps_is_refused() -> None:
    wanted = {"type": "Transformer", "name": "reg", "transformer": "XFM-1"}
    with pytest.raises(ConfigError, match=r"MG1 XFM-1, .* has no tap changer.*MG1 REG1"):
        _agent(_merged(), "MG1", wanted)


def test_a_meter_without_a_known_connection_is_refused() -> None:
    net = _merged()
    del net["heron_pcc"]
    with pytest.raises(ConfigError, match=r"does not say how it is connected.*merge_microgrid"):
        _agent(net, "MG1", {"type": "Grid", "name": "pcc"})


def test_two_devices_cannot_move_one_transformer() -> None:
    taps = [{"type": "Transformer", "name": n, "transformer": "REG1"} for n in ("a", "b")]
    mg = {"name": "MG1", "connection_bus": "DSO Bus 850", "devices": taps}
    with pytest.raises(ConfigError, match="MG1/b and MG1/a both move the taps of MG1 REG1"):
        MultiAgentMicrogrids({"microgrid_configs": [mg]})
