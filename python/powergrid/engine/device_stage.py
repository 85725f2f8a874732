"""The devices' part of a step: set-points, the interval itself, cost rates and violations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.action_layout import device_action_dims
from powergrid.engine.hooked_devices import HookedDevices
from powergrid.engine.kind_group import group_by_kind
from powergrid.engine.lane_arrays import lane_array
from powergrid.engine.members import Member, acts_by_itself
from powergrid.engine.scene import Scene
from powergrid.kernels.action_map import to_device_units
from powergrid.kernels.device_kernels import MEASURES
from powergrid.kernels.lanes import fill

__all__ = ["DeviceStage"]

Array = NDArray[np.float64]


class DeviceStage:
    """All devices, group after group of those with kernels, then those with Python hooks.

    Attributes
    ----------
    actions : ndarray, (n_lane, n_agent, n_entry)
        Flat actions of the agents, written by the caller.
    in_order : list[Member]
        The devices in the order of `safety`.
    reading : ndarray, (n_reading, n_lane)
        What devices have measured; `reading_row` says where, by owner and measure.
    rate : ndarray, (n_rate, n_lane)
        Cost rates [$/h]; `rate_row` says where, by owner and cause.
    safety : ndarray, (n_device, n_lane)
        Violations.
    dt_h : ndarray, (n_device, n_lane)
        How long each device's set-point rules [h]: the step, unless commands come meanwhile.
    units : ndarray, (n_unit, n_lane)
        Actions in the devices' own units; `unit_row` says where, by owner and number of the action.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        n_lane = scene.n_lane
        self.groups = group_by_kind(scene.members, scene.slot, n_lane)
        hooked = [m for m in scene.members if m.kernels is None]
        self.in_order: list[Member] = [m for g in self.groups for m in g.members] + hooked
        self.hooked: HookedDevices | None = None
        if hooked:
            self.hooked = HookedDevices(
                scene.agents, hooked, scene.x, scene.slots, n_lane, scene.rules.dt_h
            )
        self._number = np.arange(n_lane, dtype=np.int32)
        self.reading_row: dict[tuple[str, str], int] = {}
        self.rate_row: dict[tuple[str, str], int] = {}
        self.unit_row: dict[tuple[str, int], int] = {}
        n_unit = n_reading = n_rate = 0
        for group in self.groups:
            for k, m in enumerate(group.members):
                n = len(group)
                rows = {(m.owner, i): n_unit + i * n + k for i in range(group.n_action)}
                self.unit_row.update(rows)
                for i, name in enumerate(group.kernels.measures):
                    self.reading_row[m.owner, name] = n_reading + i * n + k
                for i, name in enumerate(group.kernels.cost_parts):
                    self.rate_row[m.owner, name] = n_rate + i * n + k
            n_unit += group.n_action * len(group)
            n_reading += len(group.kernels.measures) * len(group)
            n_rate += len(group.kernels.cost_parts) * len(group)
        hooked_units = []
        for m in hooked:
            n = len(device_action_dims(m.device))
            self.unit_row.update({(m.owner, i): n_unit + i for i in range(n)})
            hooked_units.append(slice(n_unit, n_unit + n))
            n_unit += n
            self.reading_row.update({(m.owner, x): n_reading + i for i, x in enumerate(MEASURES)})
            n_reading += len(MEASURES)
        self.units = lane_array(n_unit, n_lane=n_lane)
        self.reading = lane_array(n_reading, n_lane=n_lane)
        self.rate = lane_array(n_rate, n_lane=n_lane)
        self.safety = lane_array(len(self.in_order), n_lane=n_lane)
        self.dt_h = lane_array(len(self.in_order), n_lane=n_lane)
        self.dt_h[:] = scene.rules.dt_h
        self._hooked_units = [self.units[rows] for rows in hooked_units]
        n_first = len(self.in_order) - len(hooked)
        self._hooked_safety, self._hooked_dt_h = self.safety[n_first:], self.dt_h[n_first:]
        self._share_out()
        self._wire_actions()
        self._hooked_reading = np.array(
            [[self.reading_row[m.owner, name] for name in MEASURES] for m in hooked], np.int32
        ).reshape(-1, len(MEASURES))

    def _share_out(self) -> None:
        """Give each group its part of the common arrays."""
        unit = reading = rate = device = 0
        stride = self.units.shape[-1]
        for group in self.groups:
            n, kernels = len(group), group.kernels

            def part(of: Array, start: int, n_row: int, n: int = n) -> Array:
                return of[start : start + n_row * n].reshape(n_row, n, stride)

            group.units = part(self.units, unit, group.n_action)
            group.measured = part(self.reading, reading, len(kernels.measures))
            group.rate = part(self.rate, rate, len(kernels.cost_parts))
            group.safety = self.safety[device : device + n]
            group.dt_h = self.dt_h[device : device + n]
            unit += group.n_action * n
            reading += len(kernels.measures) * n
            rate += len(kernels.cost_parts) * n
            device += n

    def _wire_actions(self) -> None:
        agents = self._scene.agents
        n_entry = max((agent.action_layout.size for agent in agents), default=0)
        self.actions = np.zeros((self._scene.n_lane, len(agents), n_entry))
        self._idle = np.zeros((len(agents), n_entry))
        found = []
        for number, agent in enumerate(agents):
            self._idle[number, : agent.action_layout.size] = agent.idle_action()
            if acts_by_itself(agent):  # it is given its flat action as it is
                continue
            for device_id, i, entry, dim in agent.action_layout.entries():
                row = self.unit_row.get((f"{agent.agent_id}/{device_id}", i))
                if row is not None:
                    found.append((number, entry, dim, row))
        self._idle_units = np.zeros((len(self.units), 1))
        for m in self.in_order:
            for i, value in enumerate(m.device.idle_action()):
                self._idle_units[self.unit_row[m.owner, i]] = value
        # Rows that no device has an entry for are given the first one, times nothing: they idle.
        n_row = len(self.units)
        self._agent, self._entry, self._n_option = np.zeros((3, n_row), np.int32)
        self._low, self._high = np.tile(self._idle_units[:, 0], (2, 1))
        for number, entry, dim, row in found:
            self._agent[row], self._entry[row] = number, entry
            self._low[row], self._high[row], self._n_option[row] = dim.low, dim.high, dim.n_option

    def obstruct(
        self, is_out: NDArray[np.uint8] | None, is_stuck: NDArray[np.uint8] | None
    ) -> None:
        """Learn where it will be written which devices are out of service or do not move.

        Parameters
        ----------
        is_out, is_stuck : ndarray of uint8, (n_device, n_lane), or None
            In the order of `in_order`.
        """
        device = 0
        for group in self.groups:
            rows = slice(device, device + len(group))
            group.is_out = None if is_out is None else is_out[rows]
            group.is_stuck = None if is_stuck is None else is_stuck[rows]
            device += len(group)
        if self.hooked is not None:
            self.hooked.is_out = None if is_out is None else is_out[device:]
            self.hooked.is_stuck = None if is_stuck is None else is_stuck[device:]

    def forget_unmeasured(self, measured: set[tuple[str, str]]) -> None:
        """Learn which readings somebody takes; hooks are not told of the others."""
        hooked = self.in_order[len(self.in_order) - len(self._hooked_units) :]
        for k, m in enumerate(hooked):
            for i, name in enumerate(MEASURES):
                if (m.owner, name) not in measured:
                    self._hooked_reading[k, i] = -1

    # --- in the order of a step ----------------------------------------------------------------

    def reset(self, first: int, last: int) -> None:
        """Begin an episode: no memory, idle actions; the features are at their start."""
        self.reading[:, first:last] = 0.0
        self.actions[first:last] = self._idle
        self.units[:, first:last] = self._idle_units
        for group in self.groups:
            group.memory[:, :, first:last] = 0.0
            group.kernels.start(
                self._scene.x, group.slot, group.parameters, group.memory, self._number[first:last]
            )
        if self.hooked is not None:
            self.hooked.reset(first, last)

    def read_actions(self, first: int, last: int) -> None:
        """Turn flat actions into the devices' own units."""
        to_device_units(
            self.actions, self._agent, self._entry, self._low, self._high, self._n_option,
            self.units, first, last,
        )  # fmt: skip

    def set_points(self, first: int, last: int, *, as_led: bool = True) -> None:
        """Turn actions into set-points within the devices' limits.

        Agents that act by themselves split their flat actions here, unless each device has been
        told by now (`as_led` is False).
        """
        for group in self.groups:
            group.set_points(self._scene.x, first, last)
        if self.hooked is not None:
            actions = self.actions if as_led else None
            self.hooked.set_points(actions, self._hooked_units, self._hooked_dt_h, first, last)

    def set_points_as_told(self, first: int, last: int) -> None:
        """Do so with what each device has been told."""
        self.set_points(first, last, as_led=False)

    def live_hooked_pieces(self, is_cut: NDArray[np.uint8], first: int, last: int) -> None:
        """Live through pieces of the interval, ``is_cut[device, lane]``, in devices with hooks."""
        assert self.hooked is not None
        n_first = len(self.in_order) - len(self._hooked_units)
        cut = is_cut[n_first:, first:last]
        for k, lane in np.argwhere(cut).tolist():
            self.hooked.live_piece(
                k, first + lane, self._hooked_units[k], self.reading, self._hooked_reading,
                float(self._hooked_dt_h[k, first + lane]),
            )  # fmt: skip

    def read_meters(self, first: int, last: int) -> None:
        """Let meters and tap changers read at the start of an episode, where no time has passed."""
        fill(self.dt_h, 0.0, first, last)
        for group in self.groups:
            if "p_mw" in group.kernels.measures:
                group.advance(self._scene.x, first, last)
        if self.hooked is not None:
            self.hooked.advance(self.reading, self._hooked_reading, self._hooked_dt_h, first, last)
        fill(self.dt_h, self._scene.rules.dt_h, first, last)

    def advance(self, first: int, last: int) -> None:
        """Let time pass."""
        for group in self.groups:
            group.advance(self._scene.x, first, last)
        if self.hooked is not None:
            self.hooked.advance(self.reading, self._hooked_reading, self._hooked_dt_h, first, last)

    def book(self, first: int, last: int) -> None:
        """Work out cost rates and violations of the interval."""
        for group in self.groups:
            group.book(self._scene.x, first, last)
        if self.hooked is not None:
            self.hooked.book(self._hooked_safety, first, last)

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, lanes on the last axis."""
        kept: list[NDArray[Any]] = [self.reading, self.rate, self.safety, self.units]
        for group in self.groups:
            kept += [group.parameters, group.memory]
        return kept
