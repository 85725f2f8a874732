"""The network's part of a step: loads and set-points in, voltages, flows and readings out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.lane_arrays import lane_array
from powergrid.engine.lane_flow import LaneFlow
from powergrid.engine.meters import AT_FROM, AT_TO, Metered, meter_rows, meter_terms
from powergrid.engine.rows import Pairs, pairs
from powergrid.engine.scene import Scene
from powergrid.kernels.transfer import copy_rows, measure, scale_rows, write_loads, write_switched
from powergrid.kernels.zone import read_lines, read_voltages
from powergrid.powerflow.power_flow import PowerFlow

if TYPE_CHECKING:
    from powergrid.envs.distribution_grid import DistributionGrid

__all__ = ["NetworkStage"]

FULL_LOAD_PERCENT = 100.0


class NetworkStage:
    """The power flow between the feature table and the devices' readings.

    Zones are the agents' parts of the network in their order, then the distribution grid.

    Attributes
    ----------
    flow : LaneFlow
        Inputs and results.
    multiplier : ndarray, (n_zone, n_lane)
        Load multipliers of the present interval.
    deviation, overload : ndarray, (n_zone, n_lane)
        Violations of voltages [p.u.] and of line loadings (fraction).
    load_row : ndarray of int32, (n_load,)
        Rows of `LaneFlow.p_mw` of the zones' loads, zone by zone.
    served_mw : ndarray, (n_agent, n_lane)
        Loads of the agents that have a supply [MW] at a multiplier of 1.
    injection_row : dict
        Row of the power flow's `p_mw` that a device's power goes to, by owner.
    """

    def __init__(
        self, scene: Scene, devices: DeviceStage, flow: PowerFlow, distribution: DistributionGrid
    ) -> None:
        self._scene, self._reading = scene, devices.reading
        self.flow = LaneFlow(flow, distribution.tap_control)
        self.tap_start = flow.tap_pos[:, 0].copy()
        zones = [*(agent.zone for agent in scene.agents), distribution.zone]
        self.multiplier, self.deviation, self.overload = (
            lane_array(len(zones), n_lane=scene.n_lane) for _ in range(3)
        )
        self._wire_loads(zones)
        self._capacitor = distribution.capacitor_rows.astype(np.int32)
        self._capacitors_off_below = distribution.capacitors_off_below
        self._voltage_band_pu = distribution.voltage_band_pu
        self._wire_set_points()
        self._wire_results()
        self._wire_zones(zones)
        self._wire_readings(devices)

    # --- wiring -------------------------------------------------------------------------------

    def _wire_loads(self, zones: list[Any]) -> None:
        loads = [(k, z, i) for k, z in enumerate(zones) for i in range(len(z.load_rows))]
        self._zone_of_load = np.array([k for k, _, _ in loads], np.int32)
        start = self.flow.injection["load"]
        self.load_row = np.array([start + z.load_rows[i] for _, z, i in loads], np.int32)
        self._base_p_mw = np.array([z.base_load_p_mw[i] for _, z, i in loads], np.float64)
        self._base_q_mvar = np.array([z.base_load_q_mvar[i] for _, z, i in loads], np.float64)
        agents = self._scene.agents
        self._agent_zone = np.arange(len(agents), dtype=np.int32)
        self._total_slot = np.array(
            [self._scene.slot(f"{a.agent_id}.grid.total_load_MW") for a in agents], np.int32
        )
        totals = np.array([a.zone.base_load_p_mw.sum() for a in agents])
        self.served_mw = np.repeat(totals[:, np.newaxis], self.multiplier.shape[1], axis=1)
        self._load_start = np.cumsum([0, *(len(z.load_rows) for z in zones)])

    def _wire_set_points(self) -> None:
        p, q, tap = [], [], []
        self.injection_row: dict[str, int] = {}
        flow, slot = self.flow, self._scene.slot
        for m in self._scene.members:
            device, rows = m.device, flow.rows
            if device.pp_idx < 0:
                continue
            if device.element == "trafo":
                tap.append((slot(f"{m.owner}.tap.tap"), rows.trafo[device.pp_idx]))
                continue
            table = "storage" if device.element == "storage" else "sgen"
            row = flow.injection[table] + getattr(rows, table)[device.pp_idx]
            self.injection_row[m.owner] = row
            p.append((slot(f"{m.owner}.electrical.p_MW"), row))
            q.append((slot(f"{m.owner}.electrical.q_MVAr"), row))
        self._p, self._q, self._tap = pairs(p), pairs(q), pairs(tap)

    def _wire_results(self) -> None:
        vm, va, p, loading = [], [], [], []
        slot, line = self._scene.slot, self.flow.branch["line"]
        for agent in self._scene.agents:
            name = agent.agent_id
            for k, row in enumerate(agent.zone.bus_rows.tolist()):
                vm.append((row, slot(f"{name}.bus_voltages.vm_pu[{k}]")))
            for k, row in enumerate(agent.zone.line_rows.tolist()):
                p.append((line + row, slot(f"{name}.line_flows.p_MW[{k}]")))
                loading.append((line + row, slot(f"{name}.line_flows.loading_pct[{k}]")))
        for m in self._scene.members:
            if m.device.bus_idx >= 0 and "electrical" in m.device.state.features:
                row = self.flow.rows.bus[m.device.bus_idx]
                vm.append((row, slot(f"{m.owner}.electrical.v_pu")))
                va.append((row, slot(f"{m.owner}.electrical.va_deg")))
        self._vm, self._va = pairs(vm), pairs(va)
        self._line_p, self._line_loading = pairs(p), pairs(loading)

    def _wire_zones(self, zones: list[Any]) -> None:
        line = self.flow.branch["line"]
        buses, lines = [z.bus_rows for z in zones], [z.line_rows + line for z in zones]
        self._bus, self._line = (np.concatenate(x).astype(np.int32) for x in (buses, lines))
        self._bus_start, self._line_start = (
            np.cumsum([0, *(len(part) for part in x)]).astype(np.int32) for x in (buses, lines)
        )
        n, agents = len(zones), self._scene.agents
        self._extremes = lane_array(3 * n, n_lane=self._scene.n_lane)
        self._lowest, self._highest, self._most_loaded = (
            self._extremes[k * n : (k + 1) * n] for k in range(3)
        )
        names = ("bus_voltages.v_min", "bus_voltages.v_max", "line_flows.max_loading")
        self._extreme = pairs(
            [
                (k * n + zone, self._scene.slot(f"{agent.agent_id}.{name}"))
                for k, name in enumerate(names)
                for zone, agent in enumerate(agents)
            ]
        )

    def _wire_readings(self, devices: DeviceStage) -> None:
        """Find what each reading is taken from."""
        flow, row_of = self.flow, devices.reading_row
        p: list[Metered] = []
        q: list[Metered] = []
        copied: dict[str, list[tuple[int, int]]] = {
            "loading_percent": [], "vm_pu": [], "va_degree": []
        }  # fmt: skip
        taken = set()
        for m in self._scene.members:
            device = m.device
            terms = meter_terms(device, self._scene.agents[m.agent].meter, flow)
            for name, found in (("p_mw", p), ("q_mvar", q)):
                if terms is not None and (m.owner, name) in row_of:
                    found.append((terms, row_of[m.owner, name]))
                    taken.add((m.owner, name))
            sources = {}
            if device.element == "trafo" and device.pp_idx >= 0:
                sources["loading_percent"] = flow.branch["trafo"] + flow.rows.trafo[device.pp_idx]
            if device.bus_idx >= 0:
                sources |= dict.fromkeys(("vm_pu", "va_degree"), flow.rows.bus[device.bus_idx])
            for name, row in sources.items():
                if (m.owner, name) in row_of:
                    copied[name].append((row, row_of[m.owner, name]))
                    taken.add((m.owner, name))
        devices.forget_unmeasured(taken)
        self._p_meter, self._q_meter = meter_rows(p), meter_rows(q)
        self._copied: list[tuple[NDArray[np.float64], Pairs]] = [
            (getattr(flow, name), pairs(rows)) for name, rows in copied.items() if rows
        ]

    def tell_only_what_is_read(self) -> None:
        """Let solves write no more results than the stages of a step read."""
        angles = [rows.source for source, rows in self._copied if source is self.flow.va_degree]
        metered = [
            meter.row[(meter.kind == AT_TO) | (meter.kind == AT_FROM)]
            for meter in (self._p_meter, self._q_meter)
        ]
        self.flow.tell_only(np.concatenate([self._va.source, *angles]), np.concatenate(metered))

    # --- in the order of a step ----------------------------------------------------------------

    def reset(self, first: int, last: int) -> None:
        """Begin an episode: taps at their start, and a solution that depends on nothing before."""
        self.flow.tap_pos[:, first:last] = self.tap_start[:, np.newaxis]
        self.flow.forget(first, last)

    def base_load_mw(self, is_dead: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the agents' loads at a multiplier of 1, (n_agent,), but for those without supply.

        `is_dead` is (n_load,), in the order of `load_row`.
        """
        served, start = np.where(is_dead != 0, 0.0, self._base_p_mw), self._load_start
        return np.array([served[start[k] : start[k + 1]].sum() for k in self._agent_zone])

    def write_inputs(self, first: int, last: int) -> None:
        """Write loads, capacitors, set-points and taps to the power flow."""
        flow, x = self.flow, self._scene.x
        write_loads(
            self.multiplier, self._zone_of_load, self._base_p_mw, self._base_q_mvar,
            self.load_row, flow.p_mw, flow.q_mvar, first, last,
        )  # fmt: skip
        scale_rows(
            self.multiplier, self._agent_zone, self.served_mw, x, self._total_slot, first, last
        )
        if self._capacitor.size:
            write_switched(
                self.multiplier, len(self._agent_zone), self._capacitors_off_below,
                flow.shunt_step, self._capacitor, first, last,
            )  # fmt: skip
        copy_rows(x, self._p.source, flow.p_mw, self._p.target, first, last)
        copy_rows(x, self._q.source, flow.q_mvar, self._q.target, first, last)
        if self._tap.source.size:
            copy_rows(x, self._tap.source, flow.tap_pos, self._tap.target, first, last)

    def settle(self, first: int, last: int, worker: int) -> int:
        """Solve the power flow with the regulators where they settle; return how many solves."""
        return self.flow.settle(first, last, worker)

    def read_results(self, first: int, last: int) -> None:
        """Take voltages and flows over into the table, measure the zones, read the meters.

        Where there is no solution the last one's values stand, and so do the meters.
        """
        flow, x = self.flow, self._scene.x
        copy_rows(flow.vm_pu, self._vm.source, x, self._vm.target, first, last)
        copy_rows(flow.va_degree, self._va.source, x, self._va.target, first, last)
        copy_rows(flow.p_from_mw, self._line_p.source, x, self._line_p.target, first, last)
        copy_rows(
            flow.loading_percent, self._line_loading.source, x, self._line_loading.target,
            first, last,
        )  # fmt: skip
        read_voltages(
            flow.vm_pu, self._bus, self._bus_start, *self._voltage_band_pu, self.deviation,
            self._lowest, self._highest, first, last,
        )  # fmt: skip
        read_lines(
            flow.loading_percent, self._line, self._line_start, FULL_LOAD_PERCENT, self.overload,
            self._most_loaded, first, last,
        )  # fmt: skip
        copy_rows(self._extremes, self._extreme.source, x, self._extreme.target, first, last)
        p, q = self._p_meter, self._q_meter
        if p.to.size:
            measure(
                flow.p_mw, flow.p_from_mw, flow.p_to_mw, flow.p_source_mw, flow.status,
                p.start, p.kind, p.row, p.factor, self._reading, p.to, first, last,
            )  # fmt: skip
        if q.to.size:
            measure(
                flow.q_mvar, flow.q_from_mvar, flow.q_to_mvar, flow.q_source_mvar, flow.status,
                q.start, q.kind, q.row, q.factor, self._reading, q.to, first, last,
            )  # fmt: skip
        for source, rows in self._copied:
            copy_rows(source, rows.source, self._reading, rows.target, first, last)

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, but the power flow; lanes on the last axis."""
        return [self.multiplier, self.deviation, self.overload]
