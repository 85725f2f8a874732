"""Intervals in which commands take effect: each device's set-points piece by piece."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.action_layout import device_action_dims
from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.effects import Effects
from powergrid.engine.kind_group import COORDINATOR, KindGroup
from powergrid.engine.lane_arrays import lane_array
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.scene import Scene
from powergrid.kernels import pieces as kernels

__all__ = ["PieceStage"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]
Ends = tuple[Index, Index, Array]


class PieceStage:
    """What happens in the devices while an interval lasts.

    A command stays in force until the next one. Where one comes during an interval, the device
    lives through a piece of it: set-point, advance, cost and violations by the kernels or hooks
    that serve whole intervals, over the piece's length. Power, cost rates and violations of the
    interval are the means over time. What is read from the power flow is known once an interval,
    so the violations of tap changers are those of its end. In a device without new commands
    everything is as without this stage, to the last bit.

    Attributes
    ----------
    n_action : int
        Entries of a command.
    """

    def __init__(self, scene: Scene, devices: DeviceStage, network: NetworkStage) -> None:
        self._scene, self._devices, self._network = scene, devices, network
        n, n_lane = len(devices.in_order), scene.n_lane
        place = {m.owner: k for k, m in enumerate(devices.in_order)}
        self._place = np.array([place[m.owner] for m in scene.members], np.int32)
        self._since_s = lane_array(n, n_lane=n_lane)
        self._n_cut = np.zeros(self._since_s.shape, np.int32)
        self._is_cut = np.zeros(self._since_s.shape, np.uint8)
        self._wire_commands()
        self._wire_means()
        self._groups = [_GroupPieces(g, scene, devices) for g in devices.groups]

    def _wire_commands(self) -> None:
        """Find the rows of each device's actions, and how its part of a flat action is scaled."""
        devices, scene = self._devices, self._scene
        dims = [device_action_dims(m.device) for m in devices.in_order]
        shape = (len(dims), max(map(len, dims), default=0))
        self._unit_row, self._entry = np.full((2, *shape), -1, np.int32)
        self._n_option = np.zeros(shape, np.int32)
        self._low, self._high = np.zeros((2, *shape))
        once: list[tuple[int, int, float]] = []  # device, row, idle value
        for k, m in enumerate(devices.in_order):
            values = m.device.idle_action()
            for i in range(len(dims[k])):
                row = self._unit_row[k, i] = devices.unit_row[m.owner, i]
                if i in m.device.momentary_actions:
                    once.append((k, row, float(values[i])))
            layout = scene.agents[m.agent].action_layout
            for device_id, i, entry, dim in layout.entries():
                if device_id == m.device.agent_id:
                    self._entry[k, i], self._n_option[k, i] = entry, dim.n_option
                    self._low[k, i], self._high[k, i] = dim.low, dim.high
        self.n_action = shape[1]
        self._has_action = (self._unit_row >= 0).any(axis=1)
        self._once_device = np.array([k for k, _, _ in once], np.int32)
        self._once_row = np.array([row for _, row, _ in once], np.int32)
        self._once_idle = np.array([value for _, _, value in once], np.float64).reshape(-1, 1)

    def _wire_means(self) -> None:
        """Find what is averaged over an interval: powers, cost rates, violations."""
        devices, n_lane = self._devices, self._scene.n_lane
        n = len(devices.in_order)
        self._p_slot, self._q_slot, self._injection = np.full((3, n), -1, np.int32)
        for k, m in enumerate(devices.in_order):
            self._injection[k] = self._network.injection_row.get(m.owner, -1)
            if self._injection[k] >= 0:
                self._p_slot[k] = self._scene.slot(f"{m.owner}.electrical.p_MW")
                self._q_slot[k] = self._scene.slot(f"{m.owner}.electrical.q_MVAr")
        self._number = np.arange(n, dtype=np.int32)
        self._p_mw, self._q_mvar = (lane_array(n, n_lane=n_lane) for _ in range(2))
        rates, rate_start = [], [0]
        violations, violation_start = [], [0]
        for k, m in enumerate(devices.in_order):
            if m.kernels is not None:  # hooks keep their own
                rates += [devices.rate_row[m.owner, name] for name in m.kernels.cost_parts]
                violations += [] if "p_mw" in m.kernels.measures else [k]
            rate_start.append(len(rates))
            violation_start.append(len(violations))
        self._rate_row = np.array(rates, np.int32)
        self._rate_start = np.array(rate_start, np.int32)
        self._violation_row = np.array(violations, np.int32)
        self._violation_start = np.array(violation_start, np.int32)
        self._rate_device = np.repeat(self._number, np.diff(self._rate_start))
        self._rate = lane_array(len(rates), n_lane=n_lane)
        self._violation = lane_array(len(violations), n_lane=n_lane)

    # --- commands -----------------------------------------------------------------------------

    def commands(self, flat: Array, decision: NDArray[np.int64], device: Index) -> Array:
        """Return each device's part of coordinators' flat actions, in its own units.

        Parameters
        ----------
        flat : ndarray, (n_decision, n_entry)
            In [-1, 1].
        decision, device : ndarray, (n_effect,)
            Which of them, and whose part; numbers as in `Scene.members`.
        """
        out = np.empty((len(device), self.n_action))
        kernels.commands(
            flat, decision, self._place[device], self._entry, self._low, self._high,
            self._n_option, out,
        )  # fmt: skip
        return out

    # --- in the order of an interval ----------------------------------------------------------

    def live(self, first: int, last: int, effects: Effects) -> Pieces:
        """Live through all pieces but the last ones, whose commands are in force then."""
        devices, scene, step_h = self._devices, self._scene, self._scene.rules.dt_h
        self._is_cut[:, first:last] = 0  # an interval that failed midway may have left marks
        n, device = len(effects.lane), self._place[effects.device]
        stage, length_h = np.zeros(n, np.int32), np.zeros(n)
        n_stage = kernels.cut(
            effects.lane, device, effects.time_s, self._has_action, scene.now_s, self._since_s,
            self._n_cut, stage, length_h, first, last,
        )  # fmt: skip
        pieces = Pieces(effects, device, length_h, stage, n_stage)
        kernels.obey(*pieces.commands(0), self._unit_row, devices.units)
        for k in range(1, n_stage + 1):
            ends = pieces.ends(k)
            kernels.mark(*ends, devices.dt_h, self._is_cut)
            self._live_stage(ends, k == 1, first, last)
            kernels.lay_off(*ends, step_h, devices.dt_h, self._is_cut)
            kernels.obey(*pieces.commands(k), self._unit_row, devices.units)
        if n_stage:
            kernels.set_last(
                *pieces.ends(1), self._since_s, scene.now_s, scene.rules.step_s, devices.dt_h
            )
        return pieces

    def _live_stage(self, ends: Ends, is_first: bool, first: int, last: int) -> None:
        devices, scene, step_h = self._devices, self._scene, self._scene.rules.dt_h
        _, device, length_h = ends
        present = set(np.unique(device[length_h > 0.0]).tolist())
        for group in self._groups:
            if not present.isdisjoint(group.numbers):
                group.live(self._is_cut, first, last)
        if devices.hooked is not None:
            devices.live_hooked_pieces(self._is_cut, first, last)
        x = scene.x
        for value, row, device, total in (
            (x, self._p_slot, self._number, self._p_mw),
            (x, self._q_slot, self._number, self._q_mvar),
            (devices.rate, self._rate_row, self._rate_device, self._rate),
            (devices.safety, self._violation_row, self._violation_row, self._violation),
        ):
            kernels.first_piece_or_more(
                value, row, device, devices.dt_h, step_h, self._is_cut, is_first, total,
                first, last,
            )  # fmt: skip
        for k, row, value in zip(
            self._once_device, self._once_row, self._once_idle[:, 0], strict=True
        ):
            units = devices.units[row, first:last]
            units[self._is_cut[k, first:last] != 0] = value

    def write_means(self, pieces: Pieces) -> None:
        """Give the power flow mean powers, once it has been given the last pieces'."""
        if not pieces.n_stage:
            return
        flow, x, step_h = self._network.flow, self._scene.x, self._scene.rules.dt_h
        for slot, total, to in (
            (self._p_slot, self._p_mw, flow.p_mw),
            (self._q_slot, self._q_mvar, flow.q_mvar),
        ):
            kernels.write_means(
                *pieces.ends(1), x, slot, self._injection, total, self._devices.dt_h, step_h, to
            )

    def finish(self, first: int, last: int, pieces: Pieces) -> None:
        """Put the last pieces into the means, and go on to the next interval."""
        devices, scene, rules = self._devices, self._scene, self._scene.rules
        if pieces.n_stage:
            for start, row, total, value in (
                (self._rate_start, self._rate_row, self._rate, devices.rate),
                (self._violation_start, self._violation_row, self._violation, devices.safety),
            ):
                kernels.combine(*pieces.ends(1), start, row, total, devices.dt_h, rules.dt_h, value)
            devices.dt_h[:, first:last] = rules.dt_h
        devices.units[self._once_row, first:last] = self._once_idle
        scene.now_s[first:last] += rules.step_s


