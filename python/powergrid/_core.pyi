"""Types of the compiled core of powergrid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def line_drop_step(
    v_re_pu: NDArray[np.float64],
    v_im_pu: NDArray[np.float64],
    i_re_a: NDArray[np.float64],
    i_im_a: NDArray[np.float64],
    tap: NDArray[np.float64],
    v_set_volt: NDArray[np.float64],
    bandwidth_volt: NDArray[np.float64],
    r_volt: NDArray[np.float64],
    x_volt: NDArray[np.float64],
    ct_primary_a: NDArray[np.float64],
    tap_min: NDArray[np.float64],
    tap_max: NDArray[np.float64],
) -> NDArray[np.int8]:
    """Return each regulator's tap step, as `powergrid.powerflow.line_drop.line_drop_step` does.

    All arrays have shape (n_regulator,), float64, C-contiguous: anything else is a TypeError, and
    lengths that disagree an InvalidArgumentError. Releases the GIL.
    """

def best_simd_level() -> str:
    """Return the widest instructions of this machine: "baseline", "avx2" or "avx512"."""

class Network:
    """A network, checked and prepared once; const, so any number of batches may share it.

    Parameters
    ----------
    data : dict
        Every field of ``powergrid::NetworkData`` (cpp/include/powergrid/network.hpp) by its name:
        C-contiguous arrays of int32 (indices), uint8 (``is_source``, ``tap_is_to``, ``tap_kind``)
        and float64, and the numbers ``base_mva`` and ``n_phase``.
    method : {"", "tree", "sparse"}
        "" chooses by the shape of the network.

    Raises
    ------
    InvalidArgumentError
        If a field is missing or unknown, or its values make no network; it names the entry.
    TypeError
        If an array has another dtype or is not C-contiguous.
    """

    def __init__(self, data: dict[str, Any], method: str = "") -> None: ...
    @property
    def method(self) -> str: ...
    @property
    def n_bus(self) -> int: ...
    @property
    def n_node(self) -> int: ...
    @property
    def n_branch(self) -> int: ...
    @property
    def n_controlled(self) -> int: ...
    @property
    def n_tap(self) -> int: ...
    @property
    def n_injection(self) -> int: ...
    @property
    def n_shunt(self) -> int: ...
    @property
    def node_of_bus(self) -> NDArray[np.int32]:
        """A copy of the data's, (n_bus,): -1 out of supply."""

class OpenableNetwork:
    """A network of which branches and switches can be opened in single lanes.

    Parameters
    ----------
    base : Network
    data : dict, optional
        For switches: the data of `base`, as `Network` takes them, with the nodes at both ends of
        each switch apart, and in supply.
    from_node, to_node : ndarray of int32, (n_switch,)
        Nodes of `data` at the ends of the switches.

    Raises
    ------
    InvalidArgumentError
        If closing the switches does not give the nodes of `base`.
    """

    def __init__(
        self,
        base: Network,
        data: dict[str, Any] | None = None,
        from_node: NDArray[np.int32] = ...,
        to_node: NDArray[np.int32] = ...,
    ) -> None: ...
    @property
    def n_spare_node(self) -> int:
        """Rows for voltages that a batch of the base needs beyond its own nodes."""

    @property
    def n_switch(self) -> int: ...
    def opened(self, branches: NDArray[np.int32], switches: NDArray[np.int32]) -> Network:
        """Return the variant with these open: for `Solver.use`, on batches of the base.

        What has no way to a source is out of supply. A number that does not exist is an
        InvalidArgumentError.
        """

