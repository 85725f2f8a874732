"""OpenDSS through OpenDSSDirect.py: the balanced circuit as one phase in per unit."""

from __future__ import annotations

import cmath
import importlib.util
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powerflow_speed.contender import Contender
from powerflow_speed.per_unit import PerUnitModel
from powerflow_speed.problems import Problem

__all__ = ["contenders", "is_installed"]

SINGLE = "OpenDSS"
# Its tolerance is the largest relative change of a voltage between iterations.
TOLERANCE, MAX_ITERATIONS = 1e-8, 100
KV = 1.0  # of every node
BOUND_PU = 1e-6


def is_installed() -> bool:
    """Tell whether the package is there."""
    return importlib.util.find_spec("opendssdirect") is not None


def contenders(problem: Problem) -> list[Contender]:
    """Return its fixed-point iteration from the last solution.

    None where there are PV nodes, which its generators hold by another method, or phase shifts,
    which a circuit of one phase cannot have.
    """
    model = problem.model
    if len(model.pv) or np.abs(np.angle(model.tap)).max() > 1e-12:
        return []
    return [_single(problem)]


def _single(problem: Problem) -> Contender:
    import opendssdirect

    model = problem.model
    dss = opendssdirect.dss.NewContext()
    _build(dss, model)
    n_load = len(model.load_node)
    loads = dss.Loads
    rows = list(zip((problem.p_mw * 1e3).tolist(), (problem.q_mvar * 1e3).tolist(), strict=True))
    order = _node_order(dss, model)

    def solve(block: int) -> None:
        for i, (p, q) in enumerate(zip(*rows[problem.scenario(block, 0, 1)], strict=True), 1):
            loads.Idx(i)
            loads.kW(p)
            loads.kvar(q)
        dss.Solution.Solve()

    assert n_load <= loads.Count()
    return Contender(
        SINGLE,
        problem,
        solve,
        lambda _: _voltages(dss, order)[model.node_of_bus],
        bound_pu=BOUND_PU,
        iterations=lambda: float(dss.Solution.Iterations()),
        converged=lambda: bool(dss.Solution.Converged()),
    )


def _node_order(dss: Any, model: PerUnitModel) -> NDArray[np.int64]:
    """Return where each node stands among the circuit's."""
    place = {name.split(".")[0]: i for i, name in enumerate(dss.Circuit.AllNodeNames())}
    return np.array([place[f"n{i}"] for i in range(model.n_node)])


def _voltages(dss: Any, order: NDArray[np.int64]) -> NDArray[np.complex128]:
    values = np.asarray(dss.Circuit.AllBusVolts())
    v: NDArray[np.complex128] = (values[0::2] + 1j * values[1::2])[order] / (KV * 1e3)
    return v


def _build(dss: Any, model: PerUnitModel) -> None:
    ohm = KV**2 / model.base_mva  # of one per unit
    (source,), (v,) = model.source, model.source_v.tolist()
    run = dss.Text.Command
    ratio = np.abs(model.tap).tolist()
    run("clear")
    run(
        f"new circuit.peer phases=1 bus1=n{source}.1 basekv={KV} pu={abs(v)!r} "
        f"angle={math.degrees(cmath.phase(v))!r} z1=[1e-12, 1e-12] z0=[1e-12, 1e-12]"
    )
    ends = zip(model.from_node, model.to_node, strict=True)
    for k, ((i, j), z) in enumerate(zip(ends, model.z.tolist(), strict=True)):
        if model.is_line[k]:
            _reactor(run, f"b{k}", f"bus1=n{i}.1 bus2=n{j}.1", z * ohm)
        else:
            # Ratios are those of the windings' voltages; impedances in percent of the second.
            kva = model.base_mva * 1e3
            run(
                f"new transformer.b{k} phases=1 windings=2 buses=[n{i}.1, n{j}.1] "
                f"kvs=[{ratio[k] * KV!r}, {KV}] kvas=[{kva}, {kva}] "
                f"%rs=[0, {z.real * 100!r}] xhl={z.imag * 100!r} %noloadloss=0 %imag=0 "
                "ppm_antifloat=0"
            )
    # Loads first, so that their numbers are those of the rows.
    for k, i in enumerate(model.load_node):
        _load(run, f"l{k}", i, 0j)
    for i in np.flatnonzero(np.abs(model.s_fixed) > 1e-12):
        _load(run, f"f{i}", i, complex(model.s_fixed[i]) * model.base_mva * 1e3)
    y = model.y_lumped
    for i in np.flatnonzero(np.abs(y) > 1e-15):
        _reactor(run, f"s{i}", f"bus1=n{i}.1", ohm / complex(y[i]))
    run(f"set voltagebases=[{KV}] tolerance={TOLERANCE} maxiterations={MAX_ITERATIONS}")
    run("set controlmode=off")
    run("calcvoltagebases")


def _reactor(run: Any, name: str, buses: str, z: complex) -> None:
    run(f"new reactor.{name} phases=1 {buses} r={z.real!r} x={z.imag!r}")


def _load(run: Any, name: str, node: int, s_kva: complex) -> None:
    run(
        f"new load.{name} phases=1 bus1=n{node}.1 kv={KV} model=1 vminpu=0.1 vmaxpu=2 "
        f"kw={s_kva.real!r} kvar={s_kva.imag!r}"
    )
