"""Stages in a row that run as one native call where they can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numba.core.errors import NumbaError

from heron.errors import HeronError
from powergrid import _core
from powergrid.engine.lane_flow import NativeSettling
from powergrid.engine.native_call import NativeCall, Trampolines, native_call
from powergrid.kernels.recording import record

if TYPE_CHECKING:
    from powergrid.engine.network_stage import NetworkStage

__all__ = ["NativePart", "Program", "Stage"]

Stage: TypeAlias = Callable[..., Any]
Part: TypeAlias = Callable[[int, int, int], int]  # lanes and worker; solves


class Program:
    """Some stages in their order, the power flow at most once among them.

    A stage that does nothing but to call compiled kernels is run without the interpreter: its calls
    are written down once, with the arguments that they have then, and stages that follow each other
    become one call of the compiled core, the power flow included, in which the interpreter lock is
    free. The others, with Python hooks, NumPy, or kernels in plain Python, run as they are.

    Parameters
    ----------
    stages : sequence of callable
        ``stage(first, last)`` each. ``network.settle`` is the power flow.
    network : NetworkStage, optional
        Whose power flow, if one is among them.
    is_native : bool
        False runs all of them as they are.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        network: NetworkStage | None = None,
        *,
        is_native: bool = True,
    ) -> None:
        self.parts: list[Part] = []
        native = network.flow.native if network is not None and is_native else None
        pending = _Pending()
        for stage in stages:
            is_settling = network is not None and stage == network.settle
            if is_settling and native is not None:
                pending.settle_at, pending.native = len(pending.calls), native
                continue
            kernels = None if is_settling or not is_native else _kernels(stage)
            if kernels is not None:
                pending.calls += kernels
                continue
            self.parts += pending.finish()
            pending = _Pending()
            self.parts.append(stage if is_settling else partial(_run_stage, stage))
        self.parts += pending.finish()

    @property
    def n_part(self) -> int:
        """Number of calls that it takes, native or not."""
        return len(self.parts)

    def run(self, first: int, last: int, worker: int = 0) -> int:
        """Run all stages on lanes `first` to `last`; return the solves, as `LaneFlow.settle`."""
        n_solve = 0
        for part in self.parts:
            n_solve += part(first, last, worker)
        return n_solve


def _run_stage(stage: Stage, first: int, last: int, worker: int) -> int:
    stage(first, last)
    return 0


def _kernels(stage: Stage) -> list[NativeCall] | None:
    """Return the calls of kernels that a stage consists of, None if it does anything else."""
    try:
        recorded = record(stage)
    except (TypeError, NumbaError):  # it needs to know its lanes, or a kernel does
        return None
    calls = [native_call(kernel, arguments) for kernel, arguments in recorded]
    found = [call for call in calls if call is not None]
    return found if len(found) == len(calls) else None


class _Pending:
    """Calls that wait to be made a part, and before which of them there is a power flow."""

    def __init__(self) -> None:
        self.calls: list[NativeCall] = []
        self.settle_at = 0
        self.native: NativeSettling | None = None

    def finish(self) -> list[Part]:
        if not self.calls and self.native is None:
            return []
        return [NativePart(self.calls, self.settle_at, self.native)]


class NativePart:
    """Kernels, and maybe a power flow before number `settle_at` of them."""

    def __init__(
        self, calls: list[NativeCall], settle_at: int, native: NativeSettling | None
    ) -> None:
        # The core knows addresses only: what they belong to is held here.
        self._calls, self._native = calls, native
        self._trampolines = Trampolines([call.signature for call in calls])
        rows = [
            (self._trampolines.address(c.signature), c.address, c.words.ctypes.data) for c in calls
        ]
        self.program = _core.StageProgram(np.array(rows, np.int64).reshape(-1))
        if native is not None:
            flow = native.flow
            self.program.set_power_flow(
                settle_at, flow.batch, native.control, flow.tolerance_pu, flow.max_iterations
            )

    def __call__(self, first: int, last: int, worker: int) -> int:
        """Run it on lanes `first` to `last`; return the solves."""
        return self.checked(self.program.run(first, last, self.solver(worker)), first, last)

    def solver(self, worker: int) -> _core.Solver | None:
        """Return what solves its power flow, if it has one, for a worker."""
        return None if self._native is None else self._native.flow.solver(worker)

    def checked(self, n_solve: int, first: int, last: int) -> int:
        """Return the solves of a run; raise what a kernel raised in it."""
        if n_solve < 0:
            self._raise(-1 - n_solve, first, last)
        return n_solve

    def _raise(self, number: int, first: int, last: int) -> NoReturn:
        """Raise what kernel `number` raised; it tells only the interpreter, so it is run again."""
        call = self._calls[number]
        call.kernel(*call.arguments, first, last)
        raise HeronError(f"{call.kernel.__name__} raised an exception, and none when run again")
