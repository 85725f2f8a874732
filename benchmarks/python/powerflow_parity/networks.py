"""Voltages, angles and loadings of the networks of the tests, and loads without a solution."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from powergrid.powerflow.native_flow import NativeFlow

# The networks and what pandapower needs to solve them are those of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "powergrid" / "powerflow"))

from flow_networks import CASES
from flow_parity import LOADING_AT, LOADINGS, compiled, fresh, numbers, runpp, solved, worst
from flow_zoo import ZOO

__all__ = ["TOLERANCES", "Collapse", "Difference", "collapses", "differences"]

TOLERANCES = tuple(LOADING_AT)
VM_PU, VA_DEGREE = 1e-8, 1e-6
MOST_LOAD = 2.0**20


@dataclass(frozen=True)
class Difference:
    """The largest differences of one solve from pandapower's."""

    network: str
    n_bus: int
    method: str
    tolerance_pu: float
    reference_mva: float  # pandapower's tolerance
    iterations: int
    mismatch_pu: float
    vm_pu: float
    va_degree: float
    loading_percent: float  # percentage points

    @property
    def holds(self) -> bool:
        """Whether it is within what is required."""
        return (
            self.mismatch_pu <= self.tolerance_pu
            and self.vm_pu <= VM_PU
            and self.va_degree <= VA_DEGREE
            and self.loading_percent <= LOADING_AT[self.tolerance_pu]
        )


@dataclass(frozen=True)
class Collapse:
    """What becomes of a network whose loads are multiplied until it has no solution."""

    network: str
    factor: float  # the first power of two without one
    status: int
    reference_converges: bool
    is_finite: bool  # every result

    @property
    def holds(self) -> bool:
        """Whether the status says so, pandapower finds none either, and nothing is NaN."""
        return self.status == 1 and not self.reference_converges and self.is_finite


def differences(names: Sequence[str] | None = None) -> Iterator[Difference]:
    """Compare networks at both tolerances; all of them by default."""
    for name in [*CASES, *ZOO] if names is None else names:
        net = solved(name)
        for tolerance in TOLERANCES:
            flow = NativeFlow(compiled(name), tolerance=tolerance)
            flow.solve()
            if flow.status[0] != 0:
                raise AssertionError(f"{name}: status {flow.status[0]} at {tolerance:g}")
            yield Difference(
                name if name in CASES else f"feature {name}",
                len(net.bus),
                flow.method,
                tolerance,
                CASES[name].tolerance_mva if name in CASES else 1e-10,
                int(flow.iterations[0]),
                float(flow.mismatch_pu[0]),
                worst(flow.vm_pu[:, 0], numbers(net.res_bus, "vm_pu")),
                worst(flow.va_degree[:, 0], numbers(net.res_bus, "va_degree")),
                max(
                    (
                        worst(getattr(flow, of)[:, 0], numbers(net[table], "loading_percent"))
                        for of, table in LOADINGS.items()
                        if len(net[table])
                    ),
                    default=0.0,
                ),
            )


def collapses(names: Sequence[str] | None = None) -> Iterator[Collapse]:
    """Multiply the loads of networks by two until they have no solution."""
    for name in CASES if names is None else names:
        net = fresh(name)
        flow = NativeFlow(compiled(name))
        factor = 1.0
        while flow.status[0] in (0, 3) and factor < MOST_LOAD:
            factor *= 2.0
            flow.load_p_mw[:, 0] = factor * net.load["p_mw"]
            flow.load_q_mvar[:, 0] = factor * net.load["q_mvar"]
            flow.solve()
        net.load[["p_mw", "q_mvar"]] *= factor
        case = CASES[name]
        results = [flow.vm_pu, flow.va_degree, *(getattr(flow, of) for of in LOADINGS)]
        yield Collapse(
            name,
            factor,
            int(flow.status[0]),
            runpp(net, 1e-8, case.start) or runpp(net, 1e-8, "flat"),
            all(bool(np.isfinite(values).all()) for values in results),
        )
