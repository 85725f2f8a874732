"""One lane of a power flow, as the agents of a single environment use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.powerflow.power_flow import (
    INPUTS,
    RESULTS,
    LaneStatus,
    PowerFlow,
    refuse_new_array,
)

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["FlowLane", "FlowResult"]

Array = NDArray[np.float64]


class FlowResult:
    """Result of one lane's last solve: one-dimensional views under the names of `PowerFlow`.

    They follow every solve. After one that did not converge they keep the last solution.
    """

    vm_pu: Array
    va_degree: Array
    line_p_from_mw: Array
    line_q_from_mvar: Array
    line_p_to_mw: Array
    line_q_to_mvar: Array
    line_loading_percent: Array
    trafo_p_hv_mw: Array
    trafo_q_hv_mvar: Array
    trafo_p_lv_mw: Array
    trafo_q_lv_mvar: Array
    trafo_loading_percent: Array
    trafo3w_loading_percent: Array

    def __init__(self, flow: PowerFlow, lane: int) -> None:
        self._flow = flow
        self._lane = lane
        self._status = flow.status
        for name in RESULTS:
            setattr(self, name, getattr(flow, name)[:, lane])

    @property
    def converged(self) -> bool:
        """Whether the last solve found a solution."""
        return int(self._status[self._lane]) == LaneStatus.CONVERGED

    @property
    def source_p_mw(self) -> float:
        """Active power from the external grids [MW]."""
        return float(self._flow.source_p_mw[self._lane])

    @property
    def source_q_mvar(self) -> float:
        """Reactive power from the external grids [Mvar]."""
        return float(self._flow.source_q_mvar[self._lane])

    @property
    def loss_mw(self) -> float:
        """Active losses of lines and transformers [MW]."""
        return float(self._flow.loss_mw[self._lane])

    def __reduce__(self) -> tuple[type[FlowResult], tuple[PowerFlow, int]]:
        return FlowResult, (self._flow, self._lane)  # views of the copied arrays


class FlowLane:
    """Inputs, results and setters of one lane, by element number.

    Copies and pickles carry the whole power flow.

    Parameters
    ----------
    flow : PowerFlow
        Whose lane it is.
    lane : int
        Which one.

    Attributes
    ----------
    load_p_mw, load_q_mvar, sgen_p_mw, ..., tap_pos, shunt_step : ndarray, (n_row,)
        The lane's inputs: views of the arrays of `PowerFlow`, same names, units and signs.
    result : FlowResult
        Of the last solve; the same object for good.
    flow, lane : PowerFlow, int
        The power flow behind it, and the number of the lane there.
    n_solve, n_failed : int
        Solves asked for through this object, and how many of them found no solution.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> from powergrid.powerflow.pandapower_flow import PandapowerFlow
    >>> lane = PandapowerFlow(IEEE13Bus("MG1")).lane()
    >>> lane.load_p_mw[:] *= 0.5
    >>> lane.solve()
    True
    >>> bool(lane.result.vm_pu.min() > 0.95)
    True
    """

    load_p_mw: Array
    load_q_mvar: Array
    sgen_p_mw: Array
    sgen_q_mvar: Array
    storage_p_mw: Array
    storage_q_mvar: Array
    gen_p_mw: Array
    gen_vm_pu: Array
    ext_grid_vm_pu: Array
    tap_pos: Array
    shunt_step: Array

    def __init__(self, flow: PowerFlow, lane: int = 0) -> None:
        self.lane = flow.check_lane(lane)
        self.flow = flow
        self.result = FlowResult(flow, lane)
        self.n_solve = 0
        self.n_failed = 0
        self._n_written = 0  # lanes settled when `net` was last brought up to date
        self._view_inputs()

    def __setattr__(self, name: str, value: object) -> None:
        refuse_new_array(self, name, value)
        super().__setattr__(name, value)

    @property
    def net(self) -> pandapowerNet:
        """The network; what its ``res_*`` tables hold is not promised, see `to_pandapower`."""
        return self.flow.net

    @property
    def bus_names(self) -> tuple[str, ...]:
        """Names of the buses, (n_bus,)."""
        return self.flow.rows.names["bus"]

    @property
    def trafo_names(self) -> tuple[str, ...]:
        """Names of the two-winding transformers, (n_trafo,)."""
        return self.flow.rows.names["trafo"]

    def bus_row(self, index: int) -> int:
        """Return the row of a bus by its number."""
        return self.flow.rows.bus[index]

    def trafo_row(self, index: int) -> int:
        """Return the row of a transformer by its number."""
        return self.flow.rows.trafo[index]

    def set_sgen(self, index: int, p_mw: float, q_mvar: float) -> None:
        """Set what a static generator injects."""
        row = self.flow.rows.sgen[index]
        self.sgen_p_mw[row] = p_mw
        self.sgen_q_mvar[row] = q_mvar

    def set_storage(self, index: int, p_mw: float, q_mvar: float) -> None:
        """Set what a storage injects."""
        row = self.flow.rows.storage[index]
        self.storage_p_mw[row] = p_mw
        self.storage_q_mvar[row] = q_mvar

    def set_tap(self, index: int, tap: float) -> None:
        """Set a transformer's tap position."""
        self.tap_pos[self.flow.rows.trafo[index]] = tap

    def consumption_at(self, buses: Sequence[int]) -> tuple[float, float]:
        """Return what loads draw less what generators and storages inject there [MW, Mvar].

        Loads count as at 1 p.u.
        """
        (load, of_load), (sgen, of_sgen), (store, of_store) = self.flow.rows.at_buses(buses)
        p = (
            (of_load * self.load_p_mw[load]).sum()
            - (of_sgen * self.sgen_p_mw[sgen]).sum()
            - (of_store * self.storage_p_mw[store]).sum()
        )
        q = (
            (of_load * self.load_q_mvar[load]).sum()
            - (of_sgen * self.sgen_q_mvar[sgen]).sum()
            - (of_store * self.storage_q_mvar[store]).sum()
        )
        return float(p), float(q)

    def forget(self) -> None:
        """Begin the next solve from a flat start: it then depends on nothing before it."""
        self.flow.forget(self.lane)

    def solve(self) -> bool:
        """Solve the lane's power flow and return whether it converged.

        If it did not, `result` keeps the last solution's values and says so, and the next solve
        starts flat.
        """
        self.flow.solve_lanes(self.lane, self.lane + 1)
        return self.count_solves(1)

    def count_solves(self, n_solve: int) -> bool:
        """Count solves of this lane that `flow` was asked for; return whether the last converged.

        Those before it did.
        """
        self.n_solve += n_solve
        converged = self.result.converged
        self.n_failed += not converged
        return converged

    def to_pandapower(self, *, net: pandapowerNet | None = None) -> pandapowerNet:
        """Return the network with inputs and results; see `PowerFlow.to_pandapower`."""
        return self.flow.to_pandapower(self.lane, net=net)

    def current_net(self) -> pandapowerNet:
        """Return `net` with its tables brought up to date with the last solve, if there was one.

        That costs a ``runpp`` where pandapower did not solve, once for each solve. All lanes share
        the one network: it holds the lane asked for last.
        """
        n_settled = sum(n for name, n in self.flow.counters.items() if name != "n_iteration")
        # Another lane's tables may have been written since.
        is_stale = self._n_written != n_settled or self.flow.n_lane > 1
        if n_settled and is_stale:
            self.to_pandapower(net=self.net)
            self._n_written = n_settled
        return self.net

    def _view_inputs(self) -> None:
        for name in INPUTS:
            setattr(self, name, getattr(self.flow, name)[:, self.lane])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in INPUTS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view_inputs()
