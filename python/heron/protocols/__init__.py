"""How a coordinator turns its action into actions of its subordinates."""

from __future__ import annotations

from heron.protocols.base import NoProtocol, Protocol
from heron.protocols.horizontal import (
    ConsensusProtocol,
    HorizontalProtocol,
    PeerToPeerTradingProtocol,
)
from heron.protocols.registry import get_protocol
from heron.protocols.vertical import PriceSignalProtocol, SetpointProtocol, VerticalProtocol

__all__ = [
    "ConsensusProtocol",
    "HorizontalProtocol",
    "NoProtocol",
    "PeerToPeerTradingProtocol",
    "PriceSignalProtocol",
    "Protocol",
    "SetpointProtocol",
    "VerticalProtocol",
    "get_protocol",
]