class Batch:
    """Inputs, voltages and results of `n_lane` copies of one network.

    Every array is a view, (n_row, n_lane) or (n_lane,), that keeps the batch alive and never moves;
    rows are padded, so tables are not contiguous as a whole. Inputs and state may be written.
    """

    def __init__(self, network: Network, n_lane: int = 1, n_spare_node: int = 0) -> None: ...
    @property
    def n_lane(self) -> int: ...
    def forget(self, lane: int) -> None:
        """Begin the lane's next solve from a flat start."""

    def clear_unsupplied(self, variant: Network, lane: int) -> None:
        """Make the lane's results of what a variant leaves without supply 0."""

    def copy_inputs(
        self, source: Batch, source_lanes: NDArray[np.int32], lanes: NDArray[np.int32]
    ) -> None:
        """Copy inputs and last solutions of lanes of another batch of the network.

        Releases the GIL, as `copy_results` does.
        """

    def copy_results(
        self, source: Batch, source_lanes: NDArray[np.int32], lanes: NDArray[np.int32]
    ) -> None:
        """Copy tap positions and how solves ended, and where they converged their results."""

    def tell_only(self, is_bus_told: NDArray[np.uint8], is_branch_told: NDArray[np.uint8]) -> None:
        """Let solves write, of buses and branches that are 0 here, less; the rest becomes NaN.

        Of such buses they write no angle, of such branches only ``p_from_mw`` and
        ``loading_percent``.
        """

    def take_counters(self, other: Batch) -> None:
        """Add the counters of another batch, which begins to count anew."""

    counters: dict[str, int]
    # Inputs.
    @property
    def p_mw(self) -> NDArray[np.float64]: ...
    @property
    def q_mvar(self) -> NDArray[np.float64]: ...
    @property
    def tap_pos(self) -> NDArray[np.float64]: ...
    @property
    def shunt_step(self) -> NDArray[np.float64]: ...
    @property
    def vm_set_pu(self) -> NDArray[np.float64]: ...
    # State.
    @property
    def v_re_pu(self) -> NDArray[np.float64]: ...
    @property
    def v_im_pu(self) -> NDArray[np.float64]: ...
    @property
    def is_warm(self) -> NDArray[np.uint8]: ...
    # Results.
    @property
    def vm_pu(self) -> NDArray[np.float64]: ...
    @property
    def va_degree(self) -> NDArray[np.float64]: ...
    @property
    def p_from_mw(self) -> NDArray[np.float64]: ...
    @property
    def q_from_mvar(self) -> NDArray[np.float64]: ...
    @property
    def p_to_mw(self) -> NDArray[np.float64]: ...
    @property
    def q_to_mvar(self) -> NDArray[np.float64]: ...
    @property
    def loading_percent(self) -> NDArray[np.float64]: ...
    @property
    def p_controlled_mw(self) -> NDArray[np.float64]: ...
    @property
    def q_controlled_mvar(self) -> NDArray[np.float64]: ...
    @property
    def mismatch_pu(self) -> NDArray[np.float64]: ...
    @property
    def iterations(self) -> NDArray[np.int32]: ...
    @property
    def status(self) -> NDArray[np.int8]: ...
    @property
    def start(self) -> NDArray[np.int8]: ...

class Solver:
    """Solves batches of one network with scratch memory of its own; for one caller at a time.

    Parameters
    ----------
    network : Network
    simd : {"", "baseline", "avx2", "avx512"}
        Instructions; "" takes the best of this machine.

    Raises
    ------
    InvalidArgumentError
        If the machine lacks the instructions.
    """

    def __init__(self, network: Network, simd: str = "") -> None: ...
    @property
    def simd(self) -> str: ...
    def solve(
        self,
        batch: Batch,
        tolerance_pu: float = 1e-8,
        max_iterations: int = 20,
        n_thread: int = 1,
    ) -> None:
        """Solve every lane; `Batch.status` says what became of each. Releases the GIL."""

    def solve_lanes(
        self,
        batch: Batch,
        first: int,
        last: int,
        tolerance_pu: float = 1e-8,
        max_iterations: int = 20,
        is_chosen: NDArray[np.uint8] | None = None,
    ) -> None:
        """Solve the lanes from `first` to `last`, exclusive. Releases the GIL.

        With `is_chosen`, (last - first,), those where it is not 0. Nothing of other lanes is read
        or written: other solvers may be at work on them. A range that the batch does not have is
        an InvalidArgumentError.
        """

    def use(self, network: Network) -> None:
        """Solve another network from now on: a variant, on batches of its base."""

