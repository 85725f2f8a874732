"""Which offers are in the market: those whose message arrived in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heron.messaging.courier import Travelling

__all__ = ["MarketGate"]


class MarketGate:
    """Notes offers as they arrive; those for an interval are in when it begins.

    An offer counts for one interval, so who falls silent is out of the market with the next.

    Parameters
    ----------
    address
        Of the market's operator.
    deliver
        What hands messages over, a handler of MESSAGE_DELIVERY.
    """

    def __init__(self, address: str, deliver: Callable[[Any, Any], object]) -> None:
        self._address, self._deliver = address, deliver
        self._arrived: list[tuple[float, str]] = []

    def handle(self, event: Any, scheduler: Any) -> None:
        """Hand a message over, and note who sent it if it is an offer."""
        self._deliver(event, scheduler)
        payload = event.payload
        travelling = payload.get("message") if isinstance(payload, dict) else None
        if isinstance(travelling, Travelling) and travelling.message.recipient_id == self._address:
            self._arrived.append((event.timestamp, travelling.message.sender_id))

    def close(self, start_s: float) -> set[str]:
        """Return whose offers arrived by the start of an interval, and after that of the last."""
        in_time = {sender for time_s, sender in self._arrived if time_s <= start_s}
        self._arrived = [offer for offer in self._arrived if offer[0] > start_s]
        return in_time
