"""pandapower's Newton-Raphson, from its plainest to its fastest use."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.pypower.idx_bus import VA, VM

from powerflow_speed.contender import Contender
from powerflow_speed.problems import OPTIONS, Problem, bus_voltages

__all__ = ["PLAIN", "contenders"]

PLAIN = "pandapower runpp"
RESULTS = 'pandapower runpp, init="results"'
RECYCLE = "pandapower runpp, recycle, voltages only"
TOLERANCE_PU = 1e-8


def contenders(problem: Problem) -> list[Contender]:
    """Return pandapower's ways, each on a network of its own."""
    options: dict[str, Any] = {**OPTIONS, "tolerance_mva": TOLERANCE_PU * problem.net.sn_mva}
    # Only the loads change: recycling keeps everything else, and checks no connectivity.
    recycle = {
        "init": "results",
        "check_connectivity": False,
        "only_v_results": True,
        "recycle": {"bus_pq": True, "trafo": False, "gen": False},
    }
    return [
        _contender(PLAIN, problem, options, "cold", bus_voltages),
        _contender(RESULTS, problem, {**options, "init": "results"}, "warm", bus_voltages),
        _contender(RECYCLE, problem, {**options, **recycle}, "warm", _internal_voltages),
    ]


def _contender(
    what: str,
    problem: Problem,
    options: dict[str, Any],
    start: str,
    read: Callable[[pp.pandapowerNet], NDArray[np.complex128]],
) -> Contender:
    net = copy.deepcopy(problem.net)
    p_mw, q_mvar = problem.p_mw, problem.q_mvar

    def solve(block: int) -> None:
        row = problem.scenario(block, 0, 1)
        net.load["p_mw"], net.load["q_mvar"] = p_mw[row], q_mvar[row]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pp.runpp(net, **options)

    return Contender(
        what,
        problem,
        solve,
        lambda _: read(net),
        start=start,
        iterations=lambda: float(net._ppc["iterations"]),
    )


def _internal_voltages(net: pp.pandapowerNet) -> NDArray[np.complex128]:
    bus = net._ppc["bus"][net._pd2ppc_lookups["bus"][net.bus.index.to_numpy()]]
    v: NDArray[np.complex128] = bus[:, VM] * np.exp(1j * np.radians(bus[:, VA]))
    return v
