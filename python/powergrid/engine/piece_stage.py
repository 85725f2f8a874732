"""Intervals in which commands take effect: each device's set-points piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from powergrid.engine.program import Program
    from powergrid.engine.step_programs import StepPrograms

__all__ = ["PieceStage"]

Array = NDArray[np.float64]
Index = NDArray[np.int32]
Run = Callable[["Program", int, int], int]  # runs a program on lanes


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
        self.groups = [_GroupPieces(g, scene, devices, self._is_cut) for g in devices.groups]
        # Those with hooks are one more.
        self._group = np.full(n, len(self.groups), np.int32)
        for number, group in enumerate(self.groups):
            self._group[group.numbers] = number
        self._step_h = np.full(n, scene.rules.dt_h)

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
        self._once_idle = np.array([value for _, _, value in once], np.float64)

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
        rates, of_device, violations = [], [], []
        for k, m in enumerate(devices.in_order):
            if m.kernels is not None:  # hooks keep their own
                rates += [devices.rate_row[m.owner, name] for name in m.kernels.cost_parts]
                of_device += [k] * len(m.kernels.cost_parts)
                violations += [] if "p_mw" in m.kernels.measures else [k]
        self._rate_row, self._rate_device = np.array([rates, of_device], np.int32)
        self._violation_row = np.array(violations, np.int32)  # which is also whose it is
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

    def live(
        self, first: int, last: int, effects: Effects, programs: StepPrograms, run: Run
    ) -> None:
        """Live through all pieces but the last ones, whose commands are in force then."""
        devices, scene = self._devices, self._scene
        self._is_cut[:, first:last] = 0  # an interval that failed midway may have left marks
        lane, device = effects.lane, self._place[effects.device]
        stage, length_h = np.zeros(len(lane), np.int32), np.zeros(len(lane))
        n_stage = kernels.cut(
            lane, device, effects.time_s, self._has_action, scene.now_s, self._since_s,
            self._n_cut, stage, length_h, first, last,
        )  # fmt: skip
        end, order = np.zeros(n_stage + 2, np.int64), np.empty(len(lane), np.int64)
        kernels.sort_by_stage(stage, end, order)
        n_piece = np.zeros(len(self.groups) + 1, np.int64)
        for k in range(n_stage + 1):
            which = order[end[k - 1] if k else 0 : end[k]]
            if k:
                n_piece[:] = 0
                kernels.mark(
                    which, lane, device, length_h, self._group, devices.dt_h, self._is_cut, n_piece
                )
                self._live_stage(n_piece.tolist(), k == 1, first, last, programs, run)
                kernels.lay_off(
                    which, lane, device, length_h, scene.rules.dt_h, devices.dt_h, self._is_cut
                )
            kernels.obey(which, lane, device, effects.command, self._unit_row, devices.units)

    def _live_stage(
        self,
        n_piece: list[int],
        is_first: bool,
        first: int,
        last: int,
        programs: StepPrograms,
        run: Run,
    ) -> None:
        for k, group in enumerate(self.groups):
            if n_piece[k] == len(group) * (last - first):
                run(programs.pieces_of_all[k], first, last)
            elif n_piece[k]:
                run(programs.pieces_of_some[k], first, last)
        if n_piece[-1]:
            self._devices.live_hooked_pieces(self._is_cut, first, last)
        run(programs.end_first_piece if is_first else programs.end_piece, first, last)

    def end_first_piece(self, first: int, last: int) -> None:
        """Begin the means with the devices' first pieces."""
        self._add(first, last, is_first=True)

    def end_piece(self, first: int, last: int) -> None:
        """Add a later piece of devices to the means."""
        self._add(first, last, is_first=False)

    def _add(self, first: int, last: int, *, is_first: bool) -> None:
        devices, x = self._devices, self._scene.x
        for value, row, device, total in (
            (x, self._p_slot, self._number, self._p_mw),
            (x, self._q_slot, self._number, self._q_mvar),
            (devices.rate, self._rate_row, self._rate_device, self._rate),
            (devices.safety, self._violation_row, self._violation_row, self._violation),
        ):
            kernels.first_piece_or_more(
                value, row, device, devices.dt_h, self._scene.rules.dt_h, self._is_cut, is_first,
                total, first, last,
            )  # fmt: skip
        kernels.idle_again(
            self._once_device, self._once_row, self._once_idle, self._is_cut, devices.units,
            first, last,
        )  # fmt: skip

    def begin_last(self, first: int, last: int) -> None:
        """Set how long the last pieces are."""
        scene = self._scene
        kernels.set_last(
            self._n_cut, self._since_s, scene.now_s, scene.rules.step_s, self._devices.dt_h,
            first, last,
        )  # fmt: skip

    def write_means(self, first: int, last: int) -> None:
        """Give the power flow mean powers, once it has been given the last pieces'."""
        flow = self._network.flow
        for slot, total, to in (
            (self._p_slot, self._p_mw, flow.p_mw),
            (self._q_slot, self._q_mvar, flow.q_mvar),
        ):
            kernels.write_means(
                self._n_cut, self._scene.x, slot, self._injection, total, self._devices.dt_h,
                self._scene.rules.dt_h, to, first, last,
            )  # fmt: skip

    def finish(self, first: int, last: int) -> None:
        """Put the last pieces into the means, and go on to the next interval."""
        devices, scene, rules = self._devices, self._scene, self._scene.rules
        for row, device, total, value in (
            (self._rate_row, self._rate_device, self._rate, devices.rate),
            (self._violation_row, self._violation_row, self._violation, devices.safety),
        ):
            kernels.combine(
                self._n_cut, row, device, total, devices.dt_h, rules.dt_h, value, first, last
            )
        kernels.fill(self._number, self._step_h, devices.dt_h, first, last)
        kernels.fill(self._once_row, self._once_idle, devices.units, first, last)
        kernels.let_time_pass(scene.now_s, rules.step_s, first, last)


class _GroupPieces:
    """A group of devices of which some have a piece, while the others are not to move."""

    def __init__(
        self, group: KindGroup, scene: Scene, devices: DeviceStage, is_cut: NDArray[np.uint8]
    ) -> None:
        self._group, self._x, self._is_cut = group, scene.x, is_cut
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

    def __len__(self) -> int:
        return len(self._group)

    def live_all(self, first: int, last: int) -> None:
        """Live through one piece that all devices have in all lanes."""
        group, x = self._group, self._x
        group.set_points(x, first, last)
        group.advance(x, first, last)
        group.book(x, first, last)

    def live_some(self, first: int, last: int) -> None:
        """Live through one piece in the devices that have it."""
        x, is_cut = self._x, self._is_cut
        kernels.keep(x, self._slot, self._kept_x, first, last)
        kernels.keep(self._memory, self._memory_row, self._kept_m, first, last)
        self.live_all(first, last)
        kernels.put_back(x, self._slot, self._slot_device, self._kept_x, is_cut, first, last)
        kernels.put_back(
            self._memory, self._memory_row, self._memory_device, self._kept_m, is_cut, first, last
        )
