"""Which profile a renewable device follows, and how large it is, whoever wrote it."""

from __future__ import annotations

import math

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent

__all__ = ["profile_of", "rated_power"]


def profile_of(device: DeviceAgent) -> str:
    """Return the profile of a renewable: what it says, else "solar" or "wind" by its name."""
    source = getattr(device, "source", None)
    if source is not None:
        return str(source)
    kind = f"{device.kind} {type(device).__name__}".lower()
    return "solar" if "solar" in kind or "pv" in kind else "wind"


def rated_power(device: DeviceAgent) -> float:
    """Return the rated power [MW] of a renewable from its configuration."""
    config = getattr(device, "config", None)
    for name in ("p_rated_MW", "p_max_MW"):
        value = getattr(config, name, None)
        if value is None and name in device._config:
            value = device._config[name]
        if value is None:
            continue
        if not (math.isfinite(value) and value > 0.0):
            raise ConfigError(
                f"device '{device.agent_id}': {name} is {value}, expected a positive number of MW"
            )
        return float(value)
    raise ConfigError(
        f"device '{device.agent_id}' has available_power, so its configuration needs p_rated_MW"
    )
