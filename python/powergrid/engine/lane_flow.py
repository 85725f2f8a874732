"""A power flow as the engine sees it: flat arrays over lanes, whoever solves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powergrid.engine.lane_arrays import lane_array, whole_rows
from powergrid.engine.rows import runs
from powergrid.powerflow.native_flow import LANE_TABLES, NativeFlow
from powergrid.powerflow.power_flow import INPUTS, RESULTS, PowerFlow

if TYPE_CHECKING:
    from powergrid import _core
    from powergrid.powerflow.tap_control import TapControl

__all__ = ["LaneFlow", "NativeSettling"]

Array = NDArray[np.float64]

TABLES = ("load", "sgen", "storage", "gen")  # in the order of their rows among the injections


@dataclass(frozen=True)
class NativeSettling:
    """A power flow whose inputs and results are the compiled core's own, and its regulators."""

    flow: NativeFlow
    control: _core.TapControl | None


class LaneFlow:
    """Inputs and results of a power flow under one name each, and a settling solve.

    Attributes
    ----------
    p_mw, q_mvar : ndarray, (n_injection, n_lane)
        Inputs: consumption of loads, injection of static generators, storages and generators, one
        table behind the other; `injection` says from which row on.
    tap_pos, shunt_step : ndarray
        Inputs by row of the network's tables.
    vm_pu, va_degree : ndarray, (n_bus, n_lane)
        Bus voltages.
    p_from_mw, q_from_mvar, p_to_mw, q_to_mvar, loading_percent : ndarray, (n_branch, n_lane)
        Power into both ends and loading of lines, then of transformers (from is their high side);
        `branch` says from which row on.
    p_source_mw, q_source_mvar : ndarray, (n_source, n_lane)
        What each external grid supplies; rows `sources` count.
    status : ndarray of int8, (n_lane,)
        See `LaneStatus`.
    is_stuck : ndarray of uint8, (n_regulator, n_lane), or None
        Regulators that do not move; see `hold_regulators`.
    is_parallel : bool
        Whether workers may settle disjoint lanes at once.

    Notes
    -----
    Some results are NaN after `tell_only`.
    """

    def __init__(self, flow: PowerFlow, tap_control: TapControl | None) -> None:
        self.flow = flow
        self.n_lane, self.rows = flow.n_lane, flow.rows
        self._control = tap_control
        self.tap_pos, self.shunt_step = whole_rows(flow.tap_pos), whole_rows(flow.shunt_step)
        self.vm_pu, self.va_degree = whole_rows(flow.vm_pu), whole_rows(flow.va_degree)
        self.status = flow.status
        self.is_parallel = isinstance(flow, NativeFlow)
        self.is_stuck: NDArray[np.uint8] | None = None
        self._settle_native: Callable[[int, int, int], int] | None = None
        self._told: dict[str, list[slice]] = {}  # rows of results that are not all told
        if isinstance(flow, NativeFlow):
            self._view_native(flow)
            self._settle_native = _settling(flow, tap_control)
        else:
            self._copy_tables(flow)

    def _view_native(self, flow: NativeFlow) -> None:
        batch, compiled = flow.batch, flow.compiled
        self.p_mw, self.q_mvar = whole_rows(batch.p_mw), whole_rows(batch.q_mvar)
        self.p_from_mw, self.q_from_mvar = (
            whole_rows(batch.p_from_mw),
            whole_rows(batch.q_from_mvar),
        )
        self.p_to_mw, self.q_to_mvar = whole_rows(batch.p_to_mw), whole_rows(batch.q_to_mvar)
        self.loading_percent = whole_rows(batch.loading_percent)
        self.p_source_mw = whole_rows(batch.p_controlled_mw)
        self.q_source_mvar = whole_rows(batch.q_controlled_mvar)
        self.sources = flow.source_rows
        self.injection = {name: getattr(compiled.injections, name).start for name in TABLES}
        self.branch = {"line": compiled.lines.start, "trafo": compiled.trafos.start}

    def _copy_tables(self, flow: PowerFlow) -> None:
        n_lane = flow.n_lane
        self.injection, n_injection = {}, 0
        for name in TABLES:
            self.injection[name] = n_injection
            n_injection += len(getattr(flow, f"{name}_p_mw"))
        n_line = len(flow.line_p_from_mw)
        self.branch, n_branch = {"line": 0, "trafo": n_line}, n_line + len(flow.trafo_p_hv_mw)
        self.p_mw, self.q_mvar = (lane_array(n_injection, n_lane=n_lane) for _ in range(2))
        for name in TABLES:
            start = self.injection[name]
            p_mw = getattr(flow, f"{name}_p_mw")
            self.p_mw[start : start + len(p_mw), :n_lane] = p_mw
            if name != "gen":
                q_mvar = getattr(flow, f"{name}_q_mvar")
                self.q_mvar[start : start + len(q_mvar), :n_lane] = q_mvar
        (self.p_from_mw, self.q_from_mvar, self.p_to_mw, self.q_to_mvar, self.loading_percent) = (
            lane_array(n_branch, n_lane=n_lane) for _ in range(5)
        )
        self.p_source_mw, self.q_source_mvar = (lane_array(1, n_lane=n_lane) for _ in range(2))
        self.sources = np.zeros(1, np.intp)

    @property
    def native(self) -> NativeSettling | None:
        """What settles lanes by one call of the compiled core, if that is all it takes."""
        flow, control = self.flow, self._control
        if not isinstance(flow, NativeFlow) or not flow.is_one_call or self.is_stuck is not None:
            return None
        return NativeSettling(flow, None if control is None else control.compiled(flow))

    def state_arrays(self) -> list[NDArray[Any]]:
        """Return inputs, solution and results, lanes on their last axis.

        A warm lane of pandapower is known by its voltages alone; natively it is all here.
        """
        topology = [] if self.flow.openable is None else [self.flow.is_open]
        if isinstance(self.flow, NativeFlow):
            batch = self.flow.batch
            tables = [
                getattr(batch, name)[rows]
                for name in LANE_TABLES
                for rows in self._told.get(name, [slice(None)])
            ]
            return [*tables, *topology]
        own = (
            "p_mw", "q_mvar", "p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar",
            "loading_percent", "p_source_mw", "q_source_mvar",
        )  # fmt: skip
        names = (*INPUTS, *RESULTS, "status", "start", "iterations", "mismatch_pu")
        return [
            *(getattr(self, name)[:, : self.n_lane] for name in own),
            *(getattr(self.flow, name) for name in names),
            *self.flow.hidden_arrays(),
            *topology,
        ]

    def tell_only(self, bus: NDArray[np.int32], branch: NDArray[np.int32]) -> None:
        """Write less of the results, where one native call settles lanes.

        What many lanes' results take is memory. Angles are those of some buses from now on, flows
        those of some branches but for `p_from_mw` and `loading_percent`. The others are NaN, and
        not among `state_arrays`.
        """
        native = self.native
        if native is None:
            return
        is_bus_told = np.zeros(len(self.va_degree), np.uint8)
        is_branch_told = np.zeros(len(self.p_to_mw), np.uint8)
        is_bus_told[bus], is_branch_told[branch] = 1, 1
        native.flow.batch.tell_only(is_bus_told, is_branch_told)
        flows = _row_slices(is_branch_told)
        self._told = {"va_degree": _row_slices(is_bus_told)}
        self._told |= dict.fromkeys(("q_from_mvar", "p_to_mw", "q_to_mvar"), flows)

    def share_solvers(self, other: LaneFlow) -> None:
        """Solve by the solvers of another of the same network, if they are native."""
        if isinstance(self.flow, NativeFlow) and isinstance(other.flow, NativeFlow):
            self.flow.share_solvers(other.flow)

    def hold_regulators(self) -> NDArray[np.uint8]:
        """Return `is_stuck`, made now: what is written to it counts from the next solve on."""
        n_regulator = 0 if self._control is None else len(self._control.rows)
        self.is_stuck = np.zeros((n_regulator, self.n_lane), np.uint8)
        if isinstance(self.flow, NativeFlow) and self._control is not None:
            control = self._control.compiled(self.flow)
            self._settle_native = partial(self.flow.settle_lanes, control, is_stuck=self.is_stuck)
        return self.is_stuck

    def forget(self, first: int, last: int) -> None:
        """Begin the next solve of lanes `first` to `last` from a flat start."""
        if isinstance(self.flow, NativeFlow):
            self.flow.batch.is_warm[first:last] = 0
        else:
            for lane in range(first, last):
                self.flow.forget(lane)

    def settle(self, first: int, last: int, worker: int) -> int:
        """Solve lanes `first` to `last`, regulators settled; workers may run at once.

        Two workers need disjoint lanes and a native power flow.

        Returns
        -------
        int
            Solves of a lane that it took, of all lanes together.
        """
        if self._settle_native is not None:
            return self._settle_native(first, last, worker)
        lanes = slice(first, last)
        self._write_tables(lanes)
        n_solve = 0
        for lane in range(first, last):  # runpp knows one network at a time
            of_lane = self.flow.lane(lane)
            if self._control is None:
                of_lane.solve()
            else:
                is_stuck = None if self.is_stuck is None else self.is_stuck[:, lane]
                self._control.settle(of_lane, is_stuck)
            n_solve += of_lane.n_solve
        self._read_tables(lanes)
        return n_solve

    def _write_tables(self, lanes: slice) -> None:
        flow = self.flow
        for name in TABLES:
            p_mw = getattr(flow, f"{name}_p_mw")
            rows = slice(self.injection[name], self.injection[name] + len(p_mw))
            p_mw[:, lanes] = self.p_mw[rows, lanes]
            if name != "gen":
                getattr(flow, f"{name}_q_mvar")[:, lanes] = self.q_mvar[rows, lanes]

    def _read_tables(self, lanes: slice) -> None:
        flow, n_line = self.flow, self.branch["trafo"]
        for name, line, trafo in (
            ("p_from_mw", "line_p_from_mw", "trafo_p_hv_mw"),
            ("q_from_mvar", "line_q_from_mvar", "trafo_q_hv_mvar"),
            ("p_to_mw", "line_p_to_mw", "trafo_p_lv_mw"),
            ("q_to_mvar", "line_q_to_mvar", "trafo_q_lv_mvar"),
            ("loading_percent", "line_loading_percent", "trafo_loading_percent"),
        ):
            array = getattr(self, name)
            array[:n_line, lanes] = getattr(flow, line)[:, lanes]
            array[n_line:, lanes] = getattr(flow, trafo)[:, lanes]
        self.p_source_mw[0, lanes] = flow.source_p_mw[lanes]
        self.q_source_mvar[0, lanes] = flow.source_q_mvar[lanes]


def _row_slices(is_chosen: NDArray[np.uint8]) -> list[slice]:
    rows = np.flatnonzero(is_chosen).tolist()
    return [slice(rows[begin], rows[end - 1] + 1) for begin, end in runs(rows)]


def _settling(flow: NativeFlow, tap_control: TapControl | None) -> Callable[[int, int, int], int]:
    """Return what solves lanes natively, with the regulators where they settle."""
    if tap_control is not None:
        return partial(flow.settle_lanes, tap_control.compiled(flow))

    def solve(first: int, last: int, worker: int) -> int:
        flow.solve_lanes(first, last, worker)
        return last - first

    return solve
