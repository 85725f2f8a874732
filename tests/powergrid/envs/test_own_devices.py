"""Devices written by users, as plain Python after the guide's pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.power_grid_agent import DEVICE_REGISTRY
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.core.features.power_limits import PowerLimits
from powergrid.core.features.storage import StorageBlock
from powergrid.utils.cost import quadratic_cost


@dataclass
class DieselConfig:
    bus: str
    p_max_MW: float = 0.2
    p_min_MW: float = 0.0
    cost_curve_coefs: tuple[float, ...] = (10.0, 80.0, 0.0)


class Diesel(DeviceAgent):
    """A generator: dataclass configuration, NumPy arithmetic, cost of its own."""

    def __init__(self, agent_id: str, device_state_config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(agent_id=agent_id, device_state_config=device_state_config, **kwargs)
        self.config = DieselConfig(**device_state_config)
        self.state.add_feature("electrical", ElectricalBasePh())
        self.state.add_feature("limits", PowerLimits(p_max_MW=self.config.p_max_MW))

    def get_action_space(self) -> Box:
        return Box(low=-1.0, high=1.0, shape=(2,), dtype=np.float32)

    def set_device_action(self, action: np.ndarray) -> None:
        span = self.config.p_max_MW - self.config.p_min_MW
        p = self.config.p_min_MW + (action[0] + 1.0) / 2.0 * span
        self.state.electrical.p_MW = np.clip(p, self.config.p_min_MW, self.config.p_max_MW)
        self.state.electrical.q_MVAr = 0.1 * action[1]

    def update_cost_safety(self) -> None:
        self.cost = quadratic_cost(self.state.electrical.p_MW, *self.config.cost_curve_coefs)
        self.safety = 0.0


@dataclass
class FlywheelConfig:
    bus: str
    e_capacity_MWh: float = 0.1
    p_MW: float = 0.05
    eff: float = 0.9


class Flywheel(DeviceAgent):
    """A store whose update takes the time only; its space is the base's single number."""

    def __init__(self, agent_id: str, device_state_config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(agent_id=agent_id, device_state_config=device_state_config, **kwargs)
        self.config = FlywheelConfig(**device_state_config)
        self.state.add_feature("electrical", ElectricalBasePh())
        self.state.add_feature(
            "storage", StorageBlock(soc=0.5, e_capacity_MWh=self.config.e_capacity_MWh)
        )

    def set_device_action(self, action: np.ndarray) -> None:
        self.state.electrical.p_MW = self.config.p_MW * action[0]

    def update_state(self, dt: float = 1.0) -> None:  # type: ignore[override]
        out = self.state.electrical.p_MW * dt
        soc = self.state.storage.soc - out / self.config.e_capacity_MWh
        self.state.storage.soc = np.clip(soc, 0.0, 1.0)

    def update_cost_safety(self) -> None:
        self.cost = 0.0
        self.safety = max(0.0, 0.2 - self.state.storage.soc)


class Watcher(DeviceAgent):
    """A kind that only looks at the power flow's results, with a choice of three."""

    def __init__(self, agent_id: str, device_state_config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(agent_id=agent_id, device_state_config=device_state_config, **kwargs)
        self.state.add_feature("electrical", ElectricalBasePh())
        self.chosen: list[float] = []
        self.seen: list[float] = []

    def get_action_space(self) -> Discrete:
        return Discrete(3)

    def set_device_action(self, action: np.ndarray) -> None:
        self.chosen.append(float(action[0]))

    def update_state(self, net_results: dict[str, float]) -> None:  # type: ignore[override]
        self.seen.append(net_results["vm_pu"])


class Mill(DeviceAgent):
    """A renewable by its attribute `available_power` alone."""

    source = "wind"

    def __init__(self, agent_id: str, device_state_config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(agent_id=agent_id, device_state_config=device_state_config, **kwargs)
        self.state.add_feature("electrical", ElectricalBasePh())
        self.available_power = 0.0

    def set_device_action(self, action: np.ndarray) -> None:
        self.state.electrical.p_MW = self.available_power


KINDS: dict[str, type[DeviceAgent]] = {
    "Diesel": Diesel,
    "Flywheel": Flywheel,
    "Watcher": Watcher,
    "Mill": Mill,
}


@pytest.fixture
def own(
    monkeypatch: pytest.MonkeyPatch,
    small_config: dict[str, Any],
    env_of_config: Callable[[dict[str, Any]], Any],
) -> Any:
    """Return an environment with one device of each kind above, each agent with its own space."""
    for name, kind in KINDS.items():
        monkeypatch.setitem(DEVICE_REGISTRY, name, kind)
    small_config["uniform_spaces"] = False
    small_config["microgrid_configs"][0]["devices"] = [
        {"type": "Diesel", "name": "diesel", "device_state_config": {"bus": "Bus 2"}},
        {"type": "Flywheel", "name": "wheel", "bus": "Bus 3", "e_capacity_MWh": 0.2},
        {"type": "Watcher", "name": "watch", "bus": "Bus 3"},
        {"type": "Mill", "name": "mill", "bus": "Bus 3", "p_rated_MW": 0.3},
    ]
    env = env_of_config(small_config)
    env.reset(seed=0, options={"day": 0})
    return env


def step(env: Any, *action: float) -> dict[str, Any]:
    infos: dict[str, Any] = env.step({"A": np.array(action), "B": np.zeros(5)})[-1]
    return infos["A"]


def test_their_entries_are_named_in_order(own: Any) -> None:
    assert own.action_names("A") == ["diesel.a0", "diesel.a1", "wheel.a0", "watch.a0", "mill.a0"]
    names = own.observation_names("A")
    assert names[:3] == ["diesel.p_MW", "diesel.q_MVAr", "diesel.v_pu"]
    assert "diesel.p_max_MW" in names
    assert "wheel.soc" in names
    assert "mill.available_p_MW" in names


def test_they_inject_at_their_buses(own: Any) -> None:
    step(own, 0.0, 1.0, 1.0, 0.0, 0.0)
    net, devices = own.net, own.agent_dict["A"].devices
    for name, p in (("diesel", 0.1), ("wheel", 0.05)):
        row = devices[name].pp_idx
        assert net.sgen.at[row, "p_mw"] == pytest.approx(p)
        assert net.sgen.at[row, "name"] == f"A {name}"
    assert net.sgen.at[devices["diesel"].pp_idx, "q_mvar"] == pytest.approx(0.1)
    vm = net.res_bus.vm_pu[net.sgen.at[devices["diesel"].pp_idx, "bus"]]
    assert devices["diesel"].state.electrical.v_pu == pytest.approx(vm)


def test_their_cost_is_a_rate_and_their_safety_counts(own: Any) -> None:
    info = step(own, 1.0, 0.0, 0.0, 0.0, 0.0)
    assert info["cost_device"] == pytest.approx(10.0 * 0.04 + 80.0 * 0.2)
    assert info["cost"] == pytest.approx(info["cost_device"] + info["cost_energy"])
    own.agent_dict["A"].devices["wheel"].state.storage.soc = 0.15
    assert step(own, 1.0, 0.0, 0.0, 0.0, 0.0)["safety_device"] == pytest.approx(0.05)


def test_an_update_is_called_with_what_it_takes(own: Any) -> None:
    wheel, watch = (own.agent_dict["A"].devices[name] for name in ("wheel", "watch"))
    step(own, 0.0, 0.0, -1.0, 1.0, 0.0)
    assert wheel.state.storage.soc == pytest.approx(0.5 + 0.05 / 0.2)
    assert watch.chosen[-1] == 2.0
    assert watch.seen == [pytest.approx(watch.state.electrical.v_pu)]


def test_what_is_available_reaches_a_plant_before_its_action(own: Any) -> None:
    share = own.config.dataset["train"]["wind"]
    mill = own.agent_dict["A"].devices["mill"]
    for k in range(3):
        step(own, 0.0, 0.0, 0.0, 0.0, 0.0)
        assert mill.state.electrical.p_MW == pytest.approx(0.3 * share[k])
        assert mill.state.electrical.p_MW > 0.0


def test_they_start_anew_with_each_episode(own: Any) -> None:
    first = own.state()
    step(own, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert not np.array_equal(own.state(), first)
    own.reset(seed=0, options={"day": 0})
    assert np.array_equal(own.state(), first)


def test_a_plant_without_a_rating_is_told(
    monkeypatch: pytest.MonkeyPatch,
    small_config: dict[str, Any],
    env_of_config: Callable[[dict[str, Any]], Any],
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "Mill", Mill)
    small_config["microgrid_configs"][0]["devices"] = [
        {"type": "Mill", "name": "mill", "bus": "Bus 3"}
    ]
    with pytest.raises(ConfigError, match=r"device 'mill' has available_power, so .* p_rated_MW"):
        env_of_config(small_config).reset(seed=0)


def test_a_device_without_a_bus_is_told(
    monkeypatch: pytest.MonkeyPatch,
    small_config: dict[str, Any],
    env_of_config: Callable[[dict[str, Any]], Any],
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "Watcher", Watcher)
    small_config["microgrid_configs"][0]["devices"] = [{"type": "Watcher", "name": "watch"}]
    with pytest.raises(ConfigError, match="A: device 'watch' names no bus"):
        env_of_config(small_config)
