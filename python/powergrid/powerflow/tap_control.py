"""Line-drop compensation of voltage regulators, settled within one environment step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid import _core
from powergrid.powerflow.element_rows import positions
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.line_drop import line_drop_step

if TYPE_CHECKING:
    from pandapower import pandapowerNet

    from powergrid.powerflow.native_flow import NativeFlow

__all__ = ["TapControl"]

Array = NDArray[np.float64]

MAX_ROUNDS = 40  # more than the way from one end of the range to the other


@dataclass(frozen=True, eq=False)
class TapControl:
    """Regulators that move one step at a time until each is inside its bandwidth.

    It settles a lane of any power flow. What `compiled` returns does the same for lanes of a native
    one in a single call, `NativeFlow.settle_lanes`.

    Attributes
    ----------
    rows : ndarray of intp, (n_regulator,)
        Rows of the regulators among the transformers.
    bus_rows : ndarray of intp, (n_regulator,)
        Rows of the regulated buses.
    vn_kv : ndarray, (n_regulator,)
        Their rated voltage.
    v_set_volt, bandwidth_volt, r_volt, x_volt, ct_primary_a, tap_min, tap_max : ndarray
        Settings of the relays, (n_regulator,); see `line_drop_step`.
    """

    rows: NDArray[np.intp]
    bus_rows: NDArray[np.intp]
    vn_kv: Array
    v_set_volt: Array
    bandwidth_volt: Array
    r_volt: Array
    x_volt: Array
    ct_primary_a: Array
    tap_min: Array
    tap_max: Array

    @classmethod
    def of_trafos(cls, net: pandapowerNet, rows: NDArray[np.intp]) -> TapControl:
        """Read the settings of some transformers, by row, from the ``ldc_*`` columns."""
        trafo = net.trafo.iloc[rows]

        def column(name: str) -> Array:
            return np.ascontiguousarray(trafo[name].to_numpy(np.float64))

        bus_rows = positions(trafo["lv_bus"].to_numpy(), net.bus.index.to_numpy())
        return cls(
            rows=rows,
            bus_rows=bus_rows,
            vn_kv=net.bus["vn_kv"].to_numpy(np.float64)[bus_rows],
            v_set_volt=column("ldc_v_set_volt"),
            bandwidth_volt=column("ldc_bandwidth_volt"),
            r_volt=column("ldc_r_volt"),
            x_volt=column("ldc_x_volt"),
            ct_primary_a=column("ldc_ct_primary_a"),
            tap_min=column("tap_min"),
            tap_max=column("tap_max"),
        )

    def settle(self, flow: FlowLane, is_stuck: NDArray[np.uint8] | None = None) -> bool:
        """Solve, move every regulator that is outside its bandwidth by one step, solve again.

        Those that are stuck, (n_regulator,), stay where they are.

        Returns
        -------
        bool
            Whether the last power flow converged. If one does not, the regulators stop there.
        """
        converged = flow.solve()
        for _ in range(MAX_ROUNDS):
            if not converged:
                return False
            move, rows = self.moves(flow), self.rows
            if is_stuck is not None:
                move, rows = move[is_stuck == 0], rows[is_stuck == 0]
            if not move.any():
                break
            flow.tap_pos[rows] = np.round(flow.tap_pos[rows]) + move
            converged = flow.solve()
        return converged

    def compiled(self, flow: NativeFlow) -> _core.TapControl:
        """Return the compiled twin for the lanes of a power flow of the same network."""

        def rows(of: NDArray[np.intp]) -> NDArray[np.int32]:
            return np.ascontiguousarray(of, dtype=np.int32)

        return _core.TapControl(
            rows(self.rows),
            rows(flow.compiled.trafos.start + self.rows),
            rows(self.bus_rows),
            self.vn_kv,
            self.v_set_volt,
            self.bandwidth_volt,
            self.r_volt,
            self.x_volt,
            self.ct_primary_a,
            self.tap_min,
            self.tap_max,
        )

    def moves(self, flow: FlowLane) -> np.ndarray:
        """Return the step that each regulator wants: -1, 0 or 1, (n_regulator,)."""
        result = flow.result
        v = result.vm_pu[self.bus_rows] * np.exp(1j * np.deg2rad(result.va_degree[self.bus_rows]))
        p_mw, q_mvar = result.trafo_p_lv_mw[self.rows], result.trafo_q_lv_mvar[self.rows]
        s_mva = -(p_mw + 1j * q_mvar)  # to the load
        with np.errstate(divide="ignore", invalid="ignore"):  # without supply, nothing is asked for
            i_a = np.conj(s_mva / (np.sqrt(3.0) * v * self.vn_kv)) * 1e3
        return line_drop_step(
            np.ascontiguousarray(v.real),
            np.ascontiguousarray(v.imag),
            np.ascontiguousarray(i_a.real),
            np.ascontiguousarray(i_a.imag),
            np.round(flow.tap_pos[self.rows]),
            self.v_set_volt,
            self.bandwidth_volt,
            self.r_volt,
            self.x_volt,
            self.ct_primary_a,
            self.tap_min,
            self.tap_max,
        )
