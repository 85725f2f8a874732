"""What every power flow offers: set-points in, voltages and flows out, for a batch of lanes."""

from __future__ import annotations

import copy
import math
import operator
from abc import ABC, abstractmethod
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid.powerflow.element_rows import ElementRows

if TYPE_CHECKING:
    from pandapower import pandapowerNet

    from powergrid.powerflow.lane import FlowLane
    from powergrid.powerflow.openable import Openable, Unsupplied

__all__ = ["INPUTS", "RESULTS", "LaneStart", "LaneStatus", "PowerFlow", "refuse_new_array"]

INPUTS = (
    "load_p_mw",
    "load_q_mvar",
    "sgen_p_mw",
    "sgen_q_mvar",
    "storage_p_mw",
    "storage_q_mvar",
    "gen_p_mw",
    "gen_vm_pu",
    "ext_grid_vm_pu",
    "tap_pos",
    "shunt_step",
)
"""Names of the arrays that the caller writes, each (n_row, n_lane)."""

RESULTS = (
    "vm_pu",
    "va_degree",
    "line_p_from_mw",
    "line_q_from_mvar",
    "line_p_to_mw",
    "line_q_to_mvar",
    "line_loading_percent",
    "trafo_p_hv_mw",
    "trafo_q_hv_mvar",
    "trafo_p_lv_mw",
    "trafo_q_lv_mvar",
    "trafo_loading_percent",
    "trafo3w_loading_percent",
)
"""Names of the arrays that a solve writes, each (n_row, n_lane)."""

Array = NDArray[np.float64]


def refuse_new_array(owner: object, name: str, value: object) -> None:
    """Raise AttributeError if an input would be replaced by an array that nobody reads."""
    if name in INPUTS and owner.__dict__.get(name, value) is not value:
        raise AttributeError(
            f"{name} is the array that is read when solving; write into it: {name}[:] = ..."
        )


class LaneStatus(IntEnum):
    """What became of a lane in the last solve."""

    CONVERGED = 0  # the largest power mismatch is within the tolerance
    NO_SOLUTION = 1  # no start led to one: usually the voltage has collapsed
    # An input is NaN or infinite; natively also where node powers and admittances exceed 1e9 p.u.
    # (root of the sum of squares), a set-point or a tap changer's factor is not within 1e-3..1e3.
    INVALID_INPUT = 2
    UNSOLVED = 3  # not solved yet


class LaneStart(IntEnum):
    """The start from which a lane converged, in the order they are tried."""

    WARM = 0  # the lane's last solution
    FLAT = 1  # no load: natively at the lane's taps, by pandapower 1 p.u. everywhere
    LAST = 2  # natively the same with shortened steps, by pandapower its DC power flow
    NONE = 3  # none


