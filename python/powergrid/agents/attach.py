"""Putting devices into a pandapower network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heron.errors import ConfigError, nearest
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.networks.lookup import bus_index

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["attach_device", "trafo_index"]


def trafo_index(net: pandapowerNet, name: str, zone: str) -> int:
    """Return the index of a transformer by its exact name, with or without the zone's prefix.

    Raises
    ------
    ConfigError
        If there is none of this name; the message lists those there are.
    """
    names = {
        str(row.name_): int(i) for i, row in net.trafo.rename(columns={"name": "name_"}).iterrows()
    }
    for candidate in (f"{zone} {name}", name):
        if candidate in names:
            return names[candidate]
    own = [known.removeprefix(f"{zone} ") for known in names if known.startswith(f"{zone} ")]
    raise ConfigError(f"{zone}: {nearest(name, own or names, kind='transformer')}")


def attach_device(net: pandapowerNet, device: DeviceAgent, zone: str) -> None:
    """Add a device to `net` as the element of its kind, and tell it its row and bus.

    A kind without a pandapower element of its own becomes a static generator at its bus; a tap
    changer takes over an existing transformer; a meter adds nothing.

    Raises
    ------
    ConfigError
        If the device names no bus, or one that the network does not have.
    """
    import pandapower as pp

    label = f"{zone} {device.agent_id}"
    if device.element and "electrical" not in device.state.features:
        raise ConfigError(
            f"{zone}: device '{device.agent_id}' has no feature 'electrical', so nothing says what "
            f"it injects: call state.add_feature('electrical', ElectricalBasePh()) when it is made"
        )
    if isinstance(device, Transformer):
        index = trafo_index(net, device.config.transformer, zone)
        row = net.trafo.loc[index]
        _require_own(net, int(row["lv_bus"]), device, zone)
        if row[["tap_pos", "tap_min", "tap_max"]].isna().any():
            with_taps = net.trafo["name"][net.trafo["tap_max"].notna()].tolist()
            raise ConfigError(
                f"{zone}: {row['name']}, which device '{device.agent_id}' is to move, has no tap "
                f"changer; transformers that have one: {', '.join(with_taps)}"
            )
        device.pp_idx = index
        device.bus_idx = int(row["lv_bus"])
        device.set_range(float(row["tap_pos"]), float(row["tap_min"]), float(row["tap_max"]))
        return
    if device.bus_name is None:
        if device.element == "":
            return  # a meter without a bus is placed by whoever knows the connection
        raise ConfigError(f"{zone}: device '{device.agent_id}' names no bus")
    try:
        device.bus_idx = bus_index(net, str(device.bus_name), zone)
    except ConfigError as error:
        raise ConfigError(f"{error} (wanted by device '{device.agent_id}' of {zone})") from None
    _require_own(net, device.bus_idx, device, zone)
    if isinstance(device, ESS):
        device.pp_idx = int(
            pp.create_storage(
                net,
                bus=device.bus_idx,
                p_mw=0.0,
                q_mvar=0.0,
                max_e_mwh=device.config.e_capacity_MWh,
                soc_percent=100.0 * device.config.init_soc,
                name=label,
            )
        )
    elif device.element == "sgen":
        device.pp_idx = int(
            pp.create_sgen(net, bus=device.bus_idx, p_mw=0.0, q_mvar=0.0, name=label)
        )


def _require_own(net: pandapowerNet, bus: int, device: DeviceAgent, zone: str) -> None:
    """Refuse a place in a network that is divided into zones, if it is not the agent's own."""
    if (net.bus["zone"] == zone).any() and net.bus.at[bus, "zone"] != zone:
        raise ConfigError(
            f"{zone}: device '{device.agent_id}' would stand at {net.bus.at[bus, 'name']}, which "
            f"belongs to {net.bus.at[bus, 'zone']}"
        )
