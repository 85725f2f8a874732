"""All devices of one kind, with their parameters and memory in every lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.action_layout import device_action_dims
from powergrid.agents.device_kind import kernel_parameters_of
from powergrid.engine.lane_arrays import lane_array
from powergrid.engine.members import Member
from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.disturbances import hold, zero_where

__all__ = ["KindGroup", "group_by_kind"]

Array = NDArray[np.float64]

COORDINATOR = "coordinator:"  # before the name of a field that is the coordinator's, not its own


class KindGroup:
    """What the kernels of one kind work on.

    Attributes
    ----------
    slot : ndarray of int32, (n_device, n_field)
        Where each field is in the feature table.
    parameters : ndarray, (n_parameter, n_device, n_lane)
        By the kind's names, then the tails; shorter ones are filled up with 0.
    memory : ndarray, (n_memory, n_device, n_lane)
        What the kind keeps apart from its features.
    units, measured, rate, safety : ndarray
        Views of the engine's arrays: actions in the devices' units (n_action, n_device, n_lane),
        readings (n_measure, ...), cost rates (n_part, ...), violations (n_device, n_lane). Set by
        the engine.
    dt_h : ndarray, (n_device, n_lane)
        How long the set-point rules [h]; of the engine, too.
    is_out, is_stuck : ndarray of uint8, (n_device, n_lane), or None
        Devices that inject nothing, and those that do not move; None if none ever is.
    """

    units: Array
    measured: Array
    rate: Array
    safety: Array
    dt_h: Array
    is_out: NDArray[np.uint8] | None = None
    is_stuck: NDArray[np.uint8] | None = None

    def __init__(
        self,
        kernels: DeviceKernels,
        members: Sequence[Member],
        slot_of: Callable[[str], int],
        n_lane: int,
    ) -> None:
        self.kernels = kernels
        self.members = list(members)
        self.slot = np.array(
            [[slot_of(_slot_name(m.owner, field)) for field in kernels.fields] for m in members],
            dtype=np.int32,
        ).reshape(len(members), len(kernels.fields))
        values = [kernel_parameters_of(m.device, kernels) for m in members]
        n_parameter = max(len(v) for v in values)
        self.parameters = lane_array(n_parameter, len(members), n_lane=n_lane)
        for k, of_device in enumerate(values):
            self.parameters[: len(of_device), k] = of_device[:, np.newaxis]
        self.memory = lane_array(len(kernels.memory), len(members), n_lane=n_lane)
        self.n_action = max(len(device_action_dims(m.device)) for m in members)
        self._idle = np.zeros((self.n_action, len(members)))
        for k, m in enumerate(members):
            idle = m.device.idle_action()
            self._idle[: len(idle), k] = idle
        active, reactive = (
            [slot_of(_slot_name(m.owner, f"electrical.{name}")) for m in members]
            if all("electrical" in m.device.state.features for m in members)
            else []
            for name in ("p_MW", "q_MVAr")
        )
        self._power = np.array([active, reactive], np.int32)
        self._number = np.arange(len(members), dtype=np.int32)

    def __len__(self) -> int:
        return len(self.members)

    def set_points(self, x: Array, first: int, last: int) -> None:
        """Turn actions into set-points."""
        if not self.n_action:
            return
        if self.is_stuck is not None:
            hold(self.is_stuck, self._idle, self.units, first, last)
        self.kernels.set_point(
            x, self.slot, self.parameters, self.memory, self.units, self.dt_h, first, last
        )
        if self.is_out is not None:
            self._trip(self.is_out, x, first, last)

    def _trip(self, is_out: NDArray[np.uint8], x: Array, first: int, last: int) -> None:
        """Let devices that are out inject nothing."""
        for slots in self._power:
            zero_where(is_out, self._number, x, slots, first, last)
        self.kernels.trip(x, self.slot, self.parameters, self.memory, is_out, first, last)

    def advance(self, x: Array, first: int, last: int) -> None:
        """Let time pass."""
        self.kernels.advance(
            x, self.slot, self.parameters, self.memory, self.measured, self.dt_h, first, last
        )

    def book(self, x: Array, first: int, last: int) -> None:
        """Work out cost rates and violations."""
        self.kernels.cost_safety(
            x, self.slot, self.parameters, self.memory, self.dt_h, self.rate, self.safety,
            first, last,
        )  # fmt: skip


def _slot_name(owner: str, field: str) -> str:
    if field.startswith(COORDINATOR):
        return f"{owner.split('/')[0]}.{field.removeprefix(COORDINATOR)}"
    return f"{owner}.{field}"


def group_by_kind(
    members: Sequence[Member], slot_of: Callable[[str], int], n_lane: int
) -> list[KindGroup]:
    """Return the groups of devices that share kernels, in order of appearance."""
    by_kernels: dict[int, list[Member]] = {}
    for member in members:
        if member.kernels is not None:
            by_kernels.setdefault(id(member.kernels), []).append(member)
    groups = []
    for of_kind in by_kernels.values():
        kernels = of_kind[0].kernels
        assert kernels is not None
        groups.append(KindGroup(kernels, of_kind, slot_of, n_lane))
    return groups
