"""Where an agent and its devices stand in a network, in plain values.

With it an agent needs no network: it can be made, and run on a compiled one, without pandapower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.powerflow.meter import Meter
from powergrid.powerflow.zone import Zone

__all__ = ["DevicePlace", "DeviceRequest", "Placement", "request_of"]


@dataclass(frozen=True)
class DeviceRequest:
    """All that a device's place in a network, and its element there, depend on."""

    name: str
    element: str  # pandapower table; see `DeviceAgent.element`
    bus: str | None = None
    transformer: str | None = None  # whose taps it moves
    is_meter: bool = False
    e_capacity_mwh: float | None = None  # of a storage
    soc: float | None = None


@dataclass(frozen=True)
class DevicePlace:
    """A device's element and bus by number, -1 for none, and what the network says of it."""

    pp_idx: int = -1
    bus_idx: int = -1
    taps: tuple[float, float, float] | None = None  # position, lowest, highest
    s_rated_mva: float | None = None  # of a metered connection


@dataclass(frozen=True)
class Placement:
    """An agent's part of a network.

    Attributes
    ----------
    pcc : mapping or None
        How a merged microgrid is connected; see `powergrid.networks.merge.merge_microgrid`.
    zone : Zone
        Its buses, lines and loads.
    meter : Meter or None
        Where its exchange with the utility is read.
    devices : mapping of str to DevicePlace
        Its devices, by name.
    """

    pcc: Mapping[str, int | None] | None
    zone: Zone
    meter: Meter | None
    devices: Mapping[str, DevicePlace]


def request_of(device: DeviceAgent, owner: str) -> DeviceRequest:
    """Return what a device wants of a network.

    Raises
    ------
    ConfigError
        If the device is to inject but has no feature that says what; `owner` is its grid's name.
    """
    if device.element and "electrical" not in device.state.features:
        raise ConfigError(
            f"{owner}: device '{device.agent_id}' has no feature 'electrical', so nothing says "
            f"what it injects: call state.add_feature('electrical', ElectricalBasePh()) when it is "
            f"made"
        )
    name, bus = device.agent_id, device.bus_name
    request = DeviceRequest(name, device.element, None if bus is None else str(bus))
    if isinstance(device, Transformer):
        return replace(request, transformer=str(device.config.transformer))
    if isinstance(device, ESS):
        capacity, soc = device.config.e_capacity_MWh, device.config.init_soc
        return replace(request, e_capacity_mwh=float(capacity), soc=float(soc))
    return replace(request, is_meter=isinstance(device, Grid))
