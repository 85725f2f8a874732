"""The part of the network that belongs to no agent: the distribution grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandapower as pp

from heron.errors import ConfigError
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.profile_window import ProfileWindow
from powergrid.envs.config import DistributionConfig
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.tap_control import TapControl
from powergrid.powerflow.zone import Zone

__all__ = ["DistributionGrid", "tap_movers"]


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
        self.config = config
        owned = np.concatenate([agent.zone.bus_rows for agent in agents])
        own = np.delete(net.bus.index.to_numpy(), owned)
        self.zone = Zone(net, own)
        is_own_capacitor = net.shunt["bus"].isin(own) & (net.shunt["q_mvar"] < 0.0)
        self.capacitor_rows = np.flatnonzero(is_own_capacitor.to_numpy())
        self.capacitors_off_below = config.capacitors_off_below
        controlled = tap_movers(net, agents)
        self.tap_control: TapControl | None = None
        if config.line_drop_compensation and "is_regulator" in net.trafo:
            is_own = net.trafo["is_regulator"].fillna(False).astype(bool)
            is_own &= net.trafo["hv_bus"].isin(own) & ~net.trafo.index.isin(list(controlled))
            rows = np.flatnonzero(is_own.to_numpy())
            self.tap_control = TapControl(net, rows) if rows.size else None
        self.window: ProfileWindow | None = None

    def write_setpoints(self, flow: FlowLane, k: int) -> None:
        """Write the loads of step `k`, and switch the capacitors by the load multiplier."""
        assert self.window is not None
        multiplier = float(self.window.actual["load"][k])
        self.zone.write_loads(flow, multiplier)
        flow.shunt_step[self.capacitor_rows] = float(multiplier >= self.capacitors_off_below)

    def solve(self, flow: FlowLane) -> bool:
        """Solve the power flow with the regulators at the positions they settle on."""
        return flow.solve() if self.tap_control is None else self.tap_control.settle(flow)

    def safety(self, flow: FlowLane) -> float:
        """Return voltage and line violations of the distribution grid after a power flow."""
        return sum(self.zone.violations(flow.result).values())


def tap_movers(net: pp.pandapowerNet, agents: Sequence[PowerGridAgent]) -> dict[int, str]:
    """Return which device moves the taps of each transformer; ConfigError if two move one's."""
    mover: dict[int, str] = {}
    for agent in agents:
        for device_id, device in agent.devices.items():
            if device.element != "trafo":
                continue
            name = f"{agent.agent_id}/{device_id}"
            if device.pp_idx in mover:
                raise ConfigError(
                    f"{name} and {mover[device.pp_idx]} both move the taps of "
                    f"{net.trafo.at[device.pp_idx, 'name']}"
                )
            mover[device.pp_idx] = name
    return mover
