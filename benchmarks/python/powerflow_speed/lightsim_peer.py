"""lightsim2grid without pandapower around it: its grid model, KLU, and its time series."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from powerflow_speed.contender import Contender
from powerflow_speed.per_unit import PerUnitModel
from powerflow_speed.problems import Problem

__all__ = ["SERIES", "SINGLE", "contenders", "is_installed"]

SINGLE = "lightsim2grid"
SERIES = "lightsim2grid TimeSeriesCPP"
MAX_ITERATIONS, TOLERANCE_PU = 20, 1e-8
N_SCENARIO = 1024


def is_installed() -> bool:
    """Tell whether the package is there."""
    return importlib.util.find_spec("lightsim2grid") is not None


def contenders(problem: Problem) -> list[Contender]:
    """Return one solve after another from Python, and a series in one call.

    Both begin each solve with the last solution. Neither computes anything but voltages.
    """
    return [_single(problem), _series(problem)]


def _single(problem: Problem) -> Contender:
    model = problem.model
    grid = _grid(problem)
    grid.deactivate_result_computation()
    n_load, n_fixed = len(model.load_node), len(_fixed_nodes(model))
    # The only call that sets many loads takes a mask and single precision.
    changes = np.r_[np.ones(n_load, bool), np.zeros(n_fixed, bool)]
    pad = np.zeros((problem.n_scenario, n_fixed), np.float32)
    p = np.hstack([problem.p_mw.astype(np.float32), pad])
    q = np.hstack([problem.q_mvar.astype(np.float32), pad])
    v = model.v_start.copy()

    def solve(block: int) -> None:
        nonlocal v
        row = problem.scenario(block, 0, 1)
        grid.update_loads_p(changes, p[row])
        grid.update_loads_q(changes, q[row])
        v = grid.ac_pf(v, MAX_ITERATIONS, TOLERANCE_PU)

    return Contender(
        SINGLE,
        problem,
        solve,
        lambda _: v[model.node_of_bus],
        iterations=lambda: float(grid.get_algo().get_nb_iter()),
        converged=lambda: v.size > 0,
    )


def _series(problem: Problem) -> Contender:
    from lightsim2grid.timeSerie import TimeSeriesCPP

    model = problem.model
    grid = _grid(problem)
    series = TimeSeriesCPP(grid)
    n_lane = min(N_SCENARIO, problem.n_scenario)
    fixed = model.s_fixed[_fixed_nodes(model)] * model.base_mva
    blocks = []
    for block in (0, 1):
        p, q = (x.T for x in problem.block(block, n_lane))
        constant = np.broadcast_to(fixed, (n_lane, len(fixed)))
        blocks.append(
            tuple(
                np.ascontiguousarray(np.hstack(pair))
                for pair in ((p, constant.real), (q, constant.imag))
            )
        )

    def solve(block: int) -> None:
        p, q = blocks[block % 2]
        series.modify_load_p(p)
        series.modify_load_q(q)
        series.compute(model.v_start, MAX_ITERATIONS, TOLERANCE_PU)

    def voltages(lane: int) -> Any:
        return series.get_voltages()[lane][model.node_of_bus]

    return Contender(
        SERIES,
        problem,
        solve,
        voltages,
        n_lane=n_lane,
        iterations=lambda: float(np.mean(series.get_row_nb_iter())),
        converged=lambda: all(series.converged_mask()),
    )


def _fixed_nodes(model: PerUnitModel) -> Any:
    return np.flatnonzero(np.abs(model.s_fixed) > 1e-12)


def _grid(problem: Problem) -> Any:
    """Build the grid through the package's reader of PowerModels' dictionaries."""
    from lightsim2grid.network.from_powermodels import init

    model = problem.model
    base, types = model.base_mva, np.ones(model.n_node, int)
    types[model.pv], types[model.source] = 2, 3
    y = model.y_node.copy()
    # It gives a transformer one shunt, split evenly; so these stand at the nodes.
    of_trafo = ~model.is_line
    np.add.at(y, model.from_node[of_trafo], (model.y_from / np.abs(model.tap) ** 2)[of_trafo])
    np.add.at(y, model.to_node[of_trafo], model.y_to[of_trafo])
    fixed = _fixed_nodes(model)
    held = [(int(i), 0.0, abs(v)) for i, v in zip(model.source, model.source_v, strict=True)]
    held += [
        (int(i), p * base, vm) for i, p, vm in zip(model.pv, model.pv_p, model.pv_vm, strict=True)
    ]
    s_load = problem.p_mw[0] + 1j * problem.q_mvar[0]
    loads = [(int(i), s) for i, s in zip(model.load_node, s_load, strict=True)]
    loads += [(int(i), model.s_fixed[i] * base) for i in fixed]
    return init(
        {
            "baseMVA": base,
            "bus": {
                str(i): {"bus_i": i, "bus_type": int(t), "base_kv": 1.0, "vmax": 2.0, "vmin": 0.0}
                for i, t in enumerate(types)
            },
            "load": {
                str(k): {"load_bus": i, "pd": s.real, "qd": s.imag, "status": 1}
                for k, (i, s) in enumerate(loads)
            },
            "shunt": {
                str(i): {"shunt_bus": int(i), "gs": y[i].real, "bs": y[i].imag, "status": 1}
                for i in np.flatnonzero(y)
            },
            "gen": {
                str(k): {"gen_bus": i, "pg": p, "vg": vm, "qmin": -1e6, "qmax": 1e6}
                for k, (i, p, vm) in enumerate(held)
            },
            "branch": {str(k): _branch(model, k) for k in range(len(model.z))},
        }
    )


def _branch(model: PerUnitModel, k: int) -> dict[str, Any]:
    is_line, z, tap = bool(model.is_line[k]), model.z[k], model.tap[k]
    y_from, y_to = (model.y_from[k], model.y_to[k]) if is_line else (0j, 0j)
    return {
        "f_bus": int(model.from_node[k]),
        "t_bus": int(model.to_node[k]),
        "br_r": z.real,
        "br_x": z.imag,
        "g_fr": y_from.real,
        "b_fr": y_from.imag,
        "g_to": y_to.real,
        "b_to": y_to.imag,
        "tap": 1.0 if is_line else abs(tap),
        "shift": 0.0 if is_line else float(np.angle(tap)),
        "transformer": not is_line,
        "br_status": 1,
    }
