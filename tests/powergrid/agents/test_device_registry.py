"""From a configuration entry to a device."""

from __future__ import annotations

from typing import Any

import pytest

from heron.errors import ConfigError
from powergrid.agents.registry import DEVICE_REGISTRY, build_device
from powergrid.agents.storage import ESS

PARAMETERS = {"bus": "Bus 634", "e_capacity_MWh": 3.0}


def test_parameters_may_be_wrapped_or_flat() -> None:
    flat = build_device({"type": "ESS", "name": "a", **PARAMETERS}, "MG1")
    wrapped = build_device({"type": "ESS", "name": "a", "device_state_config": PARAMETERS}, "MG1")
    assert isinstance(flat, ESS)
    assert isinstance(wrapped, ESS)
    assert flat.config == wrapped.config
    assert flat.bus_name == "Bus 634"


def test_the_kinds_of_the_documents_are_there() -> None:
    kinds = {"Generator", "ESS", "Transformer", "SolarPlant", "WindPlant", "WindTurbine", "Grid"}
    assert kinds <= set(DEVICE_REGISTRY)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"type": "Generater", "name": "g"}, "unknown device type 'Generater'; did you mean 'Gen"),
        ({"type": "ESS"}, "MG1: a device needs name"),
        ({"name": "g"}, "MG1: a device needs type"),
        ({"type": "ESS", "name": "s"}, "ESS 's': bus: Field required"),
        (
            {"type": "ESS", "name": "s", "bus": "B", "device_state_config": {"bus": "C"}},
            "device 's' is given bus twice",
        ),
    ],
)
def test_a_wrong_entry_is_named(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_device(entry, "MG1")
