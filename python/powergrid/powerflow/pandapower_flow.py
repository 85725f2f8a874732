"""Power flow by pandapower's Newton-Raphson, the reference.

Set-points are kept in flat arrays beside the network and written to its tables once per solve; the
results come back as flat arrays. This is the only place where signs change: the package counts
injection positive, pandapower counts a load's and a storage's consumption positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandapower as pp
from pandapower.auxiliary import LoadflowNotConverged

__all__ = ["FlowResult", "PandapowerFlow", "positions"]


def positions(index: np.ndarray, table_index: np.ndarray) -> np.ndarray:
    """Return the row positions of element numbers `index` in a table with `table_index`."""
    row_of = {int(number): row for row, number in enumerate(table_index)}
    return np.array([row_of[int(number)] for number in index], dtype=np.intp)


@dataclass
class FlowResult:
    """Result of a power flow, in the row order of the network's tables.

    After a solve that did not converge the arrays keep the last solution.
    """

    converged: bool
    vm_pu: np.ndarray  # bus voltage magnitude [p.u.], (n_bus,)
    va_degree: np.ndarray  # bus voltage angle [degree], (n_bus,)
    p_line_mw: np.ndarray  # active power into the line at its from side [MW], (n_line,)
    line_loading_percent: np.ndarray  # (n_line,)
    line_loss_mw: np.ndarray  # (n_line,)
    p_hv_mw: np.ndarray  # active power into the transformer at its high side [MW], (n_trafo,)
    q_hv_mvar: np.ndarray  # (n_trafo,)
    p_lv_mw: np.ndarray  # active power into the transformer at its low side [MW], (n_trafo,)
    q_lv_mvar: np.ndarray  # (n_trafo,)
    trafo_loading_percent: np.ndarray  # (n_trafo,)
    p_source_mw: float  # active power from the external grids [MW]
    q_source_mvar: float  # reactive power from the external grids [Mvar]

    @property
    def loss_mw(self) -> float:
        """Active losses of lines and transformers [MW]."""
        return float(self.line_loss_mw.sum() + self.p_hv_mw.sum() + self.p_lv_mw.sum())


class PandapowerFlow:
    """Solve one pandapower network again and again with changing set-points.

    Parameters
    ----------
    net : pandapowerNet
        Complete network: every element that will ever be used is in it.
    tolerance_mva : float
        Largest power mismatch of a solution [MVA].

    Attributes
    ----------
    load_p_mw, load_q_mvar : ndarray, (n_load,)
        Consumption.
    sgen_p_mw, sgen_q_mvar : ndarray, (n_sgen,)
        Injection.
    storage_p_mw, storage_q_mvar : ndarray, (n_storage,)
        Injection: discharge is positive, unlike in pandapower's table.
    tap_pos : ndarray, (n_trafo,)
        Tap positions.
    shunt_step : ndarray, (n_shunt,)
        Steps of capacitors and reactors in service.
    result : FlowResult
        Of the last solve.
    """

    def __init__(self, net: pp.pandapowerNet, tolerance_mva: float = 1e-8) -> None:
        self.net = net
        self.tolerance_mva = tolerance_mva
        self.load_p_mw = net.load["p_mw"].to_numpy(np.float64, copy=True)
        self.load_q_mvar = net.load["q_mvar"].to_numpy(np.float64, copy=True)
        self.sgen_p_mw = net.sgen["p_mw"].to_numpy(np.float64, copy=True)
        self.sgen_q_mvar = net.sgen["q_mvar"].to_numpy(np.float64, copy=True)
        self.storage_p_mw = -net.storage["p_mw"].to_numpy(np.float64, copy=True)
        self.storage_q_mvar = -net.storage["q_mvar"].to_numpy(np.float64, copy=True)
        self.tap_pos = net.trafo["tap_pos"].to_numpy(np.float64, copy=True)
        self.shunt_step = net.shunt["step"].to_numpy(np.float64, copy=True)
        self.result = FlowResult(
            converged=False,
            vm_pu=np.ones(len(net.bus)),
            va_degree=np.zeros(len(net.bus)),
            p_line_mw=np.zeros(len(net.line)),
            line_loading_percent=np.zeros(len(net.line)),
            line_loss_mw=np.zeros(len(net.line)),
            p_hv_mw=np.zeros(len(net.trafo)),
            q_hv_mvar=np.zeros(len(net.trafo)),
            p_lv_mw=np.zeros(len(net.trafo)),
            q_lv_mvar=np.zeros(len(net.trafo)),
            trafo_loading_percent=np.zeros(len(net.trafo)),
            p_source_mw=0.0,
            q_source_mvar=0.0,
        )
        self._row = {
            name: {int(index): row for row, index in enumerate(net[name].index)}
            for name in ("bus", "sgen", "storage", "trafo")
        }
        self._is_warm = False
        self.n_solve = 0
        self.n_failed = 0

    def bus_row(self, index: int) -> int:
        """Return the row of a bus by its number."""
        return self._row["bus"][index]

    def trafo_row(self, index: int) -> int:
        """Return the row of a transformer by its number."""
        return self._row["trafo"][index]

    def set_sgen(self, index: int, p_mw: float, q_mvar: float) -> None:
        """Set what a static generator injects."""
        row = self._row["sgen"][index]
        self.sgen_p_mw[row] = p_mw
        self.sgen_q_mvar[row] = q_mvar

    def set_storage(self, index: int, p_mw: float, q_mvar: float) -> None:
        """Set what a storage injects."""
        row = self._row["storage"][index]
        self.storage_p_mw[row] = p_mw
        self.storage_q_mvar[row] = q_mvar

    def set_tap(self, index: int, tap: float) -> None:
        """Set a transformer's tap position."""
        self.tap_pos[self._row["trafo"][index]] = tap

    def consumption_at(self, buses: Sequence[int]) -> tuple[float, float]:
        """Return what loads draw less what generators and storages inject there [MW, Mvar]."""
        net = self.net
        load = net.load["bus"].isin(buses).to_numpy()
        sgen = net.sgen["bus"].isin(buses).to_numpy()
        store = net.storage["bus"].isin(buses).to_numpy()
        p = self.load_p_mw[load].sum() - self.sgen_p_mw[sgen].sum() - self.storage_p_mw[store].sum()
        q = (
            self.load_q_mvar[load].sum()
            - self.sgen_q_mvar[sgen].sum()
            - self.storage_q_mvar[store].sum()
        )
        return float(p), float(q)

    def forget(self) -> None:
        """Begin the next solve from a flat start: it then depends on nothing before it."""
        self._is_warm = False

    def solve(self) -> bool:
        """Write the set-points and solve; start from the last solution, else flat, else DC.

        Returns
        -------
        bool
            Whether a start converged. If none did, `result` keeps the last solution's values and
            says so, and the next solve starts flat.
        """
        self._write()
        self.n_solve += 1
        # A start from the DC solution last: phase shifts in series defeat a flat one.
        for start in ("results", "flat", "dc") if self._is_warm else ("flat", "dc"):
            try:
                pp.runpp(
                    self.net,
                    init=start,
                    calculate_voltage_angles=True,
                    tolerance_mva=self.tolerance_mva,
                    trafo_model="t",
                    lightsim2grid=False,
                )
            except LoadflowNotConverged:
                continue
            self._read()
            self._is_warm = True
            return True
        self.result.converged = False
        self._is_warm = False
        self.n_failed += 1
        return False

    def _write(self) -> None:
        net = self.net
        net.load["p_mw"] = self.load_p_mw
        net.load["q_mvar"] = self.load_q_mvar
        if len(net.sgen):
            net.sgen["p_mw"] = self.sgen_p_mw
            net.sgen["q_mvar"] = self.sgen_q_mvar
        if len(net.storage):
            net.storage["p_mw"] = -self.storage_p_mw
            net.storage["q_mvar"] = -self.storage_q_mvar
        if len(net.trafo):
            net.trafo["tap_pos"] = self.tap_pos
        if len(net.shunt):
            net.shunt["step"] = self.shunt_step.astype(np.int64)

    def _read(self) -> None:
        net, result = self.net, self.result
        result.converged = True
        # Buses out of supply have no voltage; 0 keeps every observation finite.
        result.vm_pu[:] = np.nan_to_num(net.res_bus["vm_pu"].to_numpy(), nan=0.0)
        result.va_degree[:] = np.nan_to_num(net.res_bus["va_degree"].to_numpy(), nan=0.0)
        for values, table, column in (
            (result.p_line_mw, net.res_line, "p_from_mw"),
            (result.line_loading_percent, net.res_line, "loading_percent"),
            (result.line_loss_mw, net.res_line, "pl_mw"),
            (result.p_hv_mw, net.res_trafo, "p_hv_mw"),
            (result.q_hv_mvar, net.res_trafo, "q_hv_mvar"),
            (result.p_lv_mw, net.res_trafo, "p_lv_mw"),
            (result.q_lv_mvar, net.res_trafo, "q_lv_mvar"),
            (result.trafo_loading_percent, net.res_trafo, "loading_percent"),
        ):
            if values.size:
                values[:] = np.nan_to_num(table[column].to_numpy(), nan=0.0)
        result.p_source_mw = float(net.res_ext_grid["p_mw"].sum())
        result.q_source_mvar = float(net.res_ext_grid["q_mvar"].sum())
