"""Protocols in which a coordinator directs its subordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from heron.core.action import Action, action_dim
from heron.errors import ConfigError, nearest
from heron.protocols.base import Protocol

__all__ = ["PriceSignalProtocol", "SetpointProtocol", "VerticalProtocol"]


class VerticalProtocol(Protocol):
    """Base of the protocols from a coordinator down to its own subordinates."""


class SetpointProtocol(VerticalProtocol):
    """Give every subordinate its own part of the coordinator's flat action.

    The parts lie one behind the other in the subordinates' order; each is as long as the
    subordinate's action space (`heron.core.action.action_dim`).
    """

    def slices(self, devices: Mapping[str, Any]) -> dict[str, slice]:
        """Return the part of the flat action that belongs to each subordinate."""
        parts: dict[str, slice] = {}
        start = 0
        for device_id, device in devices.items():
            stop = start + action_dim(device.get_action_space())
            parts[device_id] = slice(start, stop)
            start = stop
        return parts

    def coordinate(self, action: Any, devices: Mapping[str, Any]) -> dict[str, Any]:
        """Split a flat action, or pass on one that is already {subordinate id: action}.

        Raises
        ------
        ValueError
            If the action's length is not the sum of the subordinates' dimensions.
        """
        if isinstance(action, Mapping):
            for device_id in action:
                if device_id not in devices:
                    raise ConfigError(nearest(device_id, devices, kind="subordinate"))
            return dict(action)
        flat = np.atleast_1d(action.vector() if isinstance(action, Action) else action)
        parts = self.slices(devices)
        n_expected = sum(part.stop - part.start for part in parts.values())
        if flat.shape != (n_expected,):
            each = ", ".join(f"{i}: {part.stop - part.start}" for i, part in parts.items())
            raise ValueError(
                f"the action has shape {flat.shape}, expected ({n_expected},) = {{{each}}}"
            )
        return {device_id: flat[part] for device_id, part in parts.items()}


class PriceSignalProtocol(VerticalProtocol):
    """Send one price to all subordinates, which answer with their actions.

    Parameters
    ----------
    initial_price
        Price before the first action, in $/MWh.

    Attributes
    ----------
    price
        The price sent last.
    """

    def __init__(self, initial_price: float = 50.0) -> None:
        self.price = float(initial_price)

    def coordinate(self, action: Any, devices: Mapping[str, Any]) -> dict[str, Any]:
        """Return each subordinate's ``respond_to_price(price)``.

        Parameters
        ----------
        action
            The price: a number or an array of one.
        devices
            The subordinates by id.

        Raises
        ------
        ValueError
            If the action is not one finite number.
        TypeError
            If a subordinate cannot respond to a price.
        """
        flat = np.atleast_1d(action.vector() if isinstance(action, Action) else action)
        if flat.shape != (1,) or not math.isfinite(flat[0]):
            raise ValueError(f"the price is {action!r}; expected one finite number")
        price = float(flat[0])
        deaf = [i for i, d in devices.items() if not hasattr(d, "respond_to_price")]
        if deaf:
            raise TypeError(
                f"{', '.join(deaf)} cannot respond to a price; "
                "give the class a method respond_to_price(price) that returns an action"
            )
        self.price = price
        return {device_id: device.respond_to_price(price) for device_id, device in devices.items()}
