"""Find buses by exact name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from heron.errors import ConfigError

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def bus_index(net: pandapowerNet, bus: str, zone: str | None = None) -> int:
    """Return the index of a bus given by its exact name.

    The full name ("MG1 Bus 633") always works. The name without the prefix ("Bus 633") works
    within `zone`; without a zone it works if it fits one bus only. A partial name never
    matches, so "MG1" cannot be taken for "MG10".

    Parameters
    ----------
    net : pandapowerNet
        Network whose ``net.bus`` is searched.
    bus : str
        Name of the bus.
    zone : str, optional
        Zone in which a name without prefix is looked up first: the name of one feeder or
        microgrid in a merged network.

    Returns
    -------
    int
        Index into ``net.bus``.

    Raises
    ------
    ValueError
        If no bus has this name (the message lists those that exist and the nearest one), or
        if more than one has.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> net = IEEE13Bus("MG1")
    >>> bus_index(net, "MG1 Bus 650") == bus_index(net, "Bus 650", zone="MG1") == 0
    True
    """
    rows = [
        (int(index), str(name), "" if bus_zone is None else str(bus_zone))
        for index, name, bus_zone in zip(
            net.bus.index, net.bus["name"], net.bus["zone"], strict=True
        )
    ]
    if zone:
        in_zone = [i for i, name, z in rows if z == zone and name in (bus, f"{zone} {bus}")]
        matches = in_zone or [i for i, name, _ in rows if name in (bus, f"{zone} {bus}")]
    else:
        exact = [i for i, name, _ in rows if name == bus]
        matches = exact or [i for i, name, z in rows if z and name == f"{z} {bus}"]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(repr(name) for i, name, _ in rows if i in matches)
        raise ConfigError(
            f"Bus '{bus}' fits {len(matches)} buses ({names}); give the full name or a zone"
        )
    raise ConfigError(_not_found(bus, zone, rows))


def zone_names(net: pandapowerNet) -> list[str]:
    """Return the names of the zones of a network, in order of first appearance."""
    zones = (str(zone) for zone in net.bus["zone"] if isinstance(zone, str) and zone)
    return list(dict.fromkeys(zones))


def _not_found(bus: str, zone: str | None, rows: list[tuple[int, str, str]]) -> str:
    """Compose the message for an unknown bus: its zone's buses, or all without a zone."""
    own = [row for row in rows if zone and row[2] == zone] or rows
    names = [name for _, name, _ in own]
    # Offer names in the form in which the caller writes them: with the prefix or without.
    if zone and not bus.startswith(f"{zone} "):
        names = [name.removeprefix(f"{zone} ") for name in names]
    close = difflib.get_close_matches(bus, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    where = f" (zone '{zone}')" if zone and own is not rows else ""
    return f"Bus '{bus}' not found in network{where}{hint} Buses: {', '.join(names)}"