class Pieces:
    """Effects of some lanes by the stage of their device that they begin.

    Stage 0 goes on from the interval's start, stage k when k pieces have ended. So the effects of a
    stage k > 0 end the devices' k-th pieces, one each, but for those that come at the same moment.

    Attributes
    ----------
    n_stage : int
        The last stage; 0 if no piece ends.
    """

    def __init__(
        self, effects: Effects, device: Index, length_h: Array, stage: Index, n_stage: int
    ) -> None:
        self.n_stage = n_stage
        self._lane, self._device = effects.lane, device
        self._length_h, self._command = length_h, effects.command
        self._begin = [0, len(stage)]
        if n_stage:
            # Few bits: NumPy then sorts by digits. Within a stage the order stays.
            order = np.argsort(stage.astype(np.min_scalar_type(n_stage)), kind="stable")
            self._lane, self._device = self._lane[order], device[order]
            self._length_h, self._command = length_h[order], self._command[order]
            counts = np.bincount(stage, minlength=n_stage + 1)
            self._begin = [0, *np.cumsum(counts).tolist()]

    def commands(self, stage: int) -> tuple[Index, Index, Array]:
        """Return lane, device and command of a stage's effects."""
        part = slice(self._begin[stage], self._begin[stage + 1])
        return self._lane[part], self._device[part], self._command[part]

    def ends(self, stage: int) -> Ends:
        """Return lane, device and length [h] of the pieces that a stage's effects end."""
        part = slice(self._begin[stage], self._begin[stage + 1])
        return self._lane[part], self._device[part], self._length_h[part]


