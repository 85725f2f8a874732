"""Build a network by the name that configurations use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from heron.errors import ConfigError, nearest
from powergrid.networks.cigre import CIGRELV, CIGREMV
from powergrid.networks.ieee13 import IEEE13Bus
from powergrid.networks.ieee34 import IEEE34Bus
from powergrid.networks.ieee123 import IEEE123Bus

if TYPE_CHECKING:
    from pandapower import pandapowerNet

NETWORKS: dict[str, Callable[..., pandapowerNet]] = {
    "ieee13": IEEE13Bus,
    "ieee34": IEEE34Bus,
    "ieee123": IEEE123Bus,
    "cigre_lv": CIGRELV,
    "cigre_mv": CIGREMV,
}


def check_network(kind: str) -> None:
    """Raise ConfigError, naming the nearest, if there is no network of that kind."""
    if kind not in NETWORKS:
        raise ConfigError(nearest(kind, NETWORKS, kind="network"))


def is_shipped(kind: str) -> bool:
    """Return whether a kind is built by this package: users may add their own to `NETWORKS`."""
    return NETWORKS[kind].__module__.startswith("powergrid.networks.")


def make_network(kind: str, name: str = "", **options: Any) -> pandapowerNet:
    """Build the network of a kind ("ieee34") with a name ("DSO").

    Parameters
    ----------
    kind : str
        A key of `NETWORKS`.
    name : str
        Prefix of all names and zone of all buses.
    **options
        Keywords of the kind's builder, such as ``load_scale`` or ``regulators``.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    check_network(kind)
    return NETWORKS[kind](name, **options)
