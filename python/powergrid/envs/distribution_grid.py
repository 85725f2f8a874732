"""The part of the network that belongs to no agent: the distribution grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.agents.placement import Placement
from powergrid.agents.profile_window import ProfileWindow
from powergrid.envs.config import DistributionConfig
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.tap_control import TapControl
from powergrid.powerflow.zone import Zone

if TYPE_CHECKING:
    from pandapower import pandapowerNet

    from powergrid import _core

__all__ = ["DistributionGrid", "DistributionPlacement"]


@dataclass(frozen=True)
class DistributionPlacement:
    """The part of a network that belongs to no agent, in plain values.

    Attributes
    ----------
    zone : Zone
        Its buses, lines and loads.
    capacitor_rows : ndarray of intp, (n_capacitor,)
        Its capacitors among the shunts.
    tap_control : TapControl or None
        Its voltage regulators; None if there are none, or they stay where they are.
    """

    zone: Zone
    capacitor_rows: NDArray[np.intp]
    tap_control: TapControl | None

    @classmethod
    def beside(
        cls, net: pandapowerNet, agents: Mapping[str, Placement], *, is_regulated: bool
    ) -> DistributionPlacement:
        """Find what of the whole network the agents leave.

        Parameters
        ----------
        net : pandapowerNet
            The whole network, with the agents' devices.
        agents : mapping of str to Placement
            Their parts, by name.
        is_regulated : bool
            Whether its regulators follow line-drop compensation.

        Raises
        ------
        ConfigError
            If two devices move the taps of one transformer.
        """
        owned = np.concatenate([placement.zone.bus_rows for placement in agents.values()])
        own = np.delete(net.bus.index.to_numpy(), owned)
        is_own_capacitor = net.shunt["bus"].isin(own) & (net.shunt["q_mvar"] < 0.0)
        moved = _tap_movers(net, agents)
        tap_control: TapControl | None = None
        if is_regulated and "is_regulator" in net.trafo:
            is_own = net.trafo["is_regulator"].fillna(False).astype(bool)
            is_own &= net.trafo["hv_bus"].isin(own) & ~net.trafo.index.isin(list(moved))
            rows = np.flatnonzero(is_own.to_numpy())
            tap_control = TapControl.of_trafos(net, rows) if rows.size else None
        return cls(
            zone=Zone.of_buses(net, own),
            capacitor_rows=np.flatnonzero(is_own_capacitor.to_numpy()),
            tap_control=tap_control,
        )


class DistributionGrid:
    """Loads, capacitors and regulators outside the agents' grids, and their share of safety.

    Parameters
    ----------
    placement : DistributionPlacement
        What it consists of.
    config : DistributionConfig
        How it is regulated.
    voltage_band_pu : tuple of float
        What voltages may be [p.u.].
    """

    def __init__(
        self,
        placement: DistributionPlacement,
        config: DistributionConfig,
        voltage_band_pu: tuple[float, float],
    ) -> None:
        self.config = config
        self.voltage_band_pu = voltage_band_pu
        self.zone = placement.zone
        self.capacitor_rows = placement.capacitor_rows
        self.capacitors_off_below = config.capacitors_off_below
        self.tap_control = placement.tap_control
        self._compiled_control: _core.TapControl | None = None  # made with the first native flow
        self.window: ProfileWindow | None = None
        # Disturbances of the present interval: factor on the loads, and which regulators do not
        # move, uint8, (n_regulator, 1).
        self.load_spike = 1.0
        self.is_stuck: NDArray[np.uint8] | None = None

    def write_setpoints(self, flow: FlowLane, k: int) -> None:
        """Write the loads of step `k`, and switch the capacitors by the load multiplier."""
        assert self.window is not None
        multiplier = float(self.window.actual["load"][k]) * self.load_spike
        self.zone.write_loads(flow, multiplier)
        flow.shunt_step[self.capacitor_rows] = float(multiplier >= self.capacitors_off_below)

    def solve(self, flow: FlowLane) -> bool:
        """Solve the power flow with the regulators at the positions they settle on."""
        if self.tap_control is None:
            return flow.solve()
        native = flow.flow
        if not isinstance(native, NativeFlow) or native.n_lane > 1:
            is_stuck = None if self.is_stuck is None else self.is_stuck[:, 0]
            return self.tap_control.settle(flow, is_stuck)
        if self._compiled_control is None:
            self._compiled_control = self.tap_control.compiled(native)
        return flow.count_solves(
            native.settle_lanes(self._compiled_control, 0, 1, is_stuck=self.is_stuck)
        )

    def safety(self, flow: FlowLane) -> float:
        """Return voltage and line violations of the distribution grid after a power flow."""
        return sum(self.zone.violations(flow.result, self.voltage_band_pu).values())


def _tap_movers(net: pandapowerNet, agents: Mapping[str, Placement]) -> dict[int, str]:
    """Return which device moves the taps of each transformer; ConfigError if two move one's."""
    mover: dict[int, str] = {}
    for agent_id, placement in agents.items():
        for device_id, place in placement.devices.items():
            if place.taps is None:
                continue
            name = f"{agent_id}/{device_id}"
            if place.pp_idx in mover:
                raise ConfigError(
                    f"{name} and {mover[place.pp_idx]} both move the taps of "
                    f"{net.trafo.at[place.pp_idx, 'name']}"
                )
            mover[place.pp_idx] = name
    return mover