class _GroupPieces:
    """A group of devices of which some have a piece, while the others are not to move."""

    def __init__(self, group: KindGroup, scene: Scene, devices: DeviceStage) -> None:
        self._group, self._x = group, scene.x
        start = devices.in_order.index(group.members[0])
        self.numbers = range(start, start + len(group))
        own = [k for k, name in enumerate(group.kernels.fields) if not name.startswith(COORDINATOR)]
        n, n_lane = len(group), scene.n_lane
        self._slot = np.ascontiguousarray(group.slot[:, own].reshape(-1))
        device = np.arange(start, start + n, dtype=np.int32)
        self._slot_device = np.repeat(device, len(own))
        n_memory = len(group.memory)
        self._memory = group.memory.reshape(n_memory * n, group.memory.shape[2])
        self._memory_row = np.arange(len(self._memory), dtype=np.int32)
        self._memory_device = np.tile(device, n_memory).astype(np.int32)
        self._kept_x = lane_array(len(self._slot), n_lane=n_lane)
        self._kept_m = lane_array(len(self._memory), n_lane=n_lane)

    def live(self, is_cut: NDArray[Any], first: int, last: int) -> None:
        """Live through one piece in the devices that have it."""
        group, x = self._group, self._x
        kernels.keep(x, self._slot, self._kept_x, first, last)
        kernels.keep(self._memory, self._memory_row, self._kept_m, first, last)
        group.set_points(x, first, last)
        group.advance(x, first, last)
        group.book(x, first, last)
        kernels.put_back(x, self._slot, self._slot_device, self._kept_x, is_cut, first, last)
        kernels.put_back(
            self._memory, self._memory_row, self._memory_device, self._kept_m, is_cut, first, last
        )
