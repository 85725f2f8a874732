"""Protocols by the names that configurations use."""

from __future__ import annotations

from typing import Any

from heron.errors import ConfigError, nearest
from heron.protocols.base import NoProtocol, Protocol
from heron.protocols.horizontal import ConsensusProtocol, PeerToPeerTradingProtocol
from heron.protocols.vertical import PriceSignalProtocol, SetpointProtocol

__all__ = ["PROTOCOLS", "get_protocol"]

PROTOCOLS: dict[str, type[Protocol]] = {
    "setpoint": SetpointProtocol,
    "price_signal": PriceSignalProtocol,
    "p2p": PeerToPeerTradingProtocol,
    "consensus": ConsensusProtocol,
    "none": NoProtocol,
}


def get_protocol(name: str, **kwargs: Any) -> Protocol:
    """Make the protocol of that name; `kwargs` go to its constructor.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in PROTOCOLS:
        raise ConfigError(nearest(name, PROTOCOLS, kind="protocol"))
    return PROTOCOLS[name](**kwargs)
