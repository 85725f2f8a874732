"""From a flat action to devices and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from gymnasium.spaces import Dict as DictSpace
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heron.errors import ConfigError
from powergrid.agents.action_layout import ActionLayout, union_of_dims
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.renewable import SolarPlant
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer


class Odd(DeviceAgent):
    """A device with whatever action space a test wants."""

    def __init__(self, name: str, space: Space[Any]) -> None:
        super().__init__(name)
        self.space = space

    def get_action_space(self) -> Space[Any]:
        return self.space


def devices() -> dict[str, DeviceAgent]:
    found: list[DeviceAgent] = [
        Generator("gen", {"bus": "Bus 1", "commitment": True}),
        ESS("store", {"bus": "Bus 1"}),
        SolarPlant("pv", {"bus": "Bus 1"}),
        Transformer("reg", {"transformer": "REG1"}),
    ]
    return {device.agent_id: device for device in found}


flat = arrays(np.float64, 6, elements=st.floats(-1.0, 1.0))


def test_entries_follow_the_devices_and_within_them_power_before_choices() -> None:
    assert ActionLayout(devices()).names == [
        "gen.p",
        "gen.q",
        "gen.commitment",
        "store.p",
        "pv.share",
        "reg.tap",
    ]


def test_the_ends_of_the_box_are_the_ends_of_each_range() -> None:
    layout = ActionLayout(devices())
    assert layout.to_device_units(-np.ones(6)).tolist() == [-1.0, -1.0, 0.0, -1.0, 0.0, 0.0]
    assert layout.to_device_units(np.ones(6)).tolist() == [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]


def test_a_range_is_mapped_affinely() -> None:
    layout = ActionLayout({"odd": Odd("odd", Box(np.float32(-3.0), np.float32(5.0), (1,)))})
    assert layout.to_device_units(np.array([0.5])) == pytest.approx([3.0])


@pytest.mark.parametrize("n", [2, 3, 7])
def test_a_choice_is_cut_into_equal_bins(n: int) -> None:
    layout = ActionLayout({"odd": Odd("odd", Discrete(n))})
    edges = np.linspace(-1.0, 1.0, n + 1)
    middles = (edges[:-1] + edges[1:]) / 2.0
    assert [layout.to_device_units(np.array([x]))[0] for x in middles] == list(range(n))
    just_below = np.nextafter(edges[1], -np.inf)
    assert layout.to_device_units(np.array([just_below - 1e-9]))[0] == 0.0


@given(flat)
def test_an_action_in_the_devices_units_comes_back(action: np.ndarray) -> None:
    layout = ActionLayout(devices())
    units = layout.to_device_units(action)
    again = layout.to_device_units(layout.from_device_units(units))
    assert again == pytest.approx(units, abs=1e-12)


@given(flat)
def test_the_two_forms_of_an_action_mean_the_same(action: np.ndarray) -> None:
    layout = ActionLayout(devices())
    parts = layout.unflatten(action)
    assert layout.space("dict").contains(parts)
    units = layout.to_device_units(layout.flatten(parts))
    assert units == pytest.approx(layout.to_device_units(action), abs=1e-6)


@given(arrays(np.float64, 6, elements=st.floats(-1e300, 1e300)))
def test_values_outside_are_clipped(action: np.ndarray) -> None:
    layout = ActionLayout(devices())
    clipped = layout.to_device_units(np.clip(action, -1.0, 1.0))
    assert np.array_equal(layout.to_device_units(action), clipped)


def test_a_shared_layout_holds_the_entries_of_all() -> None:
    one = {"gen": Generator("gen", {"bus": "Bus 1"}), "a": ESS("a", {"bus": "Bus 1"})}
    two = {
        "b": ESS("b", {"bus": "Bus 1", "q_max_MVAr": 1.0}),
        "c": ESS("c", {"bus": "Bus 1"}),
    }
    union = union_of_dims([one, two])
    names = ["Generator0.p", "Generator0.q", "ESS0.p", "ESS0.q", "ESS1.p"]
    assert [name for name, _ in union] == names
    first, second = ActionLayout(one, union), ActionLayout(two, union)
    action = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert first.to_device_units(action) == pytest.approx([0.1, 0.2, 0.3])
    assert second.to_device_units(action) == pytest.approx([0.3, 0.4, 0.5])
    assert second.from_device_units(np.array([0.3, 0.4, 0.5])) == pytest.approx(
        [0.0, 0.0, 0.3, 0.4, 0.5]
    )


def test_every_documented_space_is_understood() -> None:
    both = DictSpace({"c": Box(-1.0, 1.0, (2,)), "d": MultiDiscrete([2, 5])})
    layout = ActionLayout({"a": Odd("a", both), "b": Odd("b", Discrete(3))})
    assert layout.to_device_units(np.ones(5)).tolist() == [1.0, 1.0, 1.0, 4.0, 2.0]


def test_a_box_without_ends_is_refused() -> None:
    with pytest.raises(ConfigError, match="device 'odd': its action Box needs finite bounds"):
        ActionLayout({"odd": Odd("odd", Box(-np.inf, np.inf, (1,)))})


def test_another_space_is_refused_with_those_that_would_do() -> None:
    with pytest.raises(ConfigError, match="expected a Box, Discrete, MultiDiscrete or Dict"):
        ActionLayout({"odd": Odd("odd", DictSpace({"x": MultiBinary(2)}))})
