"""From one flat action in [-1, 1] to every device's own units, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from gymnasium.spaces import Dict as DictSpace

from heron.errors import ConfigError

__all__ = [
    "ActionDim",
    "ActionLayout",
    "ActionPart",
    "device_action_dims",
    "kind_slots",
    "union_of_dims",
]


@dataclass(frozen=True)
class ActionDim:
    """One entry of a device's action: a range, or a choice among `n_option` values."""

    name: str
    low: float
    high: float
    n_option: int  # 0 for a continuous entry


class ActionPart(Protocol):
    """Whose action is a part of an agent's: a device, or what stands in place of all."""

    agent_id: str
    kind: str

    def get_action_space(self) -> Space[Any]:
        """Return what the action may be; see `device_action_dims`."""

    def action_names(self) -> list[str]:
        """Return a name for each entry."""

    def idle_action(self) -> np.ndarray:
        """Return the action of doing nothing."""


def device_action_dims(device: ActionPart) -> list[ActionDim]:
    """Return the entries of a device's action, continuous ones first.

    Raises
    ------
    ConfigError
        If the space is none of Box, Discrete, MultiDiscrete and Dict(c=Box, d=MultiDiscrete), or a
        Box has no finite bounds.
    """
    space = device.get_action_space()
    parts: list[Space[Any]]
    if isinstance(space, DictSpace) and set(space.spaces) <= {"c", "d"}:
        parts = [space.spaces[key] for key in ("c", "d") if key in space.spaces]
    else:
        parts = [space]
    names = iter(device.action_names())
    return [dim for part in parts for dim in _space_dims(part, names, device.agent_id)]


def _space_dims(space: Space[Any], names: Iterator[str], device_id: str) -> list[ActionDim]:
    if isinstance(space, Box):
        low, high = space.low.ravel(), space.high.ravel()
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ConfigError(f"device '{device_id}': its action Box needs finite bounds")
        return [
            ActionDim(next(names), float(a), float(b), 0) for a, b in zip(low, high, strict=True)
        ]
    if isinstance(space, Discrete):
        n, start = int(space.n), float(space.start)
        return [ActionDim(next(names), start, start + n - 1.0, n)]
    if isinstance(space, MultiDiscrete):
        starts = [float(s) for s in np.asarray(space.start).ravel()]
        counts = [int(n) for n in np.asarray(space.nvec).ravel()]
        return [
            ActionDim(next(names), s, s + n - 1.0, n) for s, n in zip(starts, counts, strict=True)
        ]
    raise ConfigError(
        f"device '{device_id}': get_action_space() returned {space}; expected a Box, Discrete, "
        f"MultiDiscrete or Dict(c=Box, d=MultiDiscrete)"
    )


def kind_slots(devices: Mapping[str, ActionPart]) -> dict[str, str]:
    """Name each device by kind and rank within its kind: the second battery is "ESS1"."""
    count: dict[str, int] = {}
    slots = {}
    for device_id, device in devices.items():
        rank = count.get(device.kind, 0)
        count[device.kind] = rank + 1
        slots[device_id] = f"{device.kind}{rank}"
    return slots