class PowerFlow(ABC):
    """Solve `n_lane` copies of one network again and again with changing set-points.

    All arrays are float64 and have the shape (n_row, n_lane), rows in the order of the network's
    table. They are views that stay valid and in place as long as the power flow lives (a view keeps
    it alive), so callers keep them and write or read them in place; rows may lie apart in memory.

    A lane that does not converge is a result (`status`), not an error. It keeps the voltages and
    flows of its last solution, those of the unloaded or flat network at first, and begins its next
    solve from a flat start. No result is ever NaN.

    Parameters
    ----------
    net : pandapowerNet
        Complete network: every element that will ever be used is in it. Its inputs are those that
        each lane begins with. Kept, not copied.
    n_lane : int
        Number of lanes, at least 1.

    Attributes
    ----------
    load_p_mw, load_q_mvar : ndarray, (n_load, n_lane)
        Consumption [MW, Mvar] at 1 p.u., before the table's ``scaling``.
    sgen_p_mw, sgen_q_mvar : ndarray, (n_sgen, n_lane)
        Injection.
    storage_p_mw, storage_q_mvar : ndarray, (n_storage, n_lane)
        Injection: discharge is positive, unlike in pandapower's table.
    gen_p_mw, gen_vm_pu : ndarray, (n_gen, n_lane)
        Injection, and the voltage that is held [p.u.].
    ext_grid_vm_pu : ndarray, (n_ext_grid, n_lane)
        Voltage of the external grids [p.u.].
    tap_pos : ndarray, (n_trafo, n_lane)
        Tap positions; NaN, and ignored, where a transformer has no changer.
    shunt_step : ndarray, (n_shunt, n_lane)
        Steps of capacitors and reactors in service, whole numbers.
    vm_pu, va_degree : ndarray, (n_bus, n_lane)
        Bus voltages, magnitude [p.u.] and angle [degree]; 0 out of supply.
    line_p_from_mw, line_q_from_mvar, line_p_to_mw, line_q_to_mvar : ndarray, (n_line, n_lane)
        Power into the line at its from and its to end.
    line_loading_percent : ndarray, (n_line, n_lane)
        The larger current of both ends over what is allowed.
    trafo_p_hv_mw, trafo_q_hv_mvar, trafo_p_lv_mw, trafo_q_lv_mvar : ndarray, (n_trafo, n_lane)
        Power into the transformer at its high and its low side.
    trafo_loading_percent : ndarray, (n_trafo, n_lane)
        The larger current of both sides over the rated one.
    trafo3w_loading_percent : ndarray, (n_trafo3w, n_lane)
        The same for transformers with three windings.
    status : ndarray of int8, (n_lane,)
        See `LaneStatus`.
    start : ndarray of int8, (n_lane,)
        See `LaneStart`.
    iterations : ndarray of int32, (n_lane,)
        Newton steps of the last solve, of all starts tried.
    mismatch_pu : ndarray, (n_lane,)
        Largest power mismatch of the last solve [p.u. of the network's ``sn_mva``]; infinite where
        there is none, because the input is invalid or the voltages ran away.
    rows : ElementRows
        Rows of the elements by number.
    openable : Openable or None
        Lines and switches that single lanes may open; see `with_openable`.
    is_open : ndarray of uint8, (n_openable, n_lane)
        Which of them are open: 1; there only if something can be opened. Counts from `rewire` on.
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
    status: NDArray[np.int8]
    start: NDArray[np.int8]
    iterations: NDArray[np.int32]
    mismatch_pu: Array
    is_open: NDArray[np.uint8]

    def __init__(
        self,
        rows: ElementRows,
        n_lane: int,
        tolerance_pu: float,
        openable: Openable | None = None,
    ) -> None:
        if operator.index(n_lane) < 1:
            raise InvalidArgumentError(f"n_lane is {n_lane}, expected at least 1")
        if not 0.0 < tolerance_pu < math.inf:
            raise InvalidArgumentError(
                f"the tolerance is {tolerance_pu}, expected a finite number above 0"
            )
        self.n_lane = n_lane
        self.rows = rows
        self._tolerance_pu = float(tolerance_pu)
        if openable is not None:
            openable.check(rows)
        self.openable = openable

    def __setattr__(self, name: str, value: object) -> None:
        refuse_new_array(self, name, value)
        super().__setattr__(name, value)

    @property
    @abstractmethod
    def net(self) -> pandapowerNet:
        """The network; what its ``res_*`` tables hold is not promised, see `to_pandapower`."""

    @property
    @abstractmethod
    def source_p_mw(self) -> Array:
        """Active power from the external grids [MW], (n_lane,); worked out when read."""

    @property
    @abstractmethod
    def source_q_mvar(self) -> Array:
        """Reactive power from the external grids [Mvar], (n_lane,); worked out when read."""

    @property
    @abstractmethod
    def loss_mw(self) -> Array:
        """Active losses of lines and transformers [MW], (n_lane,); worked out when read."""

    @property
    @abstractmethod
    def counters(self) -> dict[str, int]:
        """How many lanes were settled by each start since the power flow was made.

        ``n_warm``, ``n_flat`` and ``n_damped`` by `LaneStart`, ``n_failed`` without a solution,
        ``n_invalid`` with invalid input, ``n_iteration`` Newton steps of all lanes and starts.
        """

    @property
    def tolerance_pu(self) -> float:
        """Largest power mismatch of a solution [p.u. of the network's ``sn_mva``]."""
        return self._tolerance_pu

    @abstractmethod
    def solve(self) -> None:
        """Solve all lanes with their present inputs and write all results.

        Each lane starts from its last solution, then from a flat start, then from a third one
        (`LaneStart`); the first that converges counts.
        """

    @abstractmethod
    def solve_lanes(self, first: int, last: int, worker: int = 0) -> None:
        """Solve lanes `first` to `last` (half open) and leave the others as they are.

        Workers of different numbers may solve disjoint lanes at once; pandapower knows one worker.
        """

    @abstractmethod
    def with_lanes(self, n_lane: int) -> PowerFlow:
        """Return another power flow of the same network, with its initial inputs."""

    @abstractmethod
    def with_openable(self, openable: Openable) -> PowerFlow:
        """Return another power flow of the same network, of which these can be opened.

        Then write to `is_open` and call `rewire`. What has no way to a source any more has no
        supply: its buses and branches have results of 0, and what injects or draws there has no
        effect.
        """

    @abstractmethod
    def rewire(self, first: int, last: int) -> NDArray[np.intp]:
        """Let what was written to `is_open` count in lanes `first` to `last` (half open).

        Where it is new, the next solve begins from a flat start, and the results of what has no
        supply become 0 now. Returns these lanes.
        """

    @abstractmethod
    def recognise(self, lanes: NDArray[np.intp]) -> None:
        """Find out what is open in lanes whose whole state was written, `is_open` with it."""

    @abstractmethod
    def unsupplied(self, lane: int) -> Unsupplied | None:
        """Return what has no supply in a lane because something is open; None if nothing is."""

    def hidden_arrays(self) -> list[NDArray[Any]]:
        """Return what belongs to the lanes and has no name here, lanes on the last axis."""
        return []

    @abstractmethod
    def forget(self, lane: int | None = None) -> None:
        """Begin the next solve of a lane, or of all, from a flat start.

        It then depends on nothing before it.
        """

    def check_lane(self, lane: int) -> int:
        """Return `lane` if there is such a lane; InvalidArgumentError otherwise."""
        if not 0 <= operator.index(lane) < self.n_lane:
            raise InvalidArgumentError(
                f"lane {lane} does not exist: there are 0..{self.n_lane - 1}"
            )
        return lane

    def lane(self, lane: int = 0) -> FlowLane:
        """Return one lane as the agents of a single environment use it."""
        from powergrid.powerflow.lane import FlowLane  # lane.py imports this module

        return FlowLane(self, lane)

    def to_pandapower(self, lane: int = 0, *, net: pandapowerNet | None = None) -> pandapowerNet:
        """Return the network as pandapower would have left it after solving the lane.

        The tables hold the lane's inputs, and ``res_*`` its results; ``converged`` says whether
        there are any: without a solution for these inputs ``res_*`` are NaN, as pandapower does.
        It takes about as long as one ``runpp``.

        Parameters
        ----------
        lane : int
            Which one.
        net : pandapowerNet, optional
            Network of the same elements to write to; without it a copy of `net`.
        """
        from powergrid.powerflow.pandapower_tables import write_results  # imports pandapower

        self.check_lane(lane)
        written = copy.deepcopy(self.net) if net is None else net
        write_results(self, lane, written)
        return written
