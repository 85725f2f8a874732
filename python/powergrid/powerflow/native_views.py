"""A batch's arrays under the names and in the rows of pandapower's tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from powergrid import _core
from powergrid.powerflow.compilation import CompiledNetwork

__all__ = ["HeldVoltages", "input_views", "result_views", "winding_views"]

Array = NDArray[np.float64]


def input_views(compiled: CompiledNetwork, batch: _core.Batch) -> dict[str, Array]:
    """Return the inputs of `PowerFlow`, but for held voltages, as views of the batch's."""
    rows = compiled.injections
    has_no_changer = compiled.data["tap_branch"] < 0
    batch.tap_pos[has_no_changer] = compiled.begin["tap_pos"][has_no_changer, np.newaxis]
    return {
        "load_p_mw": batch.p_mw[rows.load],
        "load_q_mvar": batch.q_mvar[rows.load],
        "sgen_p_mw": batch.p_mw[rows.sgen],
        "sgen_q_mvar": batch.q_mvar[rows.sgen],
        "storage_p_mw": batch.p_mw[rows.storage],
        "storage_q_mvar": batch.q_mvar[rows.storage],
        "gen_p_mw": batch.p_mw[rows.gen],
        "tap_pos": batch.tap_pos,
        "shunt_step": batch.shunt_step,
    }


def result_views(
    compiled: CompiledNetwork, batch: _core.Batch
) -> dict[str, Array | NDArray[np.int8] | NDArray[np.int32]]:
    """Return the results of `PowerFlow` that are views of the batch's."""
    line, trafo = compiled.lines, compiled.trafos
    return {
        "vm_pu": batch.vm_pu,
        "va_degree": batch.va_degree,
        "line_p_from_mw": batch.p_from_mw[line],
        "line_q_from_mvar": batch.q_from_mvar[line],
        "line_p_to_mw": batch.p_to_mw[line],
        "line_q_to_mvar": batch.q_to_mvar[line],
        "line_loading_percent": batch.loading_percent[line],
        "trafo_p_hv_mw": batch.p_from_mw[trafo],
        "trafo_q_hv_mvar": batch.q_from_mvar[trafo],
        "trafo_p_lv_mw": batch.p_to_mw[trafo],
        "trafo_q_lv_mvar": batch.q_to_mvar[trafo],
        "trafo_loading_percent": batch.loading_percent[trafo],
        "status": batch.status,
        "start": batch.start,
        "iterations": batch.iterations,
        "mismatch_pu": batch.mismatch_pu,
    }


def winding_views(compiled: CompiledNetwork, batch: _core.Batch) -> tuple[Array, Array, Array]:
    """Return the loading of high, middle and low sides of the three-winding transformers."""
    start, n = compiled.trafo3ws.start, (compiled.trafo3ws.stop - compiled.trafo3ws.start) // 3
    loading = batch.loading_percent
    return (
        loading[start : start + n],
        loading[start + n : start + 2 * n],
        loading[start + 2 * n : start + 3 * n],
    )


class HeldVoltages:
    """Set-points of external grids and generators, (n_row, n_lane), and the nodes they hold.

    Where each element has a node of its own, they are views of the batch's; else arrays apart,
    that `write` brings there.

    Attributes
    ----------
    ext_grid, gen : ndarray, (n_row, n_lane)
        Set-points [p.u.].
    is_apart : bool
        Whether `write` has something to do.
    sources : ndarray of intp
        Held nodes with an external grid, each once.
    """

    def __init__(self, compiled: CompiledNetwork, batch: _core.Batch) -> None:
        held = np.concatenate([compiled.ext_grid_rows, compiled.gen_rows])
        n_ext_grid = len(compiled.ext_grid_rows)
        self.sources = np.unique(held[:n_ext_grid][held[:n_ext_grid] >= 0]).astype(np.intp)
        self._batch = batch
        self._on = held >= 0
        self._rows = held[self._on]
        self.is_apart = not np.array_equal(held, np.arange(len(held)))
        if self.is_apart:
            begin = (compiled.begin["ext_grid_vm_pu"], compiled.begin["gen_vm_pu"])
            self._values = np.repeat(np.concatenate(begin)[:, np.newaxis], batch.n_lane, axis=1)
        else:
            self._values = batch.vm_set_pu[: len(held)]
        self.ext_grid, self.gen = self._values[:n_ext_grid], self._values[n_ext_grid:]

    def write(self, lanes: slice) -> None:
        """Bring set-points of lanes to the nodes; of several on one node the first counts."""
        if not self.is_apart:
            return
        # The last of equal indices stays, so in reverse order the first one does.
        self._batch.vm_set_pu[self._rows[::-1], lanes] = self._values[self._on, lanes][::-1]
