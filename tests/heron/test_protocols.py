"""Protocols turn one action into many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from heron.core.action import Action
from heron.errors import ConfigError
from heron.protocols import (
    NoProtocol,
    PriceSignalProtocol,
    Protocol,
    SetpointProtocol,
    VerticalProtocol,
    get_protocol,
)


class Device:
    """Has a space, and answers a price with the price itself."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.space = space

    def get_action_space(self) -> spaces.Space[Any]:
        return self.space

    def respond_to_price(self, price: float) -> np.ndarray:
        return np.array([price])


@pytest.fixture
def devices() -> dict[str, Device]:
    mixed = spaces.Dict(c=spaces.Box(-1.0, 1.0, (1,)), d=spaces.MultiDiscrete([3]))
    return {
        "gen1": Device(spaces.Box(-1.0, 1.0, (2,))),
        "trafo1": Device(spaces.Discrete(5)),
        "gen2": Device(mixed),
    }


def test_setpoints_are_cut_in_the_order_of_the_devices(devices):
    parts = SetpointProtocol().coordinate(np.arange(5.0), devices)
    assert list(parts) == ["gen1", "trafo1", "gen2"]
    assert [part.tolist() for part in parts.values()] == [[0.0, 1.0], [2.0], [3.0, 4.0]]


def test_setpoints_may_come_as_a_list_or_an_action(devices):
    action = Action.from_vector([0.1, 0.2, 0.3, 0.4, 0.5], dim_c=5)
    as_action = SetpointProtocol().coordinate(action, devices)
    as_list = SetpointProtocol().coordinate([0.1, 0.2, 0.3, 0.4, 0.5], devices)
    for name in devices:
        assert as_action[name] == pytest.approx(as_list[name])


@pytest.mark.parametrize("n", [0, 4, 6])
def test_a_wrong_length_is_refused_with_the_dimension_of_each_device(devices, n):
    message = r"expected \(5,\) = \{gen1: 2, trafo1: 1, gen2: 2\}"
    with pytest.raises(ValueError, match=message):
        SetpointProtocol().coordinate(np.zeros(n), devices)


def test_an_action_by_device_is_passed_on(devices):
    given = {"gen1": np.array([1.0, 2.0])}
    assert SetpointProtocol().coordinate(given, devices) == given
    with pytest.raises(ConfigError, match="did you mean 'gen1'"):
        SetpointProtocol().coordinate({"gen_1": np.zeros(2)}, devices)


def test_slices_tell_the_part_of_each_device(devices):
    assert SetpointProtocol().slices(devices) == {
        "gen1": slice(0, 2),
        "trafo1": slice(2, 3),
        "gen2": slice(3, 5),
    }


@pytest.mark.parametrize("action", [42.0, np.array([42.0]), np.float32(42.0)])
def test_a_price_goes_to_every_device_and_is_remembered(devices, action):
    protocol = PriceSignalProtocol(initial_price=30.0)
    assert protocol.price == 30.0
    parts = protocol.coordinate(action, devices)
    assert [part.tolist() for part in parts.values()] == [[42.0]] * 3
    assert protocol.price == 42.0


def test_the_default_price_is_fifty():
    assert PriceSignalProtocol().price == 50.0


@pytest.mark.parametrize("action", [np.nan, np.array([1.0, 2.0])])
def test_a_price_that_is_not_one_finite_number_is_refused(devices, action):
    protocol = PriceSignalProtocol()
    with pytest.raises(ValueError, match="expected one finite number"):
        protocol.coordinate(action, devices)
    assert protocol.price == 50.0


def test_a_device_that_cannot_respond_to_a_price_is_named(devices):
    with pytest.raises(TypeError, match="deaf1 cannot respond to a price"):
        PriceSignalProtocol().coordinate(1.0, {**devices, "deaf1": object()})


def test_no_protocol_sends_nothing(devices):
    assert NoProtocol().coordinate(np.zeros(9), devices) == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("setpoint", SetpointProtocol), ("price_signal", PriceSignalProtocol), ("none", NoProtocol)],
)
def test_protocols_are_made_by_name(name, kind):
    assert type(get_protocol(name)) is kind


def test_arguments_go_to_the_protocol():
    assert get_protocol("price_signal", initial_price=10.0).price == 10.0


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'setpoint'"):
        get_protocol("set_point")


def test_a_users_protocol_needs_coordinate_alone():
    class Everyone(VerticalProtocol):
        def coordinate(self, action, devices):
            return dict.fromkeys(devices, action)

    assert isinstance(Everyone(), Protocol)
    assert Everyone().coordinate(1.0, {"a": None, "b": None}) == {"a": 1.0, "b": 1.0}
