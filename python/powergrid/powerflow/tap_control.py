"""Line-drop compensation of voltage regulators, settled within one environment step."""

from __future__ import annotations

import numpy as np
import pandapower as pp

from powergrid.powerflow.element_rows import positions
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.line_drop import line_drop_step

__all__ = ["TapControl"]

MAX_ROUNDS = 40  # more than the way from one end of the range to the other


class TapControl:
    """Regulators that move one step at a time until each is inside its bandwidth.

    Parameters
    ----------
    net : pandapowerNet
        With the ``ldc_*`` columns in ``net.trafo``.
    rows : ndarray of intp, (n_regulator,)
        Rows of the regulators in ``net.trafo``.
    """

    def __init__(self, net: pp.pandapowerNet, rows: np.ndarray) -> None:
        self.rows = rows
        trafo = net.trafo.iloc[rows]

        def column(name: str) -> np.ndarray:
            return np.ascontiguousarray(trafo[name].to_numpy(np.float64))

        self._bus = positions(trafo["lv_bus"].to_numpy(), net.bus.index.to_numpy())
        self._vn_kv = net.bus["vn_kv"].to_numpy(np.float64)[self._bus]
        self._v_set = column("ldc_v_set_volt")
        self._bandwidth = column("ldc_bandwidth_volt")
        self._r = column("ldc_r_volt")
        self._x = column("ldc_x_volt")
        self._ct = column("ldc_ct_primary_a")
        self._tap_min = column("tap_min")
        self._tap_max = column("tap_max")

    def settle(self, flow: FlowLane) -> bool:
        """Solve, move every regulator that is outside its bandwidth by one step, solve again.

        Returns
        -------
        bool
            Whether the last power flow converged. If one does not, the regulators stop there.
        """
        converged = flow.solve()
        for _ in range(MAX_ROUNDS):
            if not converged:
                return False
            move = self.moves(flow)
            if not move.any():
                break
            flow.tap_pos[self.rows] = np.round(flow.tap_pos[self.rows]) + move
            converged = flow.solve()
        return converged

    def moves(self, flow: FlowLane) -> np.ndarray:
        """Return the step that each regulator wants: -1, 0 or 1, (n_regulator,)."""
        result = flow.result
        v = result.vm_pu[self._bus] * np.exp(1j * np.deg2rad(result.va_degree[self._bus]))
        p_mw, q_mvar = result.trafo_p_lv_mw[self.rows], result.trafo_q_lv_mvar[self.rows]
        s_mva = -(p_mw + 1j * q_mvar)  # to the load
        i_a = np.conj(s_mva / (np.sqrt(3.0) * v * self._vn_kv)) * 1e3
        return line_drop_step(
            np.ascontiguousarray(v.real),
            np.ascontiguousarray(v.imag),
            np.ascontiguousarray(i_a.real),
            np.ascontiguousarray(i_a.imag),
            np.round(flow.tap_pos[self.rows]),
            self._v_set,
            self._bandwidth,
            self._r,
            self._x,
            self._ct,
            self._tap_min,
            self._tap_max,
        )
