"""One step of all lanes, as a row of stages over ``[row, lane]`` arrays.

    set_points      actions -> devices' own units -> set-points within their limits
    write_inputs    loads, capacitors, set-points and taps -> power flow
    (settle)        power flow, regulators settled
    read_results    voltages, flows, meters -> feature table
    advance         devices live through the interval
    book            cost, safety and their parts
    pay             rewards
    begin_interval  prices, clock, forecasts and available power of the next interval
    observe         observations by gather

Every stage takes the lanes ``first`` to ``last`` (half open) and touches no others, so workers may
take disjoint lanes at once. Nothing is allocated on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.core.feature_table import FeatureTable
from powergrid.agents.action_layout import device_action_dims
from powergrid.agents.grid import Grid
from powergrid.agents.observation_layout import ObservationLayout
from powergrid.agents.renewable import RenewableGenerator
from powergrid.agents.renewable_profile import profile_of, rated_power
from powergrid.engine import wiring
from powergrid.engine.hooked_devices import HookedDevices
from powergrid.engine.kind_group import KindGroup, group_by_kind
from powergrid.engine.lane_arrays import lane_array, whole_rows
from powergrid.engine.lane_flow import LaneFlow
from powergrid.engine.members import acts_by_itself, members_of
from powergrid.engine.parameters import ParameterTable
from powergrid.engine.rules import Rules
from powergrid.engine.series import LaneSeries, is_fixed
from powergrid.kernels.action_map import to_device_units
from powergrid.kernels.books import add_rates, pay, sum_up
from powergrid.kernels.observe import observe, observe_scaled
from powergrid.kernels.profiles import clock, fluctuating, forecast, present, scale_forecast
from powergrid.kernels.transfer import (
    available_power,
    copy_rows,
    exchange,
    measure,
    scale_rows,
    write_loads,
    write_switched,
)
from powergrid.kernels.zone import read_zones
from powergrid.powerflow.power_flow import PowerFlow
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.envs.episode_source import EpisodeSource

__all__ = ["Engine"]

Array = NDArray[np.float64]


class Engine:
    """All lanes of an environment.

    Parameters
    ----------
    agents : sequence of PowerGridAgent
        In their initial state, their features in lane 0 of `table`.
    table : FeatureTable
        Of `n_lane` lanes.
    flow : PowerFlow
        Of the whole network, of as many lanes.
    distribution : DistributionGrid
        What belongs to no agent.
    source : EpisodeSource
        Series.
    layouts : sequence of ObservationLayout
        Of each agent.
    rules : Rules
        Time and pay.
    initial : ndarray, (n_slot,), optional
        What the features are at the start of an episode. The engine then has features of its own
        instead of the table's, and agents and table only say what is where.

    Attributes
    ----------
    actions : ndarray, (n_lane, n_agent, n_entry)
        To be written before `set_points`: flat actions in [-1, 1], finite; shorter ones end early.
    observations : ndarray of float32, (n_lane, n_agent, n_obs)
        Written by `observe`.
    reward : ndarray, (n_lane, n_agent)
        Written by `pay`.
    cost, safety, counted : ndarray, (n_agent, n_lane)
        Cost [$] and safety of the last step, and the safety that counts, which differs where the
        power flow failed.
    part : ndarray, (n_part, n_lane)
        Cost [$] by agent and cause; `part_row` says which is where.
    violation : ndarray, (4, n_agent, n_lane)
        Safety by kind: devices, voltages, lines, share of the distribution grid's.
    bought, sold : ndarray, (n_agent, n_lane)
        Energy through each meter [MWh].
    episode : ndarray, (3, n_agent, n_lane)
        Sums of cost, counted safety and reward since the start of the episode.
    status : ndarray of int8, (n_lane,)
        Of the last power flow, see `LaneStatus`.
    step_number : ndarray of int64, (n_lane,)
        Steps since the start of the episode.
    """

    def __init__(
        self,
        agents: Sequence[PowerGridAgent],
        table: FeatureTable,
        flow: PowerFlow,
        distribution: DistributionGrid,
        source: EpisodeSource,
        layouts: Sequence[ObservationLayout],
        rules: Rules,
        initial: Array | None = None,
    ) -> None:
        n_lane = flow.n_lane
        self.n_lane, self.rules, self.agents = n_lane, rules, list(agents)
        self.n_agent = len(agents)
        self.table = table
        self.x = lane_array(len(table), n_lane=n_lane)
        if initial is None:
            self.x = whole_rows(table.values)
            initial = self.x[:, 0]
        self._slot = {name: k for k, name in enumerate(table.slot_names)}
        self.initial = initial.copy()
        self.flow = LaneFlow(flow, distribution.tap_control)
        self.status = flow.status
        self._tap_start = flow.tap_pos[:, 0].copy()
        self.step_number = np.zeros(n_lane, np.int64)
        self._numbers = np.arange(n_lane, dtype=np.int32)
        self._day_s, self._week_s = np.zeros(n_lane), np.zeros(n_lane)
        self.members = members_of(agents)
        self.groups = group_by_kind(self.members, self._slot.__getitem__, n_lane)
        self._wire_devices(agents)
        self._wire_flow(agents, distribution)
        self._wire_series(agents, distribution, source)
        self._wire_books()
        self._wire_observations(layouts)
        self.parameters = ParameterTable(self, distribution.config.name)

    # --- wiring -------------------------------------------------------------------------------

    def _wire_devices(self, agents: Sequence[PowerGridAgent]) -> None:
        """Lay out actions, readings, rates and violations: group after group, then the hooked."""
        hooked = [m for m in self.members if m.kernels is None]
        self.hooked: HookedDevices | None = None
        if hooked:
            self.hooked = HookedDevices(
                agents, hooked, self.x, self.table.slots, self.n_lane, self.rules.dt_h
            )
        self._in_order = [m for group in self.groups for m in group.members] + hooked
        n_lane, n_device = self.n_lane, len(self._in_order)
        unit_row: dict[tuple[str, int], int] = {}
        n_unit, n_rate = 0, 0
        for group in self.groups:
            for k, m in enumerate(group.members):
                for entry in range(group.n_action):
                    unit_row[m.owner, entry] = n_unit + entry * len(group) + k
            n_unit += group.n_action * len(group)
            n_rate += len(group.kernels.cost_parts) * len(group)
        hooked_units = []
        for m in hooked:
            # Who acts by itself is given the flat action.
            n = 0 if acts_by_itself(agents[m.agent]) else len(device_action_dims(m.device))
            unit_row.update({(m.owner, entry): n_unit + entry for entry in range(n)})
            hooked_units.append(slice(n_unit, n_unit + n))
            n_unit += n
        names = [agent.agent_id for agent in agents]
        self._action_rows = wiring.action_rows(
            agents, lambda number, device, entry: unit_row.get((f"{names[number]}/{device}", entry))
        )
        n_entry = max((agent.action_layout.size for agent in agents), default=0)
        self.actions = np.zeros((n_lane, self.n_agent, n_entry))
        self._idle = np.zeros((self.n_agent, n_entry))
        for number, agent in enumerate(agents):
            self._idle[number, : agent.action_layout.size] = agent.idle_action()
        self._units = lane_array(n_unit, n_lane=n_lane)
        self._hooked_units = [self._units[rows] for rows in hooked_units]
        self._rate = lane_array(n_rate, n_lane=n_lane)
        self._device_safety = lane_array(n_device, n_lane=n_lane)
        self._hooked_safety = self._device_safety[n_device - len(hooked) :]
        unit = rate = device = 0
        stride = self._units.shape[-1]
        for group in self.groups:
            n, n_part = len(group), len(group.kernels.cost_parts)
            group.units = self._units[unit : unit + group.n_action * n].reshape(-1, n, stride)
            group.rate = self._rate[rate : rate + n_part * n].reshape(-1, n, stride)
            group.safety = self._device_safety[device : device + n]
            unit, rate, device = unit + group.n_action * n, rate + n_part * n, device + n

    def _wire_flow(
        self, agents: Sequence[PowerGridAgent], distribution: DistributionGrid
    ) -> None:
        slot_of, flow = self._slot.__getitem__, self.flow
        self._loads = wiring.load_rows(agents, distribution, flow)
        n_zone = self.n_agent + 1
        self._multiplier = lane_array(n_zone, n_lane=self.n_lane)
        self._total_load_slot = np.array(
            [slot_of(f"{agent.agent_id}.grid.total_load_MW") for agent in agents], dtype=np.int32
        )
        self._agent_zones = np.arange(self.n_agent, dtype=np.int32)
        self._total_load = np.repeat(
            self._loads.total_p_mw[: self.n_agent, np.newaxis], self._multiplier.shape[1], axis=1
        )
        self._capacitors = distribution.capacitor_rows.astype(np.int32)
        self._capacitors_off_below = distribution.capacitors_off_below
        self._p_rows, self._q_rows, self._tap_rows = wiring.set_point_rows(
            self.members, flow, slot_of
        )
        self._vm, self._va, self._line_p, self._line_loading = wiring.voltage_rows(
            agents, self.members, flow, slot_of
        )
        self._zones = wiring.zone_rows(agents, distribution, flow)
        n_line = np.diff(self._zones.line_start)
        self._extremes_slot = np.array(
            [
                [
                    slot_of(f"{agent.agent_id}.bus_voltages.v_min"),
                    slot_of(f"{agent.agent_id}.bus_voltages.v_max"),
                    slot_of(f"{agent.agent_id}.line_flows.max_loading") if n_line[k] else -1,
                ]
                for k, agent in enumerate(agents)
            ]
            + [[-1, -1, -1]],
            dtype=np.int32,
        )
        self._deviation, self._overload = (lane_array(n_zone, n_lane=self.n_lane) for _ in range(2))
        self._wire_readings(agents)

    def _wire_readings(self, agents: Sequence[PowerGridAgent]) -> None:
        """Give every reading that a device asks for a row."""
        n_lane, flow, n_row = self.n_lane, self.flow, 0
        rows: dict[tuple[str, str], int] = {}
        for group in self.groups:
            for i, name in enumerate(group.kernels.measures):
                for k, m in enumerate(group.members):
                    rows[m.owner, name] = n_row + i * len(group) + k
            n_row += len(group.kernels.measures) * len(group)
        for m in self._in_order[len(self._in_order) - len(self._hooked_units) :]:
            for name in wiring.MEASURES:
                rows[m.owner, name] = n_row
                n_row += 1
        p, q, loading, vm, va = [], [], [], [], []
        unread = []
        for m in self.members:
            terms = wiring.meter_terms(m, agents[m.agent].meter, flow)
            for name, found in (("p_mw", p), ("q_mvar", q)):
                if (m.owner, name) not in rows:
                    continue
                if terms is None:
                    unread.append((m.owner, name))
                else:
                    found.append((terms, rows[m.owner, name]))
            if (m.owner, "loading_percent") in rows:
                if m.device.element == "trafo" and m.device.pp_idx >= 0:
                    row = flow.branch["trafo"] + flow.flow.rows.trafo[m.device.pp_idx]
                    loading.append((row, rows[m.owner, "loading_percent"]))
                else:
                    unread.append((m.owner, "loading_percent"))
            for name, found_v in (("vm_pu", vm), ("va_degree", va)):
                if (m.owner, name) in rows:
                    if m.device.bus_idx >= 0:
                        row = flow.flow.rows.bus[m.device.bus_idx]
                        found_v.append((row, rows[m.owner, name]))
                    else:
                        unread.append((m.owner, name))
        self._p_meters, self._q_meters = wiring.meter_rows(p), wiring.meter_rows(q)
        self._loading_rows = wiring.pairs(loading)
        self._vm_rows, self._va_rows = wiring.pairs(vm), wiring.pairs(va)
        self._readings = lane_array(n_row, n_lane=n_lane)
        start, stride = 0, self._readings.shape[-1]
        for group in self.groups:
            n = len(group.kernels.measures) * len(group)
            group.measured = self._readings[start : start + n].reshape(-1, len(group), stride)
            start += n
        for key in unread:
            del rows[key]
        self._hooked_readings = np.array(
            [
                [rows.get((m.owner, name), -1) for name in wiring.MEASURES]
                for m in self._in_order[len(self._in_order) - len(self._hooked_units) :]
            ],
            dtype=np.int32,
        ).reshape(-1, len(wiring.MEASURES))

    def _wire_series(
        self,
        agents: Sequence[PowerGridAgent],
        distribution: DistributionGrid,
        source: EpisodeSource,
    ) -> None:
        n_lane, slot_of = self.n_lane, self._slot.__getitem__
        dso = distribution.config
        areas = [
            (a.config_model.load_area or dso.load_area, a.config_model.renew_area) for a in agents
        ]
        self.series = LaneSeries(source, [*areas, (dso.load_area, None)], n_lane)
        row = self.series.row
        self._load_series = np.array([row[k, "load"] for k in range(self.n_agent + 1)], np.int32)
        self._zone_rows = np.arange(self.n_agent + 1, dtype=np.int32)
        stride = self._multiplier.shape[1]
        factors = [*(agent.load_factor for agent in agents), 1.0]
        self.load_factor = np.repeat(np.array(factors)[:, np.newaxis], stride, axis=1)
        market = [k for k, agent in enumerate(agents) if not is_fixed(agent, "price")]
        self._price_series = np.array([row[k, "price"] for k in market], np.int32)
        price_slot = [slot_of(f"{agent.agent_id}.market.price") for agent in agents]
        self._price_slot = np.array([price_slot[k] for k in market], np.int32)
        self.price_factor = np.ones((len(market), stride))
        if self.rules.n_forecast:
            self._price_forecast_slot = np.array(
                [slot_of(f"{agents[k].agent_id}.forecast.price[0]") for k in market], np.int32
            )
        for number, agent in enumerate(agents):
            if number not in market:
                price = agent.config_model.grid_price
                self.initial[price_slot[number]] = price
                for k in range(self.rules.n_forecast):
                    self.initial[slot_of(f"{agent.agent_id}.forecast.price[{k}]")] = price
        self._all_price_slots = np.array(price_slot, np.int32)
        self._clock_slot = np.array(
            [
                [slot_of(f"{agent.agent_id}.clock.{name}") for name in agent.state.clock.names()]
                for agent in agents
            ],
            dtype=np.int32,
        )
        self._forecast_series, self._forecast_slot = self.series.forecast_rows(
            agents, slot_of, self.rules.n_forecast
        )
        renewable = [m for m in self.members if hasattr(m.device, "available_power")]
        self._renewable_series = np.array(
            [row[m.agent, profile_of(m.device)] for m in renewable], np.int32
        )
        self._renewable_slot = np.array(
            [slot_of(f"{m.owner}.availability.available_p_MW") for m in renewable], np.int32
        )
        self.rated_mw = np.repeat(
            np.array([rated_power(m.device) for m in renewable])[:, np.newaxis].reshape(-1, 1),
            stride,
            axis=1,
        )
        self._is_limited = np.array([isinstance(m.device, RenewableGenerator) for m in renewable])
        self.renewable_row = {m.owner: k for k, m in enumerate(renewable)}

    def _wire_books(self) -> None:
        """Say which rate is whose and for what; parts in the order in which agents list them."""
        n_lane = self.n_lane
        self.part_row: dict[tuple[int, str], int] = {}
        rate_row: dict[tuple[str, str], int] = {}
        n_rate = 0
        for group in self.groups:
            for i, name in enumerate(group.kernels.cost_parts):
                for k, m in enumerate(group.members):
                    rate_row[m.owner, name] = n_rate + i * len(group) + k
            n_rate += len(group.kernels.cost_parts) * len(group)
        order, part_of_rate = [], np.zeros(n_rate, np.int32)
        for m in self.members:
            for name in m.kernels.cost_parts if m.kernels is not None else ():
                row = rate_row[m.owner, name]
                order.append(row)
                part_of_rate[row] = self.part_row.setdefault((m.agent, name), len(self.part_row))
        self._rate_order, self._part_of_rate = np.array(order, np.int32), part_of_rate
        self._agent_of_device = np.array([m.agent for m in self._in_order], np.int32)
        self.part = lane_array(0, n_lane=n_lane)
        self._make_parts()
        n = self.n_agent
        self.cost, self.safety, self.counted, self.bought, self.sold = (
            lane_array(n, n_lane=n_lane) for _ in range(5)
        )
        self.violation, self.episode = lane_array(4, n, n_lane=n_lane), lane_array(3, n, n_lane=n_lane)
        self.reward = np.zeros((n_lane, n))
        slot = [-1] * n
        for m in self.members:
            if isinstance(m.device, Grid):
                slot[m.agent] = self._slot[f"{m.owner}.electrical.p_MW"]
        self._exchange_slot = np.array(slot, np.int32)

    def _make_parts(self) -> None:
        """Make room for every known part of the cost, keeping what there is."""
        part = lane_array(len(self.part_row), n_lane=self.n_lane)
        part[: len(self.part)] = self.part
        self.part = part
        self._agent_of_part = np.array([agent for agent, _ in self.part_row], np.int32)

    def _wire_observations(self, layouts: Sequence[ObservationLayout]) -> None:
        n_obs = max((len(layout.slots) for layout in layouts), default=0)
        shape = (self.n_agent, n_obs)
        self._observed, self._n_observed = np.zeros(shape, np.int32), np.zeros(len(layouts), np.int32)
        self._offset, self._scale = np.zeros(shape), np.ones(shape)
        for k, layout in enumerate(layouts):
            n = len(layout.slots)
            self._n_observed[k] = n
            self._observed[k, :n] = layout.slots
            self._offset[k, :n], self._scale[k, :n] = layout.offset, layout.scale
        self._is_scaled = bool(self._offset.any() or (self._scale != 1.0).any())
        self.observations = np.zeros((self.n_lane, *shape), np.float32)

    # --- an episode and a step ----------------------------------------------------------------

    def start(
        self,
        first: int,
        last: int,
        days: Sequence[int],
        noise_seeds: Sequence[int | None],
        worker: int = 0,
    ) -> None:
        """Begin an episode in each lane and solve its first power flow with idle devices.

        `status` says whether that converged; `observe` is left to the caller.

        Parameters
        ----------
        days, noise_seeds : sequence
            Day of the split and key of the fluctuation, one for each of the lanes.
        """
        for lane, day, noise_seed in zip(range(first, last), days, noise_seeds, strict=True):
            self._day_s[lane], self._week_s[lane] = self.series.start_s(day)
            self.series.begin_episode(lane, day, noise_seed)
        lanes = slice(first, last)
        self.parameters.put_in_force(first, last)
        self.x[:, lanes] = self.initial[:, np.newaxis]
        self.step_number[lanes] = 0
        self.episode[:, :, lanes] = 0.0
        self._readings[:, lanes] = 0.0
        self.flow.tap_pos[:, lanes] = self._tap_start[:, np.newaxis]
        self.flow.forget(first, last)
        for group in self.groups:
            group.memory[:, :, lanes] = 0.0
            group.kernels.start(
                self.x, group.slot, group.parameters, group.memory, self._numbers[first:last]
            )
        if self.hooked is not None:
            self.hooked.reset(first, last)
        self.begin_interval(first, last)
        self.actions[lanes] = self._idle
        self.set_points(first, last)
        self.write_inputs(first, last)
        self.flow.settle(first, last, worker)
        self.read_results(first, last)
        self.advance(first, last, 0.0)

    def step(self, first: int, last: int, worker: int = 0) -> None:
        """Live through one interval with `actions`, up to the observations of the next one."""
        self.set_points(first, last)
        self.write_inputs(first, last)
        self.flow.settle(first, last, worker)
        self.read_results(first, last)
        self.advance(first, last, self.rules.dt_h)
        self.book(first, last)
        self.pay(first, last)
        self.step_number[first:last] += 1
        self.begin_interval(first, last)
        self.observe(first, last)

    # --- the stages ---------------------------------------------------------------------------

    def set_points(self, first: int, last: int) -> None:
        """Turn flat actions into set-points within the devices' limits."""
        rows, units, x, dt_h = self._action_rows, self._units, self.x, self.rules.dt_h
        to_device_units(
            self.actions, rows.agent, rows.entry, rows.low, rows.high, rows.n_option, rows.row,
            units, first, last,
        )  # fmt: skip
        for group in self.groups:
            if group.n_action:
                group.kernels.set_point(
                    x, group.slot, group.parameters, group.memory, group.units, dt_h, first, last
                )
        if self.hooked is not None:
            self.hooked.set_points(self.actions, self._hooked_units, first, last)

    def write_inputs(self, first: int, last: int) -> None:
        """Write loads, capacitors, set-points and taps to the power flow."""
        loads, flow, x = self._loads, self.flow, self.x
        write_loads(
            self._multiplier, loads.zone, loads.base_p_mw, loads.base_q_mvar, loads.row,
            flow.p_mw, flow.q_mvar, first, last,
        )  # fmt: skip
        scale_rows(
            self._multiplier, self._agent_zones, self._total_load, x, self._total_load_slot,
            first, last,
        )  # fmt: skip
        if self._capacitors.size:
            write_switched(
                self._multiplier, self.n_agent, self._capacitors_off_below,
                flow.shunt_step, self._capacitors, first, last,
            )  # fmt: skip
        copy_rows(x, self._p_rows.source, flow.p_mw, self._p_rows.target, first, last)
        copy_rows(x, self._q_rows.source, flow.q_mvar, self._q_rows.target, first, last)
        if self._tap_rows.source.size:
            copy_rows(x, self._tap_rows.source, flow.tap_pos, self._tap_rows.target, first, last)

    def read_results(self, first: int, last: int) -> None:
        """Take voltages, flows and readings over into the table, and measure the zones."""
        flow, x, readings, zones = self.flow, self.x, self._readings, self._zones
        copy_rows(flow.vm_pu, self._vm.source, x, self._vm.target, first, last)
        copy_rows(flow.va_degree, self._va.source, x, self._va.target, first, last)
        copy_rows(flow.p_from_mw, self._line_p.source, x, self._line_p.target, first, last)
        copy_rows(
            flow.loading_percent, self._line_loading.source, x, self._line_loading.target,
            first, last,
        )  # fmt: skip
        read_zones(
            flow.vm_pu, zones.bus, zones.bus_start, flow.loading_percent, zones.line,
            zones.line_start, V_MIN_PU, V_MAX_PU, x, self._extremes_slot,
            self._deviation, self._overload, first, last,
        )  # fmt: skip
        p, q = self._p_meters, self._q_meters
        if p.to.size:
            measure(
                flow.p_mw, flow.p_from_mw, flow.p_to_mw, flow.p_source_mw, self.status,
                p.start, p.kind, p.row, p.factor, readings, p.to, first, last,
            )  # fmt: skip
        if q.to.size:
            measure(
                flow.q_mvar, flow.q_from_mvar, flow.q_to_mvar, flow.q_source_mvar, self.status,
                q.start, q.kind, q.row, q.factor, readings, q.to, first, last,
            )  # fmt: skip
        for rows, source in (
            (self._loading_rows, flow.loading_percent),
            (self._vm_rows, flow.vm_pu),
            (self._va_rows, flow.va_degree),
        ):
            if rows.source.size:
                copy_rows(source, rows.source, readings, rows.target, first, last)

    def advance(self, first: int, last: int, dt_h: float) -> None:
        """Let `dt_h` hours pass in the devices; with 0, at the start, only meters read."""
        for group in self.groups:
            if dt_h > 0.0 or "p_mw" in group.kernels.measures:
                group.kernels.advance(
                    self.x, group.slot, group.parameters, group.memory, group.measured, dt_h,
                    first, last,
                )  # fmt: skip
        if self.hooked is not None:
            self.hooked.advance(self._readings, self._hooked_readings, dt_h, first, last)

    def book(self, first: int, last: int) -> None:
        """Work out cost and safety of the interval and their parts."""
        dt_h = self.rules.dt_h
        for group in self.groups:
            group.kernels.cost_safety(
                self.x, group.slot, group.parameters, group.memory, dt_h, group.rate, group.safety,
                first, last,
            )  # fmt: skip
        add_rates(
            self._rate, self._rate_order, self._part_of_rate, dt_h, self.part, first, last
        )
        if self.hooked is not None:
            self.hooked.book(self._hooked_safety, first, last)
            self._add_hooked_parts(self.hooked, first, last)
        sum_up(
            self.part, self._agent_of_part, self._device_safety, self._agent_of_device,
            self._deviation, self._overload, self.n_agent, self.cost, self.violation, self.safety,
            first, last,
        )  # fmt: skip
        exchange(
            self.x, self._exchange_slot, self.status, dt_h, self.bought, self.sold, first, last
        )

    def _add_hooked_parts(self, hooked: HookedDevices, first: int, last: int) -> None:
        new = {
            key
            for lane in range(first, last)
            for key in hooked.cost_by_cause[lane]
            if key not in self.part_row
        }
        for key in sorted(new):
            self.part_row[key] = len(self.part_row)
        if new:
            self._make_parts()
        for lane in range(first, last):
            for key, rate in hooked.cost_by_cause[lane].items():
                self.part[self.part_row[key], lane] += rate * self.rules.dt_h

    def pay(self, first: int, last: int) -> None:
        """Turn cost and safety into rewards."""
        rules = self.rules
        pay(
            self.cost, self.safety, self.status, rules.penalty, rules.share_reward,
            rules.failure_reward, rules.failure_safety, self.counted, self.reward, self.episode,
            first, last,
        )  # fmt: skip

    def begin_interval(self, first: int, last: int) -> None:
        """Set prices, clock, forecasts and available power of each lane's present interval."""
        series, x, k, step_s = self.series, self.x, self.step_number, self.rules.step_s
        present(
            series.data, self._day_s, k, step_s, series.row_s, series.is_linear,
            series.now, first, last,
        )  # fmt: skip
        if series.actual is not None:
            fluctuating(series.actual, k, series.now, first, last)
        if self._forecast_slot.size:
            forecast(
                series.data, self._forecast_series, self._forecast_slot, self.rules.n_forecast,
                self._day_s, k, step_s, series.row_s, series.is_linear, x, first, last,
            )  # fmt: skip
            if self.parameters.has_price_factor:
                scale_forecast(
                    x, self._price_forecast_slot, self.rules.n_forecast, self.price_factor,
                    first, last,
                )  # fmt: skip
        clock(self._week_s, k, step_s, self._clock_slot, x, first, last)
        scale_rows(
            series.now, self._load_series, self.load_factor, self._multiplier, self._zone_rows,
            first, last,
        )  # fmt: skip
        scale_rows(
            series.now, self._price_series, self.price_factor, x, self._price_slot, first, last
        )
        if self._renewable_slot.size:
            available_power(
                series.now, self._renewable_series, self.rated_mw, self._is_limited,
                x, self._renewable_slot, first, last,
            )  # fmt: skip
        if self.hooked is not None:
            self.hooked.begin_interval(self._all_price_slots, first, last)

    def observe(self, first: int, last: int) -> None:
        """Gather the observations."""
        if self._is_scaled:
            observe_scaled(
                self.x, self._observed, self._n_observed, self._offset, self._scale,
                self.observations, first, last,
            )  # fmt: skip
        else:
            observe(self.x, self._observed, self._n_observed, self.observations, first, last)

    # --- what lanes are made of ---------------------------------------------------------------

    def own_arrays(self) -> list[NDArray[Any]]:
        """Return the engine's arrays that outlive a step, lanes on their last axis."""
        n_lane, series = self.n_lane, self.series
        arrays = [
            self._multiplier, self._readings, self.load_factor, self.price_factor,
            self.rated_mw,
            series.now, self.part, self.cost, self.safety, self.counted, self.violation,
            self.episode, self.bought, self.sold, self._deviation, self._overload,
            self.step_number, self._day_s, self._week_s, self.reward.T,
            np.moveaxis(self.observations, 0, -1),
        ]  # fmt: skip
        if series.actual is not None:
            arrays.append(series.actual)
        for group in self.groups:
            arrays += [group.parameters, group.memory]
        arrays += self.parameters.staged
        return [array[..., :n_lane] for array in arrays]

    def lane_arrays(self) -> list[NDArray[Any]]:
        """Return all arrays that make up a lane: the engine's own, features and power flow."""
        return [*self.own_arrays(), self.x[:, : self.n_lane], *self.flow.state_arrays()]

    def know_parts(self, part_row: Mapping[tuple[int, str], int]) -> None:
        """Learn the rows of parts of the cost that another engine of this environment has."""
        if part_row.items() <= self.part_row.items():
            return
        self.part_row = {**part_row, **self.part_row} if len(part_row) > len(self.part_row) else self.part_row
        self._make_parts()

    def kept(self) -> dict[str, Any]:
        """Return what a copy of the engine needs beside the copied table and power flow."""
        return {
            "initial": self.initial.copy(),
            "tap_start": self._tap_start.copy(),
            "part_row": dict(self.part_row),
            "arrays": [array.copy() for array in self.own_arrays()],
            "causes": None if self.hooked is None else copy.deepcopy(self.hooked.cost_by_cause),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `kept` gave; table and power flow have come by themselves."""
        self.initial[:], self._tap_start[:] = kept["initial"], kept["tap_start"]
        self.part_row = dict(kept["part_row"])
        self._make_parts()
        for array, values in zip(self.own_arrays(), kept["arrays"], strict=True):
            array[...] = values
        if self.hooked is not None:
            self.hooked.cost_by_cause = kept["causes"]
