"""Power flow by pandapower's Newton-Raphson, the reference."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.auxiliary import LoadflowNotConverged
from pandapower.pypower.makeSbus import makeSbus
from pandapower.topology import unsupplied_buses
from scipy.sparse.linalg import MatrixRankWarning

from powergrid.powerflow.element_rows import ElementRows
from powergrid.powerflow.openable import Openable, Unsupplied
from powergrid.powerflow.pandapower_tables import (
    RUNPP_OPTIONS,
    read_inputs,
    write_inputs,
)
from powergrid.powerflow.power_flow import INPUTS, RESULTS, LaneStart, LaneStatus, PowerFlow

__all__ = ["PandapowerFlow"]

COLUMN_OF_RESULT = {  # result: table and column
    "vm_pu": ("bus", "vm_pu"),
    "va_degree": ("bus", "va_degree"),
    "line_p_from_mw": ("line", "p_from_mw"),
    "line_q_from_mvar": ("line", "q_from_mvar"),
    "line_p_to_mw": ("line", "p_to_mw"),
    "line_q_to_mvar": ("line", "q_to_mvar"),
    "line_loading_percent": ("line", "loading_percent"),
    "trafo_p_hv_mw": ("trafo", "p_hv_mw"),
    "trafo_q_hv_mvar": ("trafo", "q_hv_mvar"),
    "trafo_p_lv_mw": ("trafo", "p_lv_mw"),
    "trafo_q_lv_mvar": ("trafo", "q_lv_mvar"),
    "trafo_loading_percent": ("trafo", "loading_percent"),
    "trafo3w_loading_percent": ("trafo3w", "loading_percent"),
}
COUNTER_OF_START = {LaneStart.WARM: "n_warm", LaneStart.FLAT: "n_flat", LaneStart.LAST: "n_damped"}


class PandapowerFlow(PowerFlow):
    """Solve by ``runpp``, lane after lane.

    `net` is the network that is solved: its tables hold the inputs of the lane solved last, and its
    results if that converged. What is changed in it between solves other than the inputs, such as
    a switch, counts from the next solve on.

    Parameters
    ----------
    net : pandapowerNet
        See `PowerFlow`.
    n_lane : int
        Number of lanes.
    tolerance_mva : float
        Largest power mismatch of a solution, as ``runpp`` takes it: whatever its name says,
        pandapower compares it with the mismatch in p.u. of ``sn_mva``.
    openable : Openable, optional
        Lines and switches that single lanes may open.
    """

    def __init__(
        self,
        net: pp.pandapowerNet,
        n_lane: int = 1,
        *,
        tolerance_mva: float = 1e-8,
        openable: Openable | None = None,
    ) -> None:
        super().__init__(ElementRows.of(net), n_lane, tolerance_mva, openable)
        self._net = net
        self._unsupplied: dict[bytes, Unsupplied] = {}  # by what is open
        if openable is not None:
            self.is_open = np.zeros((len(openable), n_lane), np.uint8)
            self._taken_up = self.is_open.copy()
        for name, values in read_inputs(net).items():
            setattr(self, name, np.repeat(values[:, np.newaxis], n_lane, axis=1))
        for name in RESULTS:
            n_row = len(net[COLUMN_OF_RESULT[name][0]])
            setattr(self, name, np.full((n_row, n_lane), float(name == "vm_pu")))
        self.status = np.full(n_lane, LaneStatus.UNSOLVED, np.int8)
        self.start = np.full(n_lane, LaneStart.NONE, np.int8)
        self.iterations = np.zeros(n_lane, np.int32)
        self.mismatch_pu = np.zeros(n_lane)
        self._source_mva = np.zeros(n_lane, np.complex128)
        self._loss_mw = np.zeros(n_lane)
        self._is_warm = np.zeros(n_lane, np.bool_)
        self._lane_in_net = -1  # whose inputs and results the tables hold
        self._counters = dict.fromkeys(
            ("n_warm", "n_flat", "n_damped", "n_failed", "n_invalid", "n_iteration"), 0
        )
        # Without a changer tap_pos is NaN and no input; neither is what its table never had.
        self._is_input = {name: np.isfinite(getattr(self, name)[:, 0]) for name in INPUTS}

    @property
    def net(self) -> pp.pandapowerNet:
        """The network that is solved."""
        return self._net

    @property
    def source_p_mw(self) -> NDArray[np.float64]:
        """Active power from the external grids [MW], (n_lane,)."""
        return self._source_mva.real.copy()

    @property
    def source_q_mvar(self) -> NDArray[np.float64]:
        """Reactive power from the external grids [Mvar], (n_lane,)."""
        return self._source_mva.imag.copy()

    @property
    def loss_mw(self) -> NDArray[np.float64]:
        """Active losses of lines and transformers [MW], (n_lane,)."""
        return self._loss_mw.copy()

    @property
    def counters(self) -> dict[str, int]:
        """How many lanes were settled by each start; see `PowerFlow.counters`."""
        return dict(self._counters)

    def forget(self, lane: int | None = None) -> None:
        """Begin the next solve of a lane, or of all, from a flat start."""
        self._is_warm[slice(None) if lane is None else self.check_lane(lane)] = False

    def solve(self) -> None:
        """Solve each lane from its last solution, else flat, else from its DC power flow."""
        self.solve_lanes(0, self.n_lane)

    def solve_lanes(self, first: int, last: int, worker: int = 0) -> None:
        """Solve lanes `first` to `last` as `solve` does; there is one worker."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # A network that cannot be solved is a status; numbers that overflow belong to it.
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", MatrixRankWarning)
            for lane in range(first, last):  # runpp knows one network at a time
                self._solve_lane(lane)

    def with_lanes(self, n_lane: int) -> PandapowerFlow:
        """Return another power flow of the same network, with its initial inputs."""
        return PandapowerFlow(
            self.net, n_lane, tolerance_mva=self.tolerance_pu, openable=self.openable
        )

    def with_openable(self, openable: Openable) -> PandapowerFlow:
        """Return another power flow of the same network, of which these can be opened."""
        return PandapowerFlow(
            self.net, self.n_lane, tolerance_mva=self.tolerance_pu, openable=openable
        )

    def rewire(self, first: int, last: int) -> NDArray[np.intp]:
        """Let what was written to `is_open` count in lanes `first` to `last`; see `PowerFlow`."""
        new = (self.is_open[:, first:last] != self._taken_up[:, first:last]).any(axis=0)
        self._taken_up[:, first:last] = self.is_open[:, first:last]
        lanes = first + np.flatnonzero(new)
        for lane in lanes.tolist():
            self._is_warm[lane] = False
            found = self.unsupplied(lane)
            if found is not None:
                self._clear(found, lane)
        return lanes

    def recognise(self, lanes: NDArray[np.intp]) -> None:
        """Find out what is open in lanes whose whole state was written; see `PowerFlow`."""
        self._taken_up[:, lanes] = self.is_open[:, lanes]

    def unsupplied(self, lane: int) -> Unsupplied | None:
        """Return what has no supply in a lane, None where nothing is open."""
        if self.openable is None or not self._taken_up[:, lane].any():
            return None
        key = self._taken_up[:, lane].tobytes()
        if key not in self._unsupplied:
            base = self._dead_buses(np.zeros(len(self.openable), np.uint8))
            is_dead = self._dead_buses(self._taken_up[:, lane]) & ~base
            self._unsupplied[key] = Unsupplied.at_buses(is_dead, self.rows)
        return self._unsupplied[key]

    def _dead_buses(self, is_open: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which buses have no supply, (n_bus,)."""
        assert self.openable is not None
        self._lane_in_net = -1
        self.openable.write(self.net, is_open)
        dead = np.isin(self.rows.numbers["bus"], list(unsupplied_buses(self.net)))
        result: NDArray[np.bool_] = dead | ~self.net.bus["in_service"].to_numpy(np.bool_)
        return result

    def _clear(self, found: Unsupplied, lane: int) -> None:
        """Make the results of what has no supply 0."""
        dead = self.rows.numbers["bus"][found.buses]
        self.vm_pu[found.buses, lane] = self.va_degree[found.buses, lane] = 0.0
        for table, bus in (("line", "from_bus"), ("trafo", "hv_bus"), ("trafo3w", "hv_bus")):
            is_off = self.net[table][bus].isin(dead).to_numpy()
            for name in RESULTS:
                if name.startswith(f"{table}_"):
                    getattr(self, name)[is_off, lane] = 0.0
        assert self.openable is not None
        n_line = len(self.openable.lines)
        opened = np.array(self.openable.lines, np.intp)[self._taken_up[:n_line, lane] != 0]
        for name in RESULTS:
            if name.startswith("line_"):
                getattr(self, name)[opened, lane] = 0.0

    def hidden_arrays(self) -> list[NDArray[Any]]:
        """Return what belongs to the lanes and has no name of `PowerFlow`'s, (n_lane,) each."""
        return [self._source_mva, self._loss_mw, self._is_warm]

    def to_pandapower(
        self, lane: int = 0, *, net: pp.pandapowerNet | None = None
    ) -> pp.pandapowerNet:
        """Return the network as ``runpp`` left it; see `PowerFlow.to_pandapower`."""
        if net is not self.net:
            return super().to_pandapower(lane, net=net)
        if lane != self._lane_in_net:
            super().to_pandapower(lane, net=net)
            self._lane_in_net = lane
        return self.net

    def _solve_lane(self, lane: int) -> None:
        self.start[lane] = LaneStart.NONE
        self.iterations[lane] = 0
        self._lane_in_net = -1
        if not self._is_valid(lane):
            self.status[lane] = LaneStatus.INVALID_INPUT
            self.mismatch_pu[lane] = np.inf
            self._is_warm[lane] = False
            self._counters["n_invalid"] += 1
            return
        net = self.net
        write_inputs(self, lane, net)
        self._lane_in_net = lane
        for start, init in self._starts(lane):
            try:
                pp.runpp(net, **init, tolerance_mva=self.tolerance_pu, **RUNPP_OPTIONS)
            except LoadflowNotConverged:
                self._count_iterations(lane)
                continue
            self._count_iterations(lane)
            self._read(lane)
            self.status[lane] = LaneStatus.CONVERGED
            self.start[lane] = start
            self._is_warm[lane] = True
            self._counters[COUNTER_OF_START[start]] += 1
            return
        self.mismatch_pu[lane] = self._mismatch()
        self.status[lane] = LaneStatus.NO_SOLUTION
        self._is_warm[lane] = False
        self._counters["n_failed"] += 1

    def _is_valid(self, lane: int) -> bool:
        return all(
            np.isfinite(getattr(self, name)[is_input, lane]).all()
            for name, is_input in self._is_input.items()
        )

    def _starts(self, lane: int) -> Iterator[tuple[LaneStart, dict[str, Any]]]:
        if self._is_warm[lane]:
            vm_pu = self.vm_pu[:, lane]
            yield (
                LaneStart.WARM,
                {
                    "init_vm_pu": np.where(vm_pu > 0.0, vm_pu, 1.0),
                    "init_va_degree": self.va_degree[:, lane].copy(),
                },
            )
        yield LaneStart.FLAT, {"init": "flat"}
        # Phase shifts in series defeat a flat start.
        yield LaneStart.LAST, {"init": "dc"}

    def _count_iterations(self, lane: int) -> None:
        n_step = int(self.net["_ppc"]["iterations"])
        self.iterations[lane] += n_step
        self._counters["n_iteration"] += n_step

    def _mismatch(self) -> float:
        """Return the largest power mismatch of the last voltages [p.u.]."""
        internal = self.net["_ppc"]["internal"]
        if "V" not in internal:  # every voltage is held, and pandapower solves nothing
            return 0.0
        v = internal["V"]
        injection = makeSbus(internal["baseMVA"], internal["bus"], internal["gen"], vm=np.abs(v))
        s = v * np.conj(internal["Ybus"] @ v) - injection
        pv, pq = internal["pv"], internal["pq"]
        parts = np.abs(np.concatenate([s[pv].real, s[pq].real, s[pq].imag]))
        return float(np.nan_to_num(parts.max(initial=0.0), nan=np.inf))

    def _read(self, lane: int) -> None:
        net = self.net
        self.mismatch_pu[lane] = self._mismatch()
        for name, (table, column) in COLUMN_OF_RESULT.items():
            if len(net[table]):
                # Buses out of supply have no voltage, and what is rated 0 has an infinite loading;
                # 0 keeps every observation finite.
                values = net[f"res_{table}"][column].to_numpy(np.float64)
                getattr(self, name)[:, lane] = np.nan_to_num(values, posinf=0.0)
        source = net["res_ext_grid"]
        self._source_mva[lane] = complex(source["p_mw"].sum(), source["q_mvar"].sum())
        self._loss_mw[lane] = sum(
            net[f"res_{table}"]["pl_mw"].sum() for table in ("line", "trafo", "trafo3w")
        )
