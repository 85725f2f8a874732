"""A wrong declaration is refused, in words that say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.kernels.device_kernels import DeviceKernels, does_nothing

FIELDS = ("electrical.p_MW",)
KINDS = ("generator", "storage", "transformer", "renewable", "grid")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"fields": ("p_MW",)}, "fields: 'p_MW', expected feature.field"),
        ({"fields": ("owner:market.price",)}, "fields: 'owner:market.price'"),
        ({"fields": ("a.b", "a.b")}, "fields names a.b twice"),
        ({"fields": ["a.b"]}, "fields is ['a.b'], expected a tuple"),
        ({"fields": "a.b"}, "fields is 'a.b', expected a tuple"),
        ({"parameters": ("s", "s")}, "parameters names s twice"),
        ({"parameters": ("",)}, "expected a tuple of names"),
        ({"parameters": ("s",), "tail": "s"}, "tail: 's' is one of parameters"),
        ({"structural": ("s",)}, "structural: s unknown"),
        ({"memory": ("runs", "runs")}, "memory names runs twice"),
        ({"measures": ("vm",)}, "measures: vm unknown; there are vm_pu, va_degree, p_mw"),
        ({"cost_parts": ("fuel", "fuel")}, "cost_parts names fuel twice"),
    ],
)
def test_wrong_names_are_refused(wrong: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        DeviceKernels(**{"fields": FIELDS, **wrong})


@pytest.mark.parametrize("name", ["start", "set_point", "advance", "cost_safety"])
def test_a_kernel_of_other_arguments_is_refused(name: str) -> None:
    def wrong(x: Any, slot: Any) -> None:
        """Take too few."""

    with pytest.raises(TypeError, match=rf"{name} takes .*expected \(x, slot, p, m, .*in this"):
        DeviceKernels(fields=FIELDS, **{name: wrong})
    with pytest.raises(TypeError, match=f"{name} is None, expected a function of x, slot, p, m"):
        DeviceKernels(fields=FIELDS, **{name: None})


def test_compiled_kernels_are_checked_by_the_function_they_are_made_from() -> None:
    known = import_module("powergrid.kernels.storage")
    with pytest.raises(TypeError, match=r"start takes .*action"):
        DeviceKernels(fields=FIELDS, start=known.set_point)
    assert DeviceKernels(fields=FIELDS, set_point=known.set_point).advance is does_nothing


def test_elements_of_arrays_and_fields_of_the_coordinator_can_be_named() -> None:
    DeviceKernels(fields=("profile.power[3]", "coordinator:market.price", "maps.of[1,2]"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_built_in_kind_declares_as_many_parameters_as_its_devices_give(kind: str) -> None:
    module = import_module(f"powergrid.kernels.{kind}")
    kernels = module.KERNELS
    assert isinstance(kernels, DeviceKernels)
    device_classes = [
        c for c in DEVICE_REGISTRY.values() if c.kernels == f"{module.__name__}:KERNELS"
    ]
    assert device_classes
    required = {"bus": "Bus 1"} if kind != "transformer" else {"transformer": "REG1"}
    for device_class in device_classes:
        device = device_class(agent_id="unit", device_state_config=required)
        n = len(device.kernel_parameters())
        assert n == len(kernels.parameters) + (3 if kernels.tail else 0)
        config = set(type(device.config).model_fields) | {"has_reactive_power", "n_coef"}
        assert set(kernels.parameters) <= config
