"""Power flow by the compiled core, all lanes at once."""

from __future__ import annotations

import copy
import os
import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid import _core
from powergrid.powerflow.compilation import CompiledNetwork
from powergrid.powerflow.native_topology import NativeTopology
from powergrid.powerflow.native_views import (
    HeldVoltages,
    input_views,
    result_views,
    winding_views,
)
from powergrid.powerflow.openable import Openable, Unsupplied
from powergrid.powerflow.power_flow import LaneStatus, PowerFlow

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["LANE_TABLES", "RESULT_TABLES", "NativeFlow"]

Array = NDArray[np.float64]

# What makes a batch go on exactly where another stands.
STATE = ("p_mw", "q_mvar", "tap_pos", "shunt_step", "vm_set_pu", "v_re_pu", "v_im_pu", "is_warm")
RESULT_TABLES = (
    *("vm_pu", "va_degree", "p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar", "loading_percent"),
    *("p_controlled_mw", "q_controlled_mvar", "mismatch_pu", "iterations", "status", "start"),
)

LANE_TABLES = (*STATE, *RESULT_TABLES)
"""What a lane is, in tables of `NativeFlow.batch`."""

OWN_ARRAYS = ("ext_grid_vm_pu", "gen_vm_pu", "trafo3w_loading_percent")  # some views, some not


