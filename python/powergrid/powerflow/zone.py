"""The part of a network that one party answers for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid.powerflow.element_rows import positions
from powergrid.powerflow.lane import FlowLane, FlowResult
from powergrid.utils.safety import loading_over_pct, voltage_deviation

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["Zone"]

V_MIN_PU, V_MAX_PU = 0.95, 1.05  # normal operating band of bus voltages


@dataclass(frozen=True, eq=False)
class Zone:
    """Rows of a set of buses, of the lines that begin at them and of the loads on them.

    Attributes
    ----------
    bus_rows, line_rows, load_rows : ndarray of intp
        Positions in the network's tables.
    base_load_p_mw, base_load_q_mvar : ndarray, (n_load,)
        Consumption at a load multiplier of 1.
    """

    bus_rows: NDArray[np.intp]
    line_rows: NDArray[np.intp]
    load_rows: NDArray[np.intp]
    base_load_p_mw: NDArray[np.float64]
    base_load_q_mvar: NDArray[np.float64]

    @classmethod
    def of_buses(cls, net: pandapowerNet, buses: np.ndarray) -> Zone:
        """Find the rows of the buses with these numbers, (n_bus,), in the whole network."""
        load_rows = np.flatnonzero(net.load["bus"].isin(buses).to_numpy())
        return cls(
            bus_rows=positions(buses, net.bus.index.to_numpy()),
            line_rows=np.flatnonzero(net.line["from_bus"].isin(buses).to_numpy()),
            load_rows=load_rows,
            base_load_p_mw=net.load["p_mw"].to_numpy(np.float64)[load_rows],
            base_load_q_mvar=net.load["q_mvar"].to_numpy(np.float64)[load_rows],
        )

    def write_loads(self, flow: FlowLane, multiplier: float) -> None:
        """Set the loads to `multiplier` times their base."""
        flow.load_p_mw[self.load_rows] = self.base_load_p_mw * multiplier
        flow.load_q_mvar[self.load_rows] = self.base_load_q_mvar * multiplier

    def violations(self, result: FlowResult, band_pu: tuple[float, float]) -> dict[str, float]:
        """Return the violations by kind: p.u. outside the voltage band, overload as a fraction."""
        return {
            "voltage": voltage_deviation(result.vm_pu[self.bus_rows], *band_pu),
            "loading": loading_over_pct(result.line_loading_percent[self.line_rows]),
        }