class StageProgram:
    """Kernels and at most one power flow in a row, without the interpreter in between.

    It knows addresses only; whoever makes it keeps what they belong to. See
    `powergrid.engine.program`.

    Parameters
    ----------
    calls : ndarray of int64, (3 * n_call,)
        Of each call the addresses of an ``int32 enter(kernel, arguments, first, last)`` that
        returns 0 unless the kernel raised something, of the kernel, and of its arguments.
    """

    def __init__(self, calls: NDArray[np.int64]) -> None: ...
    def set_power_flow(
        self,
        at: int,
        batch: Batch,
        control: TapControl | None,
        tolerance_pu: float,
        max_iterations: int,
    ) -> None:
        """Solve the lanes before call `at`, with the regulators where they settle."""

    def run(self, first: int, last: int, solver: Solver | None) -> int:
        """Do everything in lanes `first` to `last`. Releases the GIL.

        Returns
        -------
        int
            Solves of a lane that it took; -1 - k if call k raised something, where it ended.
        """

class StageCrew:
    """Threads that share out the lanes of a `StageProgram`. One caller, one program at a time.

    Parameters
    ----------
    n_thread : int
        With the caller's.
    """

    def __init__(self, n_thread: int) -> None: ...
    def begin(
        self,
        program: StageProgram,
        first: int,
        last: int,
        block: int,
        solvers: Sequence[Solver | None],
    ) -> None:
        """Let the others begin, `block` lanes at a time, each with a solver of its own.

        The program and the solvers must live until `finish`.
        """

    def finish(self) -> int:
        """Join them until it is done; 0 if nothing has begun. Releases the GIL.

        Returns
        -------
        int
            As `StageProgram.run`; where calls failed in several blocks of lanes, one of them.
        """

class TapControl:
    """Regulators that move one step at a time until each is inside its bandwidth.

    The compiled twin of `powergrid.powerflow.tap_control.TapControl`; const, so any number of
    workers may use it at once. It can be copied and pickled.

    Parameters
    ----------
    tap, branch, bus : ndarray of int32, (n_regulator,)
        Rows of the batch: of the tap changer, of the branch whose to end is regulated, of the
        regulated bus.
    vn_kv : ndarray of float64, (n_regulator,)
        Nominal voltage of that bus.
    v_set_volt, bandwidth_volt, r_volt, x_volt, ct_primary_a, tap_min, tap_max : ndarray of float64
        As for `line_drop_step`, (n_regulator,).

    Raises
    ------
    InvalidArgumentError
        If lengths disagree, a row is negative, two regulators move one tap, or a nominal voltage is
        not above 0.
    """

    def __init__(
        self,
        tap: NDArray[np.int32],
        branch: NDArray[np.int32],
        bus: NDArray[np.int32],
        vn_kv: NDArray[np.float64],
        v_set_volt: NDArray[np.float64],
        bandwidth_volt: NDArray[np.float64],
        r_volt: NDArray[np.float64],
        x_volt: NDArray[np.float64],
        ct_primary_a: NDArray[np.float64],
        tap_min: NDArray[np.float64],
        tap_max: NDArray[np.float64],
    ) -> None: ...
    def settle(
        self,
        solver: Solver,
        batch: Batch,
        first: int,
        last: int,
        tolerance_pu: float = 1e-8,
        max_iterations: int = 20,
        is_chosen: NDArray[np.uint8] | None = None,
        is_stuck: NDArray[np.uint8] | None = None,
    ) -> int:
        """Settle the lanes from `first` to `last`, exclusive. Releases the GIL.

        Each lane on its own is solved, its regulators outside their bands move one step, and it is
        solved again, until none moves, 40 rounds are over, or there is no solution. With
        `is_chosen`, (last - first,), only lanes where it is not 0; with `is_stuck`, (n_regulator,
        n_lane), a regulator does not move where it is not 0.

        Returns
        -------
        int
            Solves of a lane that it took, of all lanes together.
        """
