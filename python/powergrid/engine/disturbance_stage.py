"""What is disturbed in each lane's present interval, and what that does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.disturbances.schedule import DisturbanceEvents, DisturbanceSchedule, LaneEvents
from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.rows import Pairs, pairs
from powergrid.engine.scene import Scene
from powergrid.engine.supply import Supply, is_switchable
from powergrid.kernels.disturbances import (
    add_up,
    any_of,
    either,
    find_in_force,
    multiply_rows,
    zero_where,
)
from powergrid.kernels.transfer import copy_rows

__all__ = ["DisturbanceStage"]

Mask = NDArray[np.uint8]


class DisturbanceStage:
    """The disturbances of all lanes.

    One counts in every interval at whose start it is in force. It acts through what the other
    stages read: load multipliers, the commands and set-points of devices, the taps that regulators
    may move, the lines and switches that are open.

    Attributes
    ----------
    seed : ndarray of uint64, (n_lane,)
        Of each lane's episode; the events are drawn from it.
    is_out, is_stuck : ndarray of uint8, (n_device, n_lane)
        Devices out of service or without supply, and those that do not move; in the order of
        `DeviceStage.in_order`.
    count, count_now : ndarray of int32, (n_kind, n_lane)
        How many disturbances were in force in the interval before, and are in the present one, by
        kind of `DisturbanceSchedule.kinds`.
    """

    def __init__(
        self,
        scene: Scene,
        devices: DeviceStage,
        network: NetworkStage,
        schedule: DisturbanceSchedule,
    ) -> None:
        self.schedule, self._scene, self._devices, self._network = (
            schedule, scene, devices, network
        )  # fmt: skip
        n_lane, n_row = scene.n_lane, len(schedule.targets)
        self.seed = np.zeros(n_lane, np.uint64)
        self._events = LaneEvents(schedule.series, n_lane)
        self._n_in_force = np.zeros((n_row, n_lane), np.int32)
        self._factor = np.ones((n_row, n_lane))
        n_device = len(devices.in_order)
        self.is_out, self._is_tripped, self.is_stuck = np.zeros((3, n_device, n_lane), np.uint8)
        self.count, self.count_now = np.zeros((2, len(schedule.kinds), n_lane), np.int32)
        kinds = schedule.kinds
        self._kinds = np.arange(len(kinds), dtype=np.int32)
        self._kind_of = np.array([kinds.index(t.kind) for t in schedule.targets], np.int32)
        place = {m.owner: k for k, m in enumerate(devices.in_order)}
        self._device = [place[m.owner] for m in scene.members]
        self._spikes = self._rows("load_spike", "grid")
        self._trips = self._rows("generator_trip", "device")
        self._stuck = self._rows("tap_stuck", "device")
        self._stuck_regulators = self._rows("tap_stuck", "regulator")
        self._wire_devices()
        self._regulator_is_stuck: Mask | None = None
        if self._stuck_regulators.source.size:
            self._regulator_is_stuck = network.flow.hold_regulators()
        self._opened = self._find_openable()
        self._supply: Supply | None = None
        if self._opened.source.size:
            self._supply = Supply(scene, devices, network)

    # --- wiring -------------------------------------------------------------------------------

    def _rows(self, kind: str, table: str) -> Pairs:
        """Return rows of targets and which element of a table each is."""
        return pairs(
            [
                (row, self._device[t.element] if table == "device" else t.element)
                for row, t in enumerate(self.schedule.targets)
                if t.kind == kind and t.table == table
            ]
        )

    def _find_openable(self) -> Pairs:
        """Return rows of lines and switches and where each is in `PowerFlow.is_open`."""
        openable = self._network.flow.flow.openable
        place = {}
        if openable is not None:
            elements = [("line", row) for row in openable.lines]
            elements += [("switch", row) for row in openable.switches]
            place = {element: k for k, element in enumerate(elements)}
        return pairs(
            [
                (row, place[t.table, t.element])
                for row, t in enumerate(self.schedule.targets)
                if t.table in ("line", "switch")
            ]
        )

    def _wire_devices(self) -> None:
        """Tell the devices' stages where to look, and find what an outage does to features."""
        devices, scene = self._devices, self._scene
        can_be_out = bool(self._trips.source.size or self._network.flow.flow.openable is not None)
        devices.obstruct(
            self.is_out if can_be_out else None, self.is_stuck if self._stuck.source.size else None
        )
        available, status, hours = [], [], []
        for k, m in enumerate(devices.in_order):
            if not (can_be_out and is_switchable(m.device)):
                continue
            if hasattr(m.device, "available_power"):
                available.append((k, scene.slot(f"{m.owner}.availability.available_p_MW")))
            if getattr(getattr(m.device, "config", None), "commitment", False):
                status.append((k, scene.slot(f"{m.owner}.unit.status")))
                hours.append((k, scene.slot(f"{m.owner}.unit.hours_to_switch")))
        self._available, self._halted = pairs(available), pairs([*status, *hours])

    # --- in the order of a step ---------------------------------------------------------------

    def begin_episode(self, first: int, last: int, seeds: Any) -> None:
        """Draw the disturbances of lanes `first` to `last`, one seed each."""
        self.seed[first:last] = seeds
        self._events.draw(np.arange(first, last), self.seed[first:last], self.schedule.horizon_s)
        self.count_now[:, first:last] = 0

    def begin(self, first: int, last: int) -> None:
        """Bring into force what is at the start of each lane's present interval."""
        events, fixed = self._events, self.schedule.fixed
        scene, network = self._scene, self._network
        find_in_force(
            scene.step_number, scene.rules.step_s, fixed.start_s, fixed.end_s, fixed.row,
            fixed.size, events.begin, events.start_s, events.end_s, events.struck, events.size,
            events.n_event, events.head, self._n_in_force, self._factor, first, last,
        )  # fmt: skip
        copy_rows(self.count_now, self._kinds, self.count, self._kinds, first, last)
        add_up(self._n_in_force, self._kind_of, self.count_now, first, last)
        spikes, now = self._spikes, self._n_in_force
        if spikes.source.size:
            multiply_rows(
                self._factor, spikes.source, network.multiplier, spikes.target, first, last
            )
        any_of(now, self._stuck.source, self.is_stuck, self._stuck.target, first, last)
        if self._regulator_is_stuck is not None:
            rows = self._stuck_regulators
            any_of(now, rows.source, self._regulator_is_stuck, rows.target, first, last)
        any_of(now, self._trips.source, self._is_tripped, self._trips.target, first, last)
        for rows in (self._available, self._halted):  # so that agents see it
            zero_where(self._is_tripped, rows.source, scene.x, rows.target, first, last)

    def enact(self, first: int, last: int) -> None:
        """Open what is open in the present interval, before its commands are given.

        Until then voltages and flows are those of the interval before, and so is what is open.
        """
        is_dead = self._is_tripped
        if self._supply is not None:
            flow, rows = self._network.flow.flow, self._opened
            any_of(self._n_in_force, rows.source, flow.is_open, rows.target, first, last)
            self._supply.rewire(first, last)
            is_dead = self._supply.is_dead
        either(self._is_tripped, is_dead, self.is_out, first, last)
        for rows in (self._available, self._halted):
            zero_where(self.is_out, rows.source, self._scene.x, rows.target, first, last)
        if self._devices.hooked is not None:
            self._devices.hooked.begin_outages(first, last)

    def cut_supply(self, first: int, last: int) -> None:
        """Take the loads without supply out of the power flow's inputs."""
        if self._supply is not None:
            self._supply.cut(first, last)

    # --- what lanes are made of ---------------------------------------------------------------

    def events(self, lane: int) -> DisturbanceEvents:
        """Return the disturbances of a lane's episode."""
        return self.schedule.events_of(self._events, lane)

    def find(self, lanes: NDArray[np.intp]) -> None:
        """Find everything anew that follows from what was written to `arrays`."""
        self._events.draw(lanes, self.seed[lanes], self.schedule.horizon_s)
        if self._supply is not None:
            self._supply.recognise(lanes)

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, lanes on the last axis."""
        kept: list[NDArray[Any]] = [
            self.seed, self._n_in_force, self._is_tripped, self.is_out, self.is_stuck, self.count,
            self.count_now,
        ]  # fmt: skip
        if self._regulator_is_stuck is not None:
            kept.append(self._regulator_is_stuck)
        return kept
