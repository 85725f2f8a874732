"""The part of the network that belongs to no agent: the distribution grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandapower as pp

from powergrid.agents.power_grid_agent import V_MAX_PU, V_MIN_PU, PowerGridAgent
from powergrid.agents.profile_window import ProfileWindow
from powergrid.envs.config import DistributionConfig
from powergrid.powerflow.pandapower_flow import PandapowerFlow
from powergrid.powerflow.tap_control import TapControl
from powergrid.utils.safety import loading_over_pct, voltage_deviation

__all__ = ["DistributionGrid"]


class DistributionGrid:
    """Loads, capacitors and regulators outside the agents' grids, and their share of safety.

    Parameters
    ----------
    net : pandapowerNet
        The whole network.
    agents : sequence of PowerGridAgent
        Whose buses, loads and tap changers are not the distribution grid's.
    config : DistributionConfig
        Regulation; its network was built by then.
    """

    def __init__(
        self, net: pp.pandapowerNet, agents: Sequence[PowerGridAgent], config: DistributionConfig
    ) -> None:
        owned = {int(row) for agent in agents for row in agent.bus_rows}
        self.bus_rows = np.array([r for r in range(len(net.bus)) if r not in owned], dtype=np.intp)
        own = set(net.bus.index.to_numpy()[self.bus_rows].tolist())
        self.line_rows = np.flatnonzero(net.line["from_bus"].isin(own).to_numpy())
        self.load_rows = np.flatnonzero(net.load["bus"].isin(own).to_numpy())
        self.base_load_p_mw = net.load["p_mw"].to_numpy(np.float64)[self.load_rows]
        self.base_load_q_mvar = net.load["q_mvar"].to_numpy(np.float64)[self.load_rows]
        is_own_capacitor = net.shunt["bus"].isin(own) & (net.shunt["q_mvar"] < 0.0)
        self.capacitor_rows = np.flatnonzero(is_own_capacitor.to_numpy())
        self.capacitors_off_below = config.capacitors_off_below
        controlled = {
            device.pp_idx
            for agent in agents
            for device in agent.devices.values()
            if device.element == "trafo"
        }
        self.tap_control: TapControl | None = None
        if config.line_drop_compensation and "is_regulator" in net.trafo:
            is_own = net.trafo["is_regulator"].fillna(False).astype(bool)
            is_own &= net.trafo["hv_bus"].isin(own) & ~net.trafo.index.isin(list(controlled))
            rows = np.flatnonzero(is_own.to_numpy())
            self.tap_control = TapControl(net, rows) if rows.size else None
        self.window: ProfileWindow | None = None

    def write_setpoints(self, flow: PandapowerFlow, k: int) -> None:
        """Write the loads of step `k`, and switch the capacitors by the load multiplier."""
        assert self.window is not None
        multiplier = float(self.window.actual["load"][k])
        flow.load_p_mw[self.load_rows] = self.base_load_p_mw * multiplier
        flow.load_q_mvar[self.load_rows] = self.base_load_q_mvar * multiplier
        flow.shunt_step[self.capacitor_rows] = float(multiplier >= self.capacitors_off_below)

    def solve(self, flow: PandapowerFlow) -> bool:
        """Solve the power flow with the regulators at the positions they settle on."""
        return flow.solve() if self.tap_control is None else self.tap_control.settle(flow)

    def safety(self, flow: PandapowerFlow) -> float:
        """Return voltage and line violations of the distribution grid after a power flow."""
        result = flow.result
        return voltage_deviation(
            result.vm_pu[self.bus_rows], V_MIN_PU, V_MAX_PU
        ) + loading_over_pct(result.line_loading_percent[self.line_rows])
