"""What a wrong configuration is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError
from heron.protocols.registry import get_protocol
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"penalti": 5.0}, "unknown key 'penalti'; did you mean 'penalty'"),
        ({"penalty": -1.0}, "penalty: Input should be greater than or equal to 0"),
        ({"penalty": float("nan")}, "penalty: "),
        ({"voltage_band_pu": (1.05, 0.95)}, "expected a lower and a higher voltage"),
        ({"max_episode_steps": 0}, "max_episode_steps: Input should be greater than or equal to 1"),
        ({"step_s": 0.0}, "step_s: Input should be greater than 0"),
        ({"action_mode": "tuple"}, "action_mode: Input should be 'flat' or 'dict'"),
        ({"interpolation": "cubic"}, "interpolation: Input should be 'hold' or 'linear'"),
        ({"on_convergence_failure": "stop"}, "'terminate' or 'continue'"),
        ({"render_mode": "3d"}, "'ansi', 'rgb_array' or 'human'"),
        ({"dataset": "shiped"}, "dataset: expected a mapping of splits, 'shipped' or 'shipped_min"),
        ({"dataset": "shipped", "dataset_path": "x.npz"}, "dataset or dataset_path, not both"),
        ({"dataset": None, "dataset_path": "x.feather"}, "unknown suffix '.feather'"),
        ({"dso_config": {"name": "A"}}, "names of grids must differ, but A is used twice"),
        ({"dso_config": {"source_vm_pu": 12.0}}, "dso_config.source_vm_pu: Input should be less"),
        ({"dso_config": {"lod_scale": 1.0}}, "dso_config: .*did you mean 'load_scale'"),
        ({"dso_config": {"load_area": "BANK"}, "dataset": "shipped"}, "did you mean 'BANC'"),
        ({"message_broker": "in_memry"}, "message_broker: .*did you mean 'in_memory'"),
        ({"message_broker": 5}, "message_broker is a int, expected a name such as 'in_memory'"),
        ({"visibility": "all"}, "visibility"),
        ({"visibility": {"forecasts": []}}, "'forecasts'.*'forecast'"),
        ({"visibility": {"A/gen.storage": []}}, "A/gen.storage"),
        ({"visibility": {"grid": ["everyone"]}}, "everyone"),
        ({"env_id": ""}, "env_id"),
    ],
)
def test_a_wrong_entry_is_named(
    make_villages: Callable[..., Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_villages(**changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "A", "devces": []}, "microgrid_configs.0: .*did you mean 'devices'"),
        ({"name": ""}, "microgrid_configs.0.name: String should have at least 1"),
        ({"base_power": 0.0}, "microgrid_configs.0.base_power: "),
        ({"grid_price": "free"}, "microgrid_configs.0.grid_price"),
        ({"load_area": "PACX"}, "area of load: unknown area 'PACX'; did you mean 'PACW'"),
        ({"renew_area": "NEWP"}, "area of solar: unknown area 'NEWP'; did you mean 'NEVP'"),
        ({"devices": [{"type": "Grid", "name": "a", "bus": "Bus 4"}]}, "'Bus 4' not found.*Bus 1"),
        ({"devices": [{"type": "ESS", "name": "a", "bus": "B"}]}, "'B' not found.*Bus 1, Bus 2"),
        ({"devices": [{"type": "Battery", "name": "a"}]}, "A: .*unknown device type 'Battery'"),
        (
            {"devices": [{"type": "ESS", "name": "a", "bus": "Bus 2", "capacity": 1.0}]},
            "ESS 'a': unknown key 'capacity'; did you mean 'e_capacity_MWh'",
        ),
        (
            {"devices": [{"type": "Transformer", "name": "a", "transformer": "RAG"}]},
            "A: unknown transformer 'RAG'; did you mean 'REG'",
        ),
    ],
)
def test_a_wrong_entry_of_a_microgrid_is_named(
    small_config: dict[str, Any],
    env_of_config: Callable[..., Any],
    change: dict[str, Any],
    said: str,
) -> None:
    small_config["dataset"] = "shipped"
    small_config["microgrid_configs"][0].update(change)
    with pytest.raises(ConfigError, match=said):
        env_of_config(small_config)


def one_microgrid(**changes: Any) -> dict[str, Any]:
    return {"microgrid_configs": [{"name": "MG1", **changes}]}


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown network 'ieee43'; did you mean 'ieee34'"):
        MultiAgentMicrogrids({**one_microgrid(), "dso_config": {"network": "ieee43"}})
    with pytest.raises(ConfigError, match=r"unknown network 'ieee14'.* 'ieee13'"):
        MultiAgentMicrogrids(one_microgrid(network="ieee14"))


def test_an_unknown_connection_bus_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Bus 'DSO Bus 85' not found in network.*DSO Bus 85"):
        MultiAgentMicrogrids(one_microgrid(connection_bus="DSO Bus 85"))


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown protocol 'setpoints'; did you mean 'setpoint'"):
        get_protocol("setpoints")


def test_an_area_that_only_some_series_have_is_found_before_the_first_reset(
    small_config: dict[str, Any], env_of_config: Callable[..., Any]
) -> None:
    rows = np.full(24, 0.5)
    small_config["dataset"] = {"train": {"load": {"N": rows}, "wind": {"N": rows, "S": rows}}}
    small_config["microgrid_configs"][0]["renew_area"] = "S"
    env_of_config(small_config)
    small_config["dataset"]["train"]["solar"] = {"N": rows}
    with pytest.raises(ConfigError, match="area of solar: unknown area 'S'"):
        env_of_config(small_config)


def test_a_subclass_without_a_network_or_agents_is_told(villages_net: Callable[[], Any]) -> None:
    class NoNetwork(NetworkedGridEnv):
        pass

    class NoAgents(NetworkedGridEnv):
        def _build_net(self) -> Any:
            return villages_net()

    with pytest.raises(NotImplementedError, match=r"NoNetwork needs _build_net\(\)"):
        NoNetwork()
    with pytest.raises(ConfigError, match="NoAgents has no agents: fill agent_dict in _build_net"):
        NoAgents()