class NativeFlow(PowerFlow):
    """Solve by the compiled core: Newton's method on the tree or on a sparse matrix.

    The environment variable ``HERON_SIMD`` (baseline, avx2 or avx512) fixes the instructions;
    without it the best of the machine are used. Between them the last bits may differ; for one of
    them a lane's results depend on its inputs and its last solution alone.

    External grids and generators that share a bus hold one voltage: that of the external grid, or
    else of the first generator of the table. What a generator beside an external grid supplies of
    reactive power counts as the external grid's.

    Parameters
    ----------
    net : pandapowerNet or CompiledNetwork
        See `PowerFlow`.
    n_lane : int
        Number of lanes.
    tolerance : float
        Largest power mismatch of a solution [p.u. of ``sn_mva``].
    max_iterations : int
        Newton steps from each start.
    n_thread : int
        Threads that share the lanes.
    openable : Openable, optional
        Lines and switches that single lanes may open.

    Attributes
    ----------
    compiled : CompiledNetwork
        What is solved.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> flow = NativeFlow(IEEE13Bus("MG1"), 3)
    >>> flow.load_p_mw[:] *= [1.0, 0.5, 20.0]
    >>> flow.solve()
    >>> flow.status.tolist()
    [0, 0, 1]
    """

    def __init__(
        self,
        net: pandapowerNet | CompiledNetwork,
        n_lane: int = 1,
        *,
        tolerance: float = 1e-8,
        max_iterations: int = 20,
        n_thread: int = 1,
        openable: Openable | None = None,
    ) -> None:
        if isinstance(net, CompiledNetwork):
            compiled = net
        else:
            from powergrid.powerflow.compilation.network import compile_network

            compiled = compile_network(net)
        super().__init__(compiled.elements, n_lane, tolerance, openable)
        for name, value in (("max_iterations", max_iterations), ("n_thread", n_thread)):
            if value < 1:
                raise InvalidArgumentError(f"{name} is {value}, expected at least 1")
        self.compiled = compiled
        self.max_iterations = max_iterations
        self.n_thread = n_thread
        self._make()

    def _make(self) -> None:
        """Make batch and solver, and the views of them."""
        compiled = self.compiled
        self._topology: NativeTopology | None = None
        if self.openable is not None:
            self._topology = NativeTopology(compiled, self.openable, self.n_lane)
            self.is_open = self._topology.is_open
        n_spare_node = 0 if self._topology is None else self._topology.n_spare_node
        self._batch = _core.Batch(compiled.network, self.n_lane, n_spare_node)
        self._simd = os.environ.get("HERON_SIMD", "")
        self._solvers: dict[int, _core.Solver] = {}  # one a worker, made when first needed
        # For lanes with a network of their own: memory, and one solver of all variants.
        self._variant_workers: dict[int, tuple[_core.Batch, _core.Solver]] = {}
        self._solver = self._solver_of(0)
        self._held = HeldVoltages(compiled, self._batch)
        self._windings = winding_views(compiled, self._batch)
        self.trafo3w_loading_percent = np.zeros(self._windings[0].shape)
        # Whether some input or result is not the batch's own; rare.
        self._is_copied = self._held.is_apart or self.trafo3w_loading_percent.size > 0
        views = input_views(compiled, self._batch) | result_views(compiled, self._batch)
        self.__dict__.update(views)
        self.ext_grid_vm_pu, self.gen_vm_pu = self._held.ext_grid, self._held.gen

    @property
    def net(self) -> pandapowerNet:
        """The network that was compiled; see `CompiledNetwork.net`."""
        return cast("pandapowerNet", self.compiled.net)

    @property
    def method(self) -> str:
        """The method that the network's shape asks for, "tree" or "sparse"."""
        return self.compiled.network.method

    @property
    def simd(self) -> str:
        """Instructions in use: "baseline", "avx2" or "avx512"."""
        return self._solver.simd

    @property
    def batch(self) -> _core.Batch:
        """The compiled core's arrays, for whoever works on many rows at once."""
        return self._batch

    @property
    def source_rows(self) -> NDArray[np.intp]:
        """Rows of the external grids among what holds a voltage in `batch`."""
        return self._held.sources

    @property
    def source_p_mw(self) -> Array:
        """Active power from the external grids [MW], (n_lane,)."""
        total: Array = self._batch.p_controlled_mw[self._held.sources].sum(axis=0)
        return total

    @property
    def source_q_mvar(self) -> Array:
        """Reactive power from the external grids [Mvar], (n_lane,)."""
        total: Array = self._batch.q_controlled_mvar[self._held.sources].sum(axis=0)
        return total

    @property
    def loss_mw(self) -> Array:
        """Active losses of lines and transformers [MW], (n_lane,)."""
        # They are the first branches: lines, transformers of two windings, then of three.
        n = max(self.compiled.lines.stop, self.compiled.trafos.stop, self.compiled.trafo3ws.stop)
        loss: Array = self._batch.p_from_mw[:n].sum(axis=0) + self._batch.p_to_mw[:n].sum(axis=0)
        return loss

    @property
    def counters(self) -> dict[str, int]:
        """How many lanes were settled by each start; see `PowerFlow.counters`."""
        return dict(self._batch.counters)

    def solve(self) -> None:
        """Solve all lanes: each from its last solution, then flat, then flat with damped steps."""
        if self._has_open(0, self.n_lane):
            self.solve_lanes(0, self.n_lane)
            return
        if self._is_copied:
            self._held.write(slice(None))
        self._solver.solve(self._batch, self._tolerance_pu, self.max_iterations, self.n_thread)
        if self._is_copied:
            self._write_windings(0, self.n_lane)

    def solve_lanes(self, first: int, last: int, worker: int = 0) -> None:
        """Solve the lanes from `first` to `last`, exclusive, and leave all others as they are.

        Parameters
        ----------
        first, last : int
            Which lanes. Ranges that begin and end on a multiple of 16 go fastest.
        worker : int
            Who asks: workers with lanes of their own may do so at once, each in its own thread.
            The GIL is released.
        """
        if not 0 <= first <= last <= self.n_lane:
            raise self._no_such_lanes(first, last)
        solver = self._solvers.get(worker) or self._solver_of(worker)
        if self._is_copied:
            self._held.write(slice(first, last))
        if self._has_open(first, last):
            self._solve_apart(None, first, last, worker, None)
        else:
            solver.solve_lanes(self._batch, first, last, self._tolerance_pu, self.max_iterations)
        if self._is_copied:
            self._write_windings(first, last)

    def settle_lanes(
        self,
        tap_control: _core.TapControl,
        first: int,
        last: int,
        worker: int = 0,
        is_stuck: NDArray[np.uint8] | None = None,
    ) -> int:
        """Solve lanes with their regulators at the positions they settle on.

        Each lane on its own goes through the rounds of `TapControl.settle`: one that moved is
        solved again, one without a solution stops where it is.

        Parameters
        ----------
        tap_control : powergrid._core.TapControl
            What `TapControl.compiled` returns.
        first, last, worker : int
            As for `solve_lanes`.
        is_stuck : ndarray of uint8, (n_regulator, n_lane or more), optional
            A regulator does not move in lanes where it is not 0.

        Returns
        -------
        int
            Solves of a lane that it took, of all lanes together.
        """
        if not 0 <= first <= last <= self.n_lane:
            raise self._no_such_lanes(first, last)
        solver = self._solvers.get(worker) or self._solver_of(worker)
        if self._is_copied:
            self._held.write(slice(first, last))
        if self._has_open(first, last):
            n_solve = self._solve_apart(tap_control, first, last, worker, is_stuck)
        else:
            n_solve = tap_control.settle(
                solver, self._batch, first, last, self._tolerance_pu, self.max_iterations, None,
                is_stuck,
            )  # fmt: skip
        if self._is_copied:
            self._write_windings(first, last)
        return n_solve

    def _has_open(self, first: int, last: int) -> bool:
        topology = self._topology
        return topology is not None and bool(topology.variant_of[first:last].any())

    def _solve_apart(
        self,
        tap_control: _core.TapControl | None,
        first: int,
        last: int,
        worker: int,
        is_stuck: NDArray[np.uint8] | None,
    ) -> int:
        """Solve lanes of which some have a network of their own."""
        topology = self._topology
        assert topology is not None
        number = topology.variant_of[first:last]
        n_solve = self._solve_some(
            tap_control, self._solvers[worker], self._batch, first, last,
            (number == 0).view(np.uint8), is_stuck,
        )  # fmt: skip
        # The others lie side by side by their networks, in memory of their own: among all lanes
        # each would have its rows in pages that nobody else needs.
        order = np.argsort(number, kind="stable").astype(np.int32)
        order = order[np.count_nonzero(number == 0) :]
        here, lanes = np.arange(len(order), dtype=np.int32), (first + order).astype(np.int32)
        apart, solver = self._apart(worker, len(order))
        apart.copy_inputs(self._batch, lanes, here)
        stuck_here = None
        if is_stuck is not None:
            stuck_here = np.zeros((len(is_stuck), apart.n_lane), np.uint8)
            stuck_here[:, : len(lanes)] = is_stuck[:, lanes]
        ends = np.flatnonzero(np.diff(number[order])) + 1
        for begin, end in zip([0, *ends.tolist()], [*ends.tolist(), len(order)], strict=True):
            variant = topology.variant(int(number[order[begin]]))
            solver.use(variant.network)
            for lane in range(begin, end):
                apart.clear_unsupplied(variant.network, lane)
            n_solve += self._solve_some(tap_control, solver, apart, begin, end, None, stuck_here)
        self._batch.copy_results(apart, here, lanes)
        self._batch.take_counters(apart)
        return n_solve

    def _solve_some(
        self,
        tap_control: _core.TapControl | None,
        solver: _core.Solver,
        batch: _core.Batch,
        first: int,
        last: int,
        is_chosen: NDArray[np.uint8] | None,
        is_stuck: NDArray[np.uint8] | None,
    ) -> int:
        limits = self._tolerance_pu, self.max_iterations
        if tap_control is not None:
            return tap_control.settle(solver, batch, first, last, *limits, is_chosen, is_stuck)
        solver.solve_lanes(batch, first, last, *limits, is_chosen)
        return last - first if is_chosen is None else int(np.count_nonzero(is_chosen))

    def _apart(self, worker: int, n_lane: int) -> tuple[_core.Batch, _core.Solver]:
        """Return a worker's batch of at least so many lanes for variants, and its solver."""
        batch, solver = self._variant_workers.get(worker, (None, None))
        if solver is None:
            solver = _core.Solver(self.compiled.network, self._simd)
        if batch is None or batch.n_lane < n_lane:
            assert self._topology is not None
            n = max(16, 1 << (n_lane - 1).bit_length())
            batch = _core.Batch(self.compiled.network, n, self._topology.n_spare_node)
        self._variant_workers[worker] = batch, solver
        return batch, solver

    def rewire(self, first: int, last: int) -> NDArray[np.intp]:
        """Let what was written to `is_open` count in lanes `first` to `last`; see `PowerFlow`."""
        topology = self._with_topology()
        batch, lanes = self._batch, topology.take_up(slice(first, last))
        for lane in lanes.tolist():
            batch.is_warm[lane] = 0
            number = int(topology.variant_of[lane])
            if number:
                batch.clear_unsupplied(topology.variant(number).network, lane)
        return lanes

    def recognise(self, lanes: NDArray[np.intp]) -> None:
        """Find the networks of lanes whose whole state was written; see `PowerFlow`."""
        self._with_topology().take_up(lanes)

    def unsupplied(self, lane: int) -> Unsupplied | None:
        """Return what has no supply in a lane, None where nothing is open."""
        topology = self._topology
        number = 0 if topology is None else int(topology.variant_of[lane])
        return self._with_topology().variant(number).unsupplied if number else None

    def _with_topology(self) -> NativeTopology:
        if self._topology is None:
            raise InvalidArgumentError(
                "this power flow was made without anything that can be opened: see `with_openable`"
            )
        return self._topology

    @property
    def is_one_call(self) -> bool:
        """Whether the compiled core solves or settles lanes by one call, nothing around it."""
        return not self._is_copied and self._topology is None

    def solver(self, worker: int) -> _core.Solver:
        """Return the solver of a worker."""
        return self._solvers.get(worker) or self._solver_of(worker)

    def share_solvers(self, other: NativeFlow) -> None:
        """Solve by the solvers of another power flow of the same network.

        Their memory is then in the caches still. No worker may solve in both at once.
        """
        if other.compiled is not self.compiled or other.simd != self.simd:
            raise InvalidArgumentError("solvers are shared between power flows of one network only")
        self._solvers, self._solver = other._solvers, other._solver

    def _solver_of(self, worker: int) -> _core.Solver:
        return self._solvers.setdefault(worker, _core.Solver(self.compiled.network, self._simd))

    def _no_such_lanes(self, first: int, last: int) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"the lanes are {first} to {last} exclusive, expected a range within 0 to {self.n_lane}"
        )

    def _write_windings(self, first: int, last: int) -> None:
        high, middle, low = (winding[:, first:last] for winding in self._windings)
        out = self.trafo3w_loading_percent[:, first:last]
        np.maximum(high, middle, out=out)
        np.maximum(low, out, out=out)

    def with_lanes(self, n_lane: int) -> NativeFlow:
        """Return another power flow of the same network, with its initial inputs."""
        return self._made_with(n_lane, self.openable)

    def with_openable(self, openable: Openable) -> NativeFlow:
        """Return another power flow of the same network, of which these can be opened."""
        return self._made_with(self.n_lane, openable)

    def _made_with(self, n_lane: int, openable: Openable | None) -> NativeFlow:
        return NativeFlow(
            self.compiled,
            n_lane,
            tolerance=self._tolerance_pu,
            max_iterations=self.max_iterations,
            n_thread=self.n_thread,
            openable=openable,
        )

    def forget(self, lane: int | None = None) -> None:
        """Begin the next solve of a lane, or of all, from a flat start."""
        if lane is None:
            self._batch.is_warm[:] = 0
        else:
            self._batch.forget(self.check_lane(lane))

    def to_pandapower(self, lane: int = 0, *, net: pandapowerNet | None = None) -> pandapowerNet:
        """Return the network with the lane's inputs and results; see `PowerFlow.to_pandapower`.

        The results are what pandapower's own writers make of the lane's voltages; nothing is
        solved again.
        """
        from pandapower.results import init_results

        from powergrid.powerflow.native_results import write_voltages
        from powergrid.powerflow.pandapower_tables import write_inputs

        self.check_lane(lane)
        if net is None:
            if self.net is None:
                raise InvalidArgumentError(
                    "this power flow was made of a compiled network without its pandapower "
                    "network: give one as `net`"
                )
            net = copy.deepcopy(self.net)
        if self._has_open(
            lane, lane + 1
        ):  # its nodes are numbered in another way than pandapower's
            return super().to_pandapower(lane, net=net)
        write_inputs(self, lane, net)
        if self.status[lane] != LaneStatus.CONVERGED:
            init_results(net)
            net["converged"] = False
            return net
        n_node = self.compiled.network.n_node  # behind them there may be rows for opened switches
        v_pu = self._batch.v_re_pu[:n_node, lane] + 1j * self._batch.v_im_pu[:n_node, lane]
        with warnings.catch_warnings():
            # pandas' and pandapower's about themselves; nothing a caller could do about them
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            write_voltages(net, v_pu)
        return net

    def __getstate__(self) -> dict[str, Any]:
        batch = {name: getattr(self._batch, name).copy() for name in LANE_TABLES}
        return {
            "compiled": self.compiled,
            "n_lane": self.n_lane,
            "max_iterations": self.max_iterations,
            "n_thread": self.n_thread,
            "_tolerance_pu": self._tolerance_pu,
            "openable": self.openable,
            "is_open": None if self.openable is None else self.is_open.copy(),
            "batch": batch,
            "counters": self.counters,
            "arrays": {name: getattr(self, name).copy() for name in OWN_ARRAYS},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        batch, counters, arrays = (state.pop(name) for name in ("batch", "counters", "arrays"))
        is_open = state.pop("is_open")
        self.__dict__.update(state)
        self.rows = self.compiled.elements
        self._make()
        for name, values in batch.items():
            getattr(self._batch, name)[...] = values
        for name, values in arrays.items():
            getattr(self, name)[...] = values
        self._batch.counters = counters
        if is_open is not None:
            self.is_open[...] = is_open
            self.recognise(np.arange(self.n_lane))
