"""The native power flow: from Python, and the compiled solver alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powerflow_speed.contender import Contender
from powerflow_speed.problems import Problem
from powergrid import _core
from powergrid.powerflow.compilation import compile_network
from powergrid.powerflow.native_flow import NativeFlow

__all__ = ["BATCH", "CORE", "Native", "contenders", "simd_levels"]

BATCH = "native"
CORE = "native, solver alone"
TOLERANCE_PU, MAX_ITERATIONS, BOUND_PU = 1e-8, 20, 1e-8
SIMD_LEVELS = ("baseline", "avx2", "avx512")
MOST_BYTES = 2 << 30  # of a batch's tables; a larger batch is left out


class Native:
    """The compiled network of a problem, and ways to solve it.

    Parameters
    ----------
    problem
        What is solved.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.compiled = compile_network(problem.net)

    def fits(self, n_lane: int) -> bool:
        """Tell whether a batch of so many lanes is small enough for this benchmark."""
        net = self.problem.net
        n_row = 4 * len(net.bus) + 10 * (len(net.line) + len(net.trafo)) + 4 * len(net.load)
        return n_row * n_lane * 8 < MOST_BYTES

    def flow(
        self,
        n_lane: int,
        *,
        start: str = "warm",
        n_thread: int = 1,
        simd: str | None = None,
        what: str = BATCH,
        bound_pu: float = BOUND_PU,
    ) -> Contender:
        """Return a contender that writes the loads of all lanes and solves them, from Python."""
        with _simd(simd):
            flow = NativeFlow(
                self.compiled,
                n_lane,
                tolerance=TOLERANCE_PU,
                max_iterations=MAX_ITERATIONS,
                n_thread=n_thread,
            )
        p_mw, q_mvar, forgets = flow.load_p_mw, flow.load_q_mvar, start == "cold"
        loads = _blocks(self.problem, n_lane)
        n_block = len(loads)

        def solve(block: int) -> None:
            p, q = loads[block % n_block]
            p_mw[:] = p
            q_mvar[:] = q
            if forgets:
                flow.forget()
            flow.solve()

        def voltages(lane: int) -> NDArray[np.complex128]:
            return _complex(flow.vm_pu[:, lane], flow.va_degree[:, lane])

        return Contender(
            what,
            self.problem,
            solve,
            voltages,
            n_lane=n_lane,
            start=start,
            n_thread=n_thread,
            bound_pu=bound_pu,
            iterations=lambda: float(np.mean(flow.iterations)),
            converged=lambda: not np.any(flow.status),
        )

    def core(self, n_lane: int) -> Contender:
        """Return a contender that calls the compiled solver; its loads change between calls too."""
        compiled = self.compiled
        batch = _core.Batch(compiled.network, n_lane)
        solver = _core.Solver(compiled.network)
        rows = compiled.injections.load
        p_mw, q_mvar = batch.p_mw, batch.q_mvar
        loads = _blocks(self.problem, n_lane)
        n_block = len(loads)

        def solve(block: int) -> None:
            p, q = loads[block % n_block]
            p_mw[rows] = p
            q_mvar[rows] = q
            solver.solve(batch, TOLERANCE_PU, MAX_ITERATIONS, 1)

        return Contender(
            CORE,
            self.problem,
            solve,
            lambda lane: _complex(batch.vm_pu[:, lane], batch.va_degree[:, lane]),
            n_lane=n_lane,
            bound_pu=BOUND_PU,
            iterations=lambda: float(np.mean(batch.iterations)),
            converged=lambda: not np.any(batch.status),
        )


def contenders(problem: Problem, lanes: Sequence[int]) -> list[Contender]:
    """Return batches of so many lanes, warm and cold."""
    native = Native(problem)
    sizes = [n for n in lanes if native.fits(n)]
    return [native.core(1)] + [
        native.flow(n_lane, start=start) for start in ("warm", "cold") for n_lane in sizes
    ]


def simd_levels() -> list[str]:
    """Return the levels that this machine has, from least to best."""
    return list(SIMD_LEVELS[: SIMD_LEVELS.index(_core.best_simd_level()) + 1])


def _blocks(problem: Problem, n_lane: int) -> list[tuple[Any, Any]]:
    """Return loads for several blocks, so that each lane's change before each solve."""
    return [problem.block(block, n_lane) for block in range(64 if n_lane < 64 else 2)]


def _complex(vm_pu: Any, va_degree: Any) -> NDArray[np.complex128]:
    v: NDArray[np.complex128] = vm_pu * np.exp(1j * np.radians(va_degree))
    return v


@contextmanager
def _simd(level: str | None) -> Iterator[None]:
    """Fix the instructions of what is made inside."""
    if level is None:
        yield
        return
    before = os.environ.get("HERON_SIMD")
    os.environ["HERON_SIMD"] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ["HERON_SIMD"]
        else:
            os.environ["HERON_SIMD"] = before
