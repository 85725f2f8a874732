"""Disturbances of one lane, object by object: the twin of the engine's stage and its draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from heron.reference.random import Stream, random_bits, to_uniform
from powergrid.agents.action_layout import device_action_dims
from powergrid.disturbances.schedule import DisturbanceSchedule, Series
from powergrid.disturbances.targets import Target

if TYPE_CHECKING:
    from powergrid.agents.device_agent import DeviceAgent
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.powerflow.lane import FlowLane

__all__ = ["ReferenceDisturbances", "draw_events"]

Event = tuple[float, float, int, float]  # start, end [s], row of the target, size


def draw_events(series: Series, seed: int, horizon_s: float) -> list[Event]:
    """Return the events of one series in the episode with a seed."""
    events: list[Event] = []
    time_s = 0.0
    for n in range(series.n_place):
        gap, lasts, which, how = (
            to_uniform(random_bits(seed, 0, series.number, Stream.DISTURBANCE, 4 * n + i))
            for i in range(4)
        )
        time_s += -math.log1p(-gap) / series.rate_per_s
        if time_s >= horizon_s:
            break
        duration_s = (
            series.first_s,
            -series.first_s * math.log1p(-lasts),
            series.first_s + lasts * (series.second_s - series.first_s),
        )[series.distribution]
        row = series.rows[min(int(which * len(series.rows)), len(series.rows) - 1)]
        size = series.low + how * (series.high - series.low)
        events.append((time_s, time_s + duration_s, int(row), size))
    return events


class ReferenceDisturbances:
    """What is disturbed in the lane of a `ReferenceSimulation`.

    Parameters
    ----------
    agents : mapping of str to PowerGridAgent
    distribution : DistributionGrid
    flow : FlowLane
    schedule : DisturbanceSchedule
    step_s : float
        Length of a step [s].

    Attributes
    ----------
    count : dict of str to int
        Disturbances in force in the present interval, by kind.
    """

    def __init__(
        self,
        agents: Mapping[str, PowerGridAgent],
        distribution: DistributionGrid,
        flow: FlowLane,
        schedule: DisturbanceSchedule,
        step_s: float,
    ) -> None:
        self._agents, self._distribution, self._flow = dict(agents), distribution, flow
        self._schedule, self._step_s = schedule, step_s
        self._devices = [d for agent in agents.values() for d in agent.devices.values()]
        self._events: list[Event] = []
        self._struck: set[Target] = set()
        self.count: dict[str, int] = {}

    def begin_episode(self, seed: int) -> None:
        """Draw the episode's disturbances."""
        schedule = self._schedule
        fixed = schedule.fixed
        self._events = list(
            zip(
                fixed.start_s.tolist(), fixed.end_s.tolist(), fixed.row.tolist(),
                fixed.size.tolist(), strict=True,
            )
        )  # fmt: skip
        for series in schedule.series:
            self._events += draw_events(series, seed, schedule.horizon_s)

    def begin_interval(self, k: int) -> None:
        """Bring into force what is at the start of interval `k`."""
        now_s = k * self._step_s
        present = [
            (self._schedule.targets[row], size)
            for start_s, end_s, row, size in self._events
            if start_s <= now_s < end_s
        ]
        kinds = [target.kind for target, _ in present]
        self.count = {kind: kinds.count(kind) for kind in self._schedule.kinds}
        grids: list[PowerGridAgent | DistributionGrid] = [
            *self._agents.values(), self._distribution
        ]  # fmt: skip
        for grid in grids:
            grid.load_spike = 1.0
        for target, size in present:
            if target.kind == "load_spike":
                grids[target.element].load_spike *= size
        struck = self._struck = {target for target, _ in present}
        out = {t.element for t in struck if t.kind == "generator_trip"}
        for number, device in enumerate(self._devices):
            if number in out:
                _halt(device)
        control = self._distribution.tap_control
        if control is not None:
            is_stuck = np.zeros((len(control.rows), 1), np.uint8)
            for target in struck:
                if target.table == "regulator":
                    is_stuck[target.element] = 1
            self._distribution.is_stuck = is_stuck

    def enact(self) -> None:
        """Open what is open in the present interval, before its commands are given."""
        self._rewire(self._struck)
        self._tell_devices(self._struck)

    def write_loads(self) -> None:
        """Take the loads without supply out of the power flow."""
        flow = self._flow
        dead = flow.flow.unsupplied(flow.lane)
        if dead is None:
            return
        flow.load_p_mw[dead.loads] = 0.0
        flow.load_q_mvar[dead.loads] = 0.0
        for agent in self._agents.values():
            served = flow.load_p_mw[agent.zone.load_rows]
            agent.state.grid.total_load_MW = float(served.sum())

    def _rewire(self, struck: set[Target]) -> None:
        flow, openable = self._flow.flow, self._flow.flow.openable
        if openable is None:
            return
        elements = [("line", row) for row in openable.lines]
        elements += [("switch", row) for row in openable.switches]
        opened = {(target.table, target.element) for target in struck}
        lane = self._flow.lane
        flow.is_open[:, lane] = [element in opened for element in elements]
        flow.rewire(lane, lane + 1)

    def _tell_devices(self, struck: set[Target]) -> None:
        out = {t.element for t in struck if t.kind == "generator_trip"}
        stuck = {t.element for t in struck if t.kind == "tap_stuck" and t.table == "device"}
        for number, device in enumerate(self._devices):
            device.is_stuck = number in stuck
            device.is_out = number in out or self._is_dead(device)
            if device.is_out:
                _halt(device)

    def _is_dead(self, device: DeviceAgent) -> bool:
        if device.element in ("", "trafo") or device.pp_idx < 0 or not device_action_dims(device):
            return False
        dead = self._flow.flow.unsupplied(self._flow.lane)
        if dead is None:
            return False
        if device.element == "storage":
            return self._flow.flow.rows.storage[device.pp_idx] in dead.storages
        return self._flow.flow.rows.sgen[device.pp_idx] in dead.sgens


def _halt(device: DeviceAgent) -> None:
    """Let features show that a device is out of service."""
    if hasattr(device, "available_power"):
        device.available_power = 0.0
        device.state.availability.available_p_MW = 0.0
    if getattr(getattr(device, "config", None), "commitment", False):
        device.state.unit.status = 0.0
        device.state.unit.hours_to_switch = 0.0