class ActionLayout:
    """Where each entry of each device's action sits in an agent's flat action.

    Parameters
    ----------
    devices : mapping of str to ActionPart
        In configuration order.
    union : sequence of (str, ActionDim), optional
        The entries that all agents of an environment share, by slot name ("ESS0.p"); those that
        this agent lacks are ignored. Without it the layout is the agent's own.

    Attributes
    ----------
    names : list[str]
        One name for each entry of the flat action.
    size : int
        Length of the flat action.
    """

    def __init__(
        self,
        devices: Mapping[str, ActionPart],
        union: Sequence[tuple[str, ActionDim]] | None = None,
    ) -> None:
        dims = {device_id: device_action_dims(device) for device_id, device in devices.items()}
        own = [dim for device_dims in dims.values() for dim in device_dims]
        if union is None:
            self.dims = own
            self.names = [
                f"{d}.{dim.name}" for d, device_dims in dims.items() for dim in device_dims
            ]
            self._index = np.arange(len(own))
        else:
            slots = kind_slots(devices)
            row_of = {name: row for row, (name, _) in enumerate(union)}
            self.dims = [dim for _, dim in union]
            self.names = [name for name, _ in union]
            self._index = np.array(
                [row_of[f"{slots[d]}.{dim.name}"] for d, dd in dims.items() for dim in dd],
                dtype=np.intp,
            )
        self.size = len(self.dims)
        self._entries = [
            (device_id, k, dim)
            for device_id, own_dims in dims.items()
            for k, dim in enumerate(own_dims)
        ]
        self._low = np.array([dim.low for dim in own])
        self._high = np.array([dim.high for dim in own])
        self._n_option = np.array([dim.n_option for dim in own])
        self._is_discrete = self._n_option > 0

    def entries(self) -> list[tuple[str, int, int, ActionDim]]:
        """Return device, number of the entry in its action, index in the flat action, and range."""
        return [
            (device_id, k, int(index), dim)
            for (device_id, k, dim), index in zip(self._entries, self._index, strict=True)
        ]

    def to_device_units(self, flat: np.ndarray) -> np.ndarray:
        """Map a flat action in [-1, 1] to the devices' units, concatenated in device order.

        A continuous entry is mapped affinely to the device's range; a discrete one of n values cuts
        [-1, 1] into n equal bins. Values outside [-1, 1] are clipped.
        """
        share = (np.clip(np.asarray(flat, dtype=np.float64)[self._index], -1.0, 1.0) + 1.0) / 2.0
        continuous = self._low + share * (self._high - self._low)
        choice = self._low + np.minimum(np.floor(share * self._n_option), self._n_option - 1.0)
        in_units: np.ndarray = np.where(self._is_discrete, choice, continuous)
        return in_units

    def from_device_units(self, values: np.ndarray) -> np.ndarray:
        """Return the flat action that gives these device actions; unused entries are 0.

        `values` is (n_unit,), or (n, n_unit) and so is the answer. The inverse of
        `to_device_units`; a discrete value becomes the middle of its bin.
        """
        values = np.asarray(values, dtype=np.float64)
        span = np.where(self._high > self._low, self._high - self._low, 1.0)
        share = np.where(
            self._is_discrete,
            (values - self._low + 0.5) / np.maximum(self._n_option, 1),
            (values - self._low) / span,
        )
        flat = np.zeros((*values.shape[:-1], self.size))
        flat[..., self._index] = np.clip(2.0 * share - 1.0, -1.0, 1.0)
        return flat

    def space(self, mode: str) -> Space[Any]:
        """Return the agent's action space: one Box, or ``Dict(c=Box, d=MultiDiscrete)``."""
        if mode == "flat":
            return Box(low=-1.0, high=1.0, shape=(self.size,), dtype=np.float32)
        options = [dim.n_option for dim in self.dims if dim.n_option]
        parts: dict[str, Space[Any]] = {
            "c": Box(-1.0, 1.0, shape=(self.size - len(options),), dtype=np.float32)
        }
        if options:
            parts["d"] = MultiDiscrete(options)
        return DictSpace(parts)

    def flatten(self, action: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the flat form of an action of the ``dict`` mode."""
        is_discrete = np.array([dim.n_option > 0 for dim in self.dims])
        flat = np.zeros(self.size)
        flat[~is_discrete] = action["c"]
        if is_discrete.any():
            n = np.array([dim.n_option for dim in self.dims if dim.n_option])
            flat[is_discrete] = 2.0 * (np.asarray(action["d"]) + 0.5) / n - 1.0
        return flat

    def unflatten(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return the ``dict`` mode's form of a flat action."""
        n_option = np.array([dim.n_option for dim in self.dims])
        is_discrete = n_option > 0
        parts = {"c": np.asarray(flat)[~is_discrete].astype(np.float32)}
        if is_discrete.any():
            n = n_option[is_discrete]
            bins = np.floor((np.asarray(flat)[is_discrete] + 1.0) / 2.0 * n)
            parts["d"] = np.minimum(bins, n - 1).astype(np.int64)
        return parts


def union_of_dims(agents: Sequence[Mapping[str, ActionPart]]) -> list[tuple[str, ActionDim]]:
    """Return the entries that a set of agents needs together, by slot, in order of appearance.

    Agents may give a slot different entries: a generator with and one without commitment share P
    and Q. Entries of one slot stay together.
    """
    slots: dict[str, dict[str, ActionDim]] = {}
    for devices in agents:
        names = kind_slots(devices)
        for device_id, device in devices.items():
            known = slots.setdefault(names[device_id], {})
            for dim in device_action_dims(device):
                known.setdefault(dim.name, dim)
    return [(f"{slot}.{name}", dim) for slot, dims in slots.items() for name, dim in dims.items()]
