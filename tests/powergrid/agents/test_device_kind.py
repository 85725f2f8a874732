"""Kernels serve a device as long as its class's hooks are those they are the twin of."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_kind import kernel_parameters_of, kernels_of
from powergrid.agents.generator import Generator
from powergrid.agents.grid import Grid
from powergrid.agents.renewable import SolarPlant, WindPlant
from powergrid.agents.storage import ESS
from powergrid.agents.wind_turbine import WindTurbine
from powergrid.kernels import renewable as renewable_kernels
from powergrid.kernels import storage as storage_kernels
from powergrid.kernels.device_kernels import DeviceKernels

CONFIG = {"bus": "Bus 1"}


def battery(kind: type[ESS] = ESS) -> ESS:
    return kind("ess1", device_state_config=CONFIG)


def test_a_built_in_device_has_the_kernels_that_its_class_names() -> None:
    assert kernels_of(battery()) is storage_kernels.KERNELS


@pytest.mark.parametrize("kind", [SolarPlant, WindPlant])
def test_a_subclass_that_changes_no_hook_keeps_them(kind: type[SolarPlant]) -> None:
    assert kernels_of(kind("pv", device_state_config=CONFIG)) is renewable_kernels.KERNELS


def test_a_device_of_plain_hooks_has_none() -> None:
    assert kernels_of(WindTurbine("wt", device_state_config=CONFIG)) is None
    assert kernels_of(DeviceAgent("any")) is None


@pytest.mark.parametrize(
    "hook",
    [
        "set_device_action",
        "update_state",
        "update_cost_safety",
        "reset_device",
        "reset",
        "cost_by_cause",
        "power_limits",  # which set_device_action calls
    ],
)
def test_an_overridden_hook_leaves_the_kernels(hook: str) -> None:
    original = getattr(ESS, hook)

    class Own(ESS):
        pass

    class Below(Own):
        pass

    setattr(Own, hook, lambda self, *args, **kwargs: original(self, *args, **kwargs))
    assert kernels_of(battery(Own)) is None
    assert kernels_of(battery(Below)) is None


def test_a_hook_from_a_mixin_leaves_the_kernels() -> None:
    class Loud:
        def update_state(self, *args: Any, **kwargs: Any) -> None:
            super().update_state(*args, **kwargs)

    class Own(Loud, ESS):
        pass

    assert kernels_of(battery(Own)) is None


def test_a_property_that_hooks_read_leaves_the_kernels() -> None:
    class Shaded(SolarPlant):
        @property
        def available_power(self) -> float:
            return 0.5 * super().available_power

    assert kernels_of(Shaded("pv", device_state_config=CONFIG)) is None


@pytest.mark.parametrize("hook", ["set_device_action", "update_state", "power_limits"])
def test_a_method_replaced_on_the_device_leaves_the_kernels(hook: str) -> None:
    device = battery()
    setattr(device, hook, lambda *args, **kwargs: None)
    assert kernels_of(device) is None
    assert kernels_of(battery()) is storage_kernels.KERNELS


def test_new_methods_and_what_is_shown_make_no_difference() -> None:
    class Own(ESS):
        observed: ClassVar = (("storage", "soc"),)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.note = "new"

        def idle_action(self) -> np.ndarray:
            return np.zeros(1)

        def is_full(self) -> bool:
            return bool(self.state.storage.soc >= 0.9)

    assert kernels_of(battery(Own)) is storage_kernels.KERNELS


def test_a_class_can_bring_kernels_for_its_own_hooks_or_give_them_up() -> None:
    own = DeviceKernels(fields=("electrical.p_MW",))

    class Own(ESS):
        kernels: ClassVar = own

        def update_state(self, net_results: Any = None, dt: float = 1.0) -> None:
            """Lose nothing."""

    class Plain(ESS):
        kernels: ClassVar = None

    assert kernels_of(battery(Own)) is own
    assert kernels_of(battery(Plain)) is None


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("powergrid.kernels.storage", "expected 'package.module:NAME'"),
        ("powergrid.kernels.nowhere:KERNELS", "No module named"),
        ("powergrid.kernels.storage:NOTHING", "NOTHING"),
        ("powergrid.kernels.storage:FIELDS", "expected DeviceKernels"),
        (42, "kernels is 42, expected DeviceKernels"),
    ],
)
def test_kernels_that_are_none_are_refused(declared: Any, message: str) -> None:
    class Own(ESS):
        kernels: ClassVar = declared

    with pytest.raises(ConfigError, match=r"Own\.kernels is .*") as error:
        kernels_of(battery(Own))
    assert message in str(error.value)


def test_parameters_come_in_the_order_of_the_declaration() -> None:
    device = ESS("ess1", device_state_config={**CONFIG, "p_max_MW": 3.0, "q_max_MVAr": 1.0})
    values = kernel_parameters_of(device, storage_kernels.KERNELS)
    named = dict(zip(storage_kernels.KERNELS.parameters, values.tolist(), strict=True))
    assert (named["p_max_MW"], named["p_min_MW"], named["q_min_MVAr"]) == (3.0, -3.0, -1.0)
    assert named["s_rated_MVA"] == math.inf
    assert named["has_reactive_power"] == 1.0


def test_a_cost_curve_follows_the_parameters() -> None:
    curve = [0.0, 0.0, 1.0, 20.0, 2.0, 50.0]
    device = Generator("gen", device_state_config={**CONFIG, "cost_curve_coefs": curve})
    kernels = kernels_of(device)
    assert kernels is not None
    assert kernel_parameters_of(device, kernels)[len(kernels.parameters) :].tolist() == curve


def test_a_connection_takes_the_rating_that_it_was_told_later() -> None:
    device = Grid("pcc")
    kernels = kernels_of(device)
    assert kernels is not None
    assert kernel_parameters_of(device, kernels)[2] == math.inf
    device.s_rated_mva = 0.5
    assert kernel_parameters_of(device, kernels)[2] == 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0], "gives 1 values, expected 2: a, b"),
        ([1.0, 2.0, 3.0], "gives 3 values, expected 2: a, b"),
        ([1.0, math.nan], "parameter b is NaN"),
    ],
)
def test_wrong_parameters_name_the_device(values: list[float], message: str) -> None:
    class Own(DeviceAgent):
        def kernel_parameters(self) -> list[float]:
            return values

    kernels = DeviceKernels(fields=("electrical.p_MW",), parameters=("a", "b"))
    with pytest.raises(ConfigError, match=f"device 'own1' of type Own: .*{message}"):
        kernel_parameters_of(Own("own1"), kernels)
