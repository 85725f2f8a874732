"""How an action reaches the devices of a grid agent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete

from heron.errors import ConfigError
from heron.protocols.base import Protocol
from heron.protocols.vertical import PriceSignalProtocol, SetpointProtocol
from powergrid.agents.action_layout import ActionLayout
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.grid_agent import GridAgent

CONFIG = {
    "name": "MG",
    "devices": [
        {"type": "ESS", "name": "ess", "bus": "x", "e_capacity_MWh": 1.0, "p_max_MW": 1.0},
        {"type": "WindTurbine", "name": "wind", "bus": "x", "p_rated_MW": 1.0},
    ],
}


class OnlyFirst(Protocol):
    """Tell the first device alone, and only once."""

    told = False

    def coordinate(self, action: Any, devices: Any) -> dict[str, Any]:
        first = {} if self.told else {"ess": np.asarray(action)[:1]}
        self.told = True
        return first


def test_a_device_that_is_told_nothing_idles_instead_of_repeating_itself() -> None:
    agent = GridAgent(CONFIG, OnlyFirst())
    battery = agent.devices["ess"]
    agent.apply_action(np.array([1.0, 0.0]))
    assert battery.state.electrical.p_MW == pytest.approx(0.38)
    battery.update_state(dt=1.0)
    agent.apply_action(np.array([1.0, 0.0]))
    assert battery.state.electrical.p_MW == 0.0


def test_acting_hands_each_device_its_part_in_its_own_units() -> None:
    agent = GridAgent(CONFIG, SetpointProtocol())
    parts = agent.act(None, upstream_action=[0.5, -0.5])
    assert parts["ess"].tolist() == [0.5]
    assert parts["wind"].tolist() == [0.25]
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(2,\): ess.p, wind"):
        agent.act(None, upstream_action=[0.0, 0.0, 0.0])


def test_one_that_says_a_price_acts_by_that_price() -> None:
    agent = GridAgent(CONFIG, PriceSignalProtocol(initial_price=80.0))
    assert agent.action_layout.names == ["price_signal.price"]
    assert agent.action_layout.to_device_units(agent.idle_action()) == pytest.approx([80.0])
    parts = agent.act(None, upstream_action=[-1.0])  # the lowest price: buy, take all wind
    assert parts["ess"].tolist() == [-1.0]
    assert parts["wind"].tolist() == agent.devices["wind"].idle_action().tolist()
    agent.apply_action(np.array([1.0]))
    assert agent.devices["ess"].state.electrical.p_MW > 0.0
    config = {"name": "price_signal", "lowest_price": -100.0, "initial_price": 0.0}
    ranged = GridAgent({**CONFIG, "protocol": config}, PriceSignalProtocol(0.0))
    assert ranged.action_layout.to_device_units(np.array([-1.0])).tolist() == [-100.0]
    with pytest.raises(ConfigError, match="initial_price"):
        GridAgent({**CONFIG, "protocol": {**config, "initial_price": 300.0}}, SetpointProtocol())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_rated": 1.0}, "device 'wind' of type WindTurbine: .*unexpected keyword .*'p_rated'"),
        ({"bus": None}, "device 'wind' of type WindTurbine: .*missing.*'bus'"),
    ],
)
def test_a_plain_device_refuses_its_parameters_by_name(
    change: dict[str, Any], message: str
) -> None:
    entry = {**CONFIG["devices"][1], **change}  # type: ignore[index]
    entry = {key: value for key, value in entry.items() if value is not None}
    with pytest.raises(ConfigError, match=message):
        GridAgent({"name": "MG", "devices": [entry]}, SetpointProtocol())


class Shifted(DeviceAgent):
    def get_action_space(self) -> Discrete[np.int64]:
        return Discrete(3, start=-1)


def test_a_choice_that_does_not_start_at_zero_keeps_its_start() -> None:
    layout = ActionLayout({"d": Shifted("d")})
    assert [layout.to_device_units(np.array([x])).item() for x in (-1, 0, 1)] == [-1, 0, 1]
    assert layout.to_device_units(layout.from_device_units(np.array([-1.0]))).item() == -1


def test_a_generator_answers_a_price_with_what_earns_most() -> None:
    unit = Generator(
        "g",
        device_state_config={
            "bus": "x",
            "p_max_MW": 1.0,
            "cost_curve_coefs": [20.0, 30.0, 1.0],
            "commitment": True,
        },
    )
    assert unit.respond_to_price(10.0).tolist() == [-1.0, 0.0, 0.0]
    assert unit.respond_to_price(50.0).tolist() == pytest.approx([0.0, 0.0, 1.0])
    assert unit.respond_to_price(500.0).tolist() == [1.0, 0.0, 1.0]
