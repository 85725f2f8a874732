"""Device kinds by the name that a configuration uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heron.errors import ConfigError, nearest
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.grid import Grid
from powergrid.agents.renewable import RenewableGenerator, SolarPlant, WindPlant
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.agents.wind_turbine import WindTurbine

__all__ = ["DEVICE_REGISTRY", "build_device"]

# Users add their own kinds: DEVICE_REGISTRY["FuelCell"] = FuelCell.
DEVICE_REGISTRY: dict[str, type[DeviceAgent]] = {
    "Generator": Generator,
    "ESS": ESS,
    "Transformer": Transformer,
    "RenewableGenerator": RenewableGenerator,
    "SolarPlant": SolarPlant,
    "WindPlant": WindPlant,
    "WindTurbine": WindTurbine,
    "Grid": Grid,
}


def build_device(entry: Mapping[str, Any], owner: str) -> DeviceAgent:
    """Build a device from a configuration entry.

    Parameters
    ----------
    entry : mapping
        ``type``, ``name``, and the kind's parameters, either beside them or under
        ``device_state_config``.
    owner : str
        Name of the grid, for messages.

    Raises
    ------
    ConfigError
        If type or name is missing or the type is unknown; what the kind itself refuses, it names.
    """
    missing = [key for key in ("type", "name") if key not in entry]
    if missing:
        raise ConfigError(f"{owner}: a device needs {' and '.join(missing)}, got {dict(entry)}")
    kind, name = str(entry["type"]), str(entry["name"])
    if kind not in DEVICE_REGISTRY:
        raise ConfigError(
            f"{owner}: device '{name}': {nearest(kind, DEVICE_REGISTRY, kind='device type')}"
        )
    parameters = {k: v for k, v in entry.items() if k not in ("type", "name")}
    wrapped = parameters.pop("device_state_config", None) or {}
    twice = sorted(set(wrapped) & set(parameters))
    if twice:
        raise ConfigError(f"{owner}: device '{name}' is given {', '.join(twice)} twice")
    try:
        device = DEVICE_REGISTRY[kind](agent_id=name, device_state_config={**wrapped, **parameters})
    except TypeError as error:  # how a plain dataclass refuses a parameter
        raise ConfigError(f"{owner}: device '{name}' of type {kind}: {error}") from error
    device.kind = kind
    return device
