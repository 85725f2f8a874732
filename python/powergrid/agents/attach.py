"""Placing an agent and its devices in a pandapower network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.errors import ConfigError, nearest
from powergrid.agents.placement import DevicePlace, DeviceRequest, Placement
from powergrid.networks.lookup import bus_index, zone_names
from powergrid.networks.merge import PCC_KEY
from powergrid.powerflow.meter import Meter
from powergrid.powerflow.zone import Zone

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["attach_device", "connection_of", "place_agent"]


def connection_of(net: pandapowerNet, zone: str) -> dict[str, int | None] | None:
    """Return how a merged microgrid is connected, None if it was not merged."""
    connection: dict[str, int | None] | None = net.get(PCC_KEY, {}).get(zone)
    return connection


def place_agent(net: pandapowerNet, zone: str, requests: Iterable[DeviceRequest]) -> Placement:
    """Add an agent's devices to `net` and find out where they and the agent stand.

    Parameters
    ----------
    net : pandapowerNet
        Changed in place.
    zone : str
        The agent's name. Its part are the buses of that zone, or all if no zone is called so.
    requests : iterable of DeviceRequest
        Its devices, in order.

    Raises
    ------
    ConfigError
        If a device cannot stand where it wants to, or there is more than one meter.
    """
    pcc = connection_of(net, zone)
    requests = list(requests)
    places = {request.name: attach_device(net, request, zone) for request in requests}
    own = Zone.of_buses(net, _find_buses(net, zone))
    meter: Meter | None = None
    meters = [request for request in requests if request.is_meter]
    if len(meters) > 1:
        raise ConfigError(f"{zone}: a grid has one connection, not {len(meters)}")
    for request in meters:
        wanted = None if request.bus is None else bus_index(net, request.bus, zone)
        buses = net.bus.index.to_numpy()[own.bus_rows].tolist()
        meter = Meter.at_connection(net, pcc, wanted, zone, buses)
        places[request.name] = DevicePlace(bus_idx=meter.bus, s_rated_mva=meter.s_rated_mva)
    return Placement(pcc, own, meter, places)


def attach_device(net: pandapowerNet, request: DeviceRequest, zone: str) -> DevicePlace:
    """Add a device of the grid `zone` to `net` as the element of its kind.

    A kind without a pandapower element of its own becomes a static generator at its bus; a tap
    changer takes over an existing transformer; a meter adds nothing.

    Raises
    ------
    ConfigError
        If the device names no bus, or one that the network does not have.
    """
    import pandapower as pp  # takes seconds, and only networks that are built need it

    if request.transformer is not None:
        return _take_transformer(net, request, zone)
    if request.bus is None:
        if request.element == "":
            return DevicePlace()  # a meter without a bus is placed by whoever knows the connection
        raise ConfigError(f"{zone}: device '{request.name}' names no bus")
    try:
        bus = bus_index(net, request.bus, zone)
    except ConfigError as error:
        raise ConfigError(f"{error} (wanted by device '{request.name}' of {zone})") from None
    _require_own(net, bus, request, zone)
    element: dict[str, Any] = {
        "bus": bus, "p_mw": 0.0, "q_mvar": 0.0, "name": f"{zone} {request.name}",
    }  # fmt: skip
    if request.e_capacity_mwh is not None:
        soc_percent = None if request.soc is None else 100.0 * request.soc
        index = pp.create_storage(
            net, max_e_mwh=request.e_capacity_mwh, soc_percent=soc_percent, **element
        )
    elif request.element == "sgen":
        index = pp.create_sgen(net, **element)
    else:
        return DevicePlace(bus_idx=bus)
    return DevicePlace(int(index), bus)


def _take_transformer(net: pandapowerNet, request: DeviceRequest, zone: str) -> DevicePlace:
    assert request.transformer is not None
    index = _trafo_index(net, request.transformer, zone)
    row = net.trafo.loc[index]
    bus = int(row["lv_bus"])
    _require_own(net, bus, request, zone)
    taps = row[["tap_pos", "tap_min", "tap_max"]]
    if taps.isna().any():
        with_taps = net.trafo["name"][net.trafo["tap_max"].notna()].tolist()
        raise ConfigError(
            f"{zone}: {row['name']}, which device '{request.name}' is to move, has no tap "
            f"changer; transformers that have one: {', '.join(with_taps)}"
        )
    position, lowest, highest = (float(tap) for tap in taps)
    return DevicePlace(index, bus, taps=(position, lowest, highest))


def _trafo_index(net: pandapowerNet, name: str, zone: str) -> int:
    """Return the index of a transformer by its exact name, with or without the zone's prefix."""
    names = {
        str(row.name_): int(i) for i, row in net.trafo.rename(columns={"name": "name_"}).iterrows()
    }
    for candidate in (f"{zone} {name}", name):
        if candidate in names:
            return names[candidate]
    own = [known.removeprefix(f"{zone} ") for known in names if known.startswith(f"{zone} ")]
    raise ConfigError(f"{zone}: {nearest(name, own or names, kind='transformer')}")


def _find_buses(net: pandapowerNet, zone: str) -> np.ndarray:
    own = net.bus.index[net.bus["zone"] == zone]
    if len(own) == 0 and PCC_KEY in net:  # merged: whose part it is must be said exactly
        raise ConfigError(f"network of agents: {nearest(zone, zone_names(net), kind='zone')}")
    return np.asarray(own if len(own) else net.bus.index)


def _require_own(net: pandapowerNet, bus: int, request: DeviceRequest, zone: str) -> None:
    """Refuse a place in a network that is divided into zones, if it is not the agent's own."""
    if (net.bus["zone"] == zone).any() and net.bus.at[bus, "zone"] != zone:
        raise ConfigError(
            f"{zone}: device '{request.name}' would stand at {net.bus.at[bus, 'name']}, which "
            f"belongs to {net.bus.at[bus, 'zone']}"
        )
