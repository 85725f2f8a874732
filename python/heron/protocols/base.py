"""What every protocol does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

__all__ = ["NoProtocol", "Protocol"]


class Protocol(ABC):
    """Turn a coordinator's action into one action per subordinate.

    To write one, subclass it and implement `coordinate`.
    """

    @abstractmethod
    def coordinate(self, action: Any, devices: Mapping[str, Any]) -> dict[str, Any]:
        """Return the action of each subordinate.

        Parameters
        ----------
        action
            What the coordinator decided.
        devices
            The subordinates by id, in their order.

        Returns
        -------
        dict
            {subordinate id: action}; a subordinate left out decides for itself.
        """


class NoProtocol(Protocol):
    """Send nothing down: every subordinate decides for itself."""

    def coordinate(self, action: Any, devices: Mapping[str, Any]) -> dict[str, Any]:
        """Return no actions."""
        return {}
