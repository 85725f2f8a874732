"""A microgrid's coordinator with its pandapower network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.core.feature_table import FeatureTable
from heron.core.policies import Policy
from heron.errors import ConfigError, HeronError, nearest
from heron.protocols.base import Protocol
from powergrid.agents.attach import connection_of, place_agent
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_pieces import DevicePieces
from powergrid.agents.grid import Grid
from powergrid.agents.grid_agent import GridAgent
from powergrid.agents.observation_layout import ObservationLayout, agent_layouts
from powergrid.agents.placement import Placement
from powergrid.agents.profile_window import ProfileWindow
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.renewable_profile import profile_of, rated_power
from powergrid.agents.standalone import Standalone
from powergrid.agents.table import build_table
from powergrid.agents.tariff import Tariff
from powergrid.agents.told import Told
from powergrid.agents.transformer import Transformer
from powergrid.core.features.availability import AvailablePower
from powergrid.core.features.context import ClockBlock, ForecastBlock, MarketBlock
from powergrid.core.features.network import BusVoltages, GridSummary, LineFlows
from powergrid.data.profiles import Profiles
from powergrid.powerflow.lane import FlowLane, FlowResult
from powergrid.powerflow.make import POWER_FLOWS
from powergrid.powerflow.zone import V_MAX_PU, V_MIN_PU

if TYPE_CHECKING:
    from pandapower import pandapowerNet

    from heron.agents.proxy_agent import ProxyAgent

__all__ = ["DEVICE_REGISTRY", "PowerGridAgent", "accepted_arguments"]

NO_PIECES: Mapping[str, DevicePieces] = {}  # each device's interval is one

_LANE = np.zeros(1, dtype=np.int32)  # agents live in lane 0 of their table


class PowerGridAgent(GridAgent):
    """Coordinator of the devices in one grid, with pandapower as the model of that grid.

    The grid is the part of `net` whose buses have the agent's name as their zone, or all of `net`
    if no zone is called so. Devices are added to `net` when the agent is made.

    Within an environment the environment drives the agent and solves once for all agents. Alone,
    `step` does everything: set-points, power flow, state, cost and safety.

    Parameters
    ----------
    net : pandapowerNet or Placement
        The network; devices are added to it in place. Or where the agent and the same devices stand
        in one; then there is no network to be stepped alone, and pandapower is not needed.
    grid_config : mapping
        See `GridAgentConfig`.
    protocol, policy, **kwargs
        As for every coordinator.
    power_flow : str
        What solves when the agent is stepped alone: "pandapower" leaves its results in the tables
        of `net`; "native" is much faster and writes them only where `PowerGridAgent.net` is read.

    Raises
    ------
    ConfigError
        If a device names a bus or transformer that the network does not have, or a parameter is
        refused.

    Examples
    --------
    >>> from powergrid.networks.ieee13 import IEEE13Bus
    >>> from heron.protocols.vertical import SetpointProtocol
    >>> config = {"name": "MG1", "devices": [
    ...     {"type": "Generator", "name": "gen1", "bus": "Bus 633", "p_max_MW": 2.0}]}
    >>> agent = PowerGridAgent(IEEE13Bus("MG1"), config, SetpointProtocol())
    >>> agent.step([1.0, 0.0])
    >>> agent.cost > 0.0
    True
    """

    energy_bought_mwh: float = Told()  # type: ignore[assignment]
    energy_sold_mwh: float = Told()  # type: ignore[assignment]

    def __init__(
        self,
        net: pandapowerNet | Placement,
        grid_config: Mapping[str, Any],
        protocol: Protocol,
        policy: Policy | None = None,
        *,
        power_flow: str = "pandapower",
        **kwargs: Any,
    ) -> None:
        super().__init__(grid_config, protocol, policy, **kwargs)
        if power_flow not in POWER_FLOWS:
            raise ConfigError(nearest(power_flow, POWER_FLOWS, kind="power flow"))
        self._power_flow_name = power_flow
        self.power_flow: FlowLane | None = None  # whoever drives the agent solves by it
        # How a merged microgrid is connected.
        self.pcc = net.pcc if isinstance(net, Placement) else connection_of(net, self.agent_id)
        self.add_meter(is_merged=self.pcc is not None)
        self.placement = self._place(net)
        self._net = None if isinstance(net, Placement) else net
        self.zone = self.placement.zone
        self.voltage_band_pu = (V_MIN_PU, V_MAX_PU)  # its environment may want another
        self.meter = self.placement.meter
        for name, device in self.devices.items():
            device.take_place(self.placement.devices[name])
            if hasattr(device, "available_power"):
                rated_power(device)  # complains now if it is unknown
                if "availability" not in device.state.features:
                    device.state.add_feature("availability", AvailablePower())
        self._takes = {d: accepted_arguments(device) for d, device in self.devices.items()}
        n_bus, n_line = len(self.zone.bus_rows), len(self.zone.line_rows)
        self.state.add_feature("bus_voltages", BusVoltages(vm_pu=np.ones(n_bus)))
        self.state.add_feature(
            "line_flows", LineFlows(p_MW=np.zeros(n_line), loading_pct=np.zeros(n_line))
        )
        self.state.add_feature("grid", GridSummary())
        self.state.add_feature("market", MarketBlock())
        self.state.add_feature("clock", ClockBlock())
        self.state.add_feature("forecast", ForecastBlock())
        # Loads of a microgrid that was merged are scaled already.
        scale = self.config_model.load_scale
        self.load_factor = 1.0 if self.pcc or scale is None else scale
        self.load_spike = 1.0  # factor of disturbances in the present interval
        self.window: ProfileWindow | None = None
        self.table: FeatureTable | None = None
        self.observation_layout: ObservationLayout | None = None
        self._observer = np.zeros(1, dtype=np.int32)  # number of its slots in the table
        self._alone: Standalone | None = None
        self._profiles = Profiles(None, "train")
        self.market_address: str | None = None  # of whom its decisions tell that it trades
        self.energy_bought_mwh = 0.0  # during the last step, through the meter
        self.energy_sold_mwh = 0.0

    @property
    def net(self) -> pandapowerNet:
        """The network, with set-points and ``res_*`` tables of the last power flow.

        Within an environment they are written when this is read; see `NetworkedGridEnv.net`.

        Raises
        ------
        HeronError
            If the agent was made from a `Placement` and is in no environment.
        """
        if self.power_flow is not None:
            return self.power_flow.current_net()
        if self._net is None:
            raise HeronError(
                f"{self.agent_id} was made from a placement and has no network of its own"
            )
        return self._net

    # --- which part of the network is the agent's ---------------------------------------------

    def _place(self, net: pandapowerNet | Placement) -> Placement:
        if isinstance(net, Placement):
            if list(net.devices) != list(self.devices):
                raise ConfigError(
                    f"{self.agent_id}: the placement is one of {', '.join(net.devices)}, but the "
                    f"devices are {', '.join(self.devices)}"
                )
            return net
        return place_agent(net, self.agent_id, self.requests())

    # --- one interval, in the order in which the environment calls ----------------------------

    def set_window(self, window: ProfileWindow) -> None:
        """Take over the series of a new episode."""
        self.window = window

    def begin_interval(self, k: int, dt: float, tariff: Tariff | None = None) -> None:
        """Tell agent and devices the price, clock, forecast and available power of step `k`.

        The `tariff` comes on top of a price that the market makes.
        """
        window = self.window
        assert window is not None
        state = self.state
        price = float(window.actual["price"][k])
        if isinstance(self.config_model.grid_price, float):
            price, tariff = self.config_model.grid_price, None
        if tariff is not None:
            price += tariff.now(window.week_s(k))
        state.market.price = price
        clock = state.clock
        clock.sin_hour, clock.cos_hour, clock.sin_weekday, clock.cos_weekday = window.clock(k)
        forecast = state.forecast
        if window.n_forecast:
            coming = slice(k, k + window.n_forecast * window.stride, window.stride)
            forecast.price = (
                np.full(window.n_forecast, price)
                if isinstance(self.config_model.grid_price, float)
                else window.forecast["price"][coming]
            )
            if tariff is not None:
                later = [tariff.rule(window.week_s(k, j)) for j in range(1, window.n_forecast)]
                forecast.price = forecast.price + np.array([tariff.now(window.week_s(k)), *later])
            forecast.load = window.forecast["load"][coming]
            forecast.solar = window.forecast["solar"][coming]
            forecast.wind = window.forecast["wind"][coming]
        for device in self.devices.values():
            device.dt = dt
            if isinstance(device, Grid):
                device.price = price
            if hasattr(device, "available_power"):
                share = float(window.actual[profile_of(device)][k])
                device.available_power = share * rated_power(device)
                device.state.availability.available_p_MW = device.available_power

    def write_setpoints(
        self, flow: FlowLane, k: int, pieces: Mapping[str, DevicePieces] = NO_PIECES
    ) -> None:
        """Write the interval's loads and the devices' set-points to the power flow.

        Of devices whose interval has several `pieces`, it is the means.
        """
        assert self.window is not None
        multiplier = float(self.window.actual["load"][k]) * self.load_factor * self.load_spike
        self.zone.write_loads(flow, multiplier)
        self.state.grid.total_load_MW = float(self.zone.base_load_p_mw.sum()) * multiplier
        for device_id, device in self.devices.items():
            if device.pp_idx < 0:
                continue
            row = device.pp_idx
            if device.element == "trafo":
                flow.set_tap(row, device.state.tap.tap)
                continue
            power = device.state.electrical.p_MW, device.state.electrical.q_MVAr
            if device_id in pieces:
                power = pieces[device_id].mean_power(device)
            if device.element == "storage":
                flow.set_storage(row, *power)
            else:
                flow.set_sgen(row, *power)

    def read_results(self, flow: FlowLane, dt: float) -> None:
        """Take over voltages and flows, and advance the devices by `dt` hours.

        At the start of an episode, where no time has passed (`dt` is 0), only meters read.
        """
        result = flow.result
        voltages, lines = self.state.bus_voltages, self.state.line_flows
        vm = result.vm_pu[self.zone.bus_rows]
        voltages.vm_pu = vm
        voltages.v_min = float(vm.min())
        voltages.v_max = float(vm.max())
        if self.zone.line_rows.size:
            lines.p_MW = result.line_p_from_mw[self.zone.line_rows]
            lines.loading_pct = result.line_loading_percent[self.zone.line_rows]
            lines.max_loading = float(lines.loading_pct.max())
        self.energy_bought_mwh = self.energy_sold_mwh = 0.0
        for device_id, device in self.devices.items():
            measured = self._measure(device, flow, result)
            if measured and "electrical" in device.state.features:
                device.state.electrical.v_pu = measured["vm_pu"]
                device.state.electrical.va_deg = measured["va_degree"]
            if dt == 0.0 and not isinstance(device, Grid | Transformer):
                continue
            offered: dict[str, Any] = {"net_results": measured, "dt": device.dt if dt else dt}
            device.update_state(**{name: offered[name] for name in self._takes[device_id]})
            if isinstance(device, Grid):
                energy = device.state.electrical.p_MW * dt
                self.energy_bought_mwh, self.energy_sold_mwh = max(energy, 0.0), max(-energy, 0.0)

    def updates(self, device_id: str, flow: FlowLane, dt: float) -> dict[str, Any]:
        """Return what `update_state` is given for `dt` hours by the last power flow."""
        measured = self._measure(self.devices[device_id], flow, flow.result)
        offered: dict[str, Any] = {"net_results": measured, "dt": dt}
        return {name: offered[name] for name in self._takes[device_id]}

    def _measure(self, device: DeviceAgent, flow: FlowLane, result: FlowResult) -> dict[str, float]:
        if device.bus_idx < 0:
            return {}
        row = flow.bus_row(device.bus_idx)
        measured = {"vm_pu": float(result.vm_pu[row]), "va_degree": float(result.va_degree[row])}
        if not result.converged and isinstance(device, Grid):
            electrical = device.state.electrical  # the last reading stands
            measured |= {"p_mw": electrical.p_MW, "q_mvar": electrical.q_MVAr}
        elif device.element == "trafo":
            trafo = flow.trafo_row(device.pp_idx)
            measured["p_mw"] = float(-result.trafo_p_lv_mw[trafo])
            measured["q_mvar"] = float(-result.trafo_q_lv_mvar[trafo])
            measured["loading_percent"] = float(result.trafo_loading_percent[trafo])
        elif isinstance(device, Grid) and self.meter is not None:
            measured["p_mw"], measured["q_mvar"] = self.meter.read(flow)
        return measured

    def book(
        self, result: FlowResult, dt: float, pieces: Mapping[str, DevicePieces] = NO_PIECES
    ) -> None:
        """Work out cost [$] and safety of the interval of `dt` hours that ended with `result`."""
        cost_parts: dict[str, float] = {}
        device_safety = 0.0
        for device_id, device in self.devices.items():
            device.update_cost_safety()
            rates, safety = device.cost_by_cause(), device.safety
            if device_id in pieces:
                rates = pieces[device_id].mean_rates(device)
                safety = pieces[device_id].mean_safety(device)
            device_safety += safety
            for name, rate in rates.items():
                cost_parts[name] = cost_parts.get(name, 0.0) + rate * dt
        self.cost_parts = cost_parts
        self.cost = sum(cost_parts.values())
        self.safety_parts = {
            "device": device_safety,
            **self.zone.violations(result, self.voltage_band_pu),
        }
        self.safety = sum(self.safety_parts.values())

    def add_safety(self, part: str, value: float) -> None:
        """Add a part to the last step's safety, such as a share of the distribution grid's."""
        self.safety_parts[part] = value
        self.safety += value

    def set_forecast_length(self, n_step: int) -> None:
        """Make room for `n_step` entries of each forecast; before the features are in a table."""
        for series in ("price", "load", "solar", "wind"):
            setattr(self.state.forecast, series, np.zeros(n_step))
        self.state.keep_for_reset()

    def hand_down(self, parts: Mapping[str, Any]) -> None:
        """Send each device its part, and the market, if there is one, an offer.

        What is offered is what the meter will show.
        """
        super().hand_down(parts)
        if self.market_address is not None:
            self.send_message({"offer": "metered"}, self.market_address)

    # --- observation --------------------------------------------------------------------------

    def set_observation(self, table: FeatureTable, layout: ObservationLayout) -> None:
        """Take over the table that holds the agent's features, and what to gather from it."""
        self.table = table
        self.observation_layout = layout
        self._observer = np.array([table.add_observer(layout.slots)], dtype=np.int32)

    def get_observation(self) -> np.ndarray:
        """Return the observation, float32, (n_obs,); names in `observation_layout.names`."""
        if self.observation_layout is None:
            table = build_table([self])
            layouts = agent_layouts([self], table, is_uniform=False)
            self.set_observation(table, layouts[self.agent_id])
        assert self.table is not None
        assert self.observation_layout is not None
        return self.observation_layout.observe(self.table, self._observer, _LANE)

    def observe_as_of(
        self,
        time_s: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> Any:
        """Return the vector of `get_observation` as of `time_s` [s]; its policy gets this.

        float32, (n_obs,), as in a step of the environment, which is what policies are trained on.
        The proxy gathers it from its snapshot; what it does not show is 0, and so is everything if
        no snapshot is that old.
        """
        layout = self.observation_layout
        if layout is None:  # a coordinator like others, in an environment of another kind
            return super().observe_as_of(time_s, global_state, proxy)
        if proxy is None:
            return self.get_observation()
        values, is_shown = proxy.get_slots_for_agent(self.address, self.level, layout.slots, time_s)
        observation = layout.scaled(values)
        observation[~is_shown] = 0.0
        return observation

    def reset(self, seed: int | None = None) -> None:
        """Start a new episode: initial states of the grid and of every device."""
        super().reset(seed)
        self.cost = self.safety = 0.0
        self.cost_parts, self.safety_parts = {}, {}
        self.energy_bought_mwh = self.energy_sold_mwh = 0.0
        if self._alone is not None:  # the next step begins from a flat start, at the first row
            self._alone = None
            self.power_flow = None
            self.window = None

    # --- alone --------------------------------------------------------------------------------

    def add_dataset(self, dataset: Mapping[str, Any], split: str = "train") -> None:
        """Follow series of load, sun, wind and price when stepped alone.

        `dataset` has splits, or is one split: ``{"load": ..., "price": ...}``.
        """
        content = dataset if "train" in dataset or "test" in dataset else {split: dataset}
        self._profiles = Profiles(content, split)

    def step(self, action: np.ndarray) -> None:
        """Apply a flat action in [-1, 1]; outside an environment also solve and book one hour.

        Within an environment only the set-points change: the environment solves for all agents.

        Raises
        ------
        ValueError
            If the action has another shape or is not finite.
        RuntimeError
            Alone, if the power flow does not converge.
        """
        flat = self.check_action(action)
        if self.window is not None and self._alone is None:
            self.apply_action(flat)
            return
        if self._alone is None:
            self._alone = Standalone(self, self._profiles, self._power_flow_name)
        self._alone.step(self, flat)


def accepted_arguments(device: DeviceAgent) -> tuple[str, ...]:
    """Return which of `net_results` and `dt` the device's update_state takes."""
    parameters = inspect.signature(device.update_state).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return tuple(name for name in ("net_results", "dt") if takes_all or name in parameters)
