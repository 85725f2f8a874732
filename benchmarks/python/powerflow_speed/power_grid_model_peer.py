"""power-grid-model, single and batch, by Newton-Raphson and by iterative current."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powerflow_speed.contender import Contender
from powerflow_speed.per_unit import PerUnitModel
from powerflow_speed.problems import Problem

__all__ = ["BATCHES", "contenders", "is_installed"]

SINGLE = "power-grid-model, single, {}"
BATCH = "power-grid-model, batch, {}"
METHODS = {"newton_raphson": "Newton-Raphson", "iterative_current": "iterative current"}
BATCHES = [BATCH.format(name) for name in METHODS.values()]
# Its tolerance is on the change of a voltage between iterations, not on a mismatch.
TOLERANCE_PU, MAX_ITERATIONS = 1e-8, 100
N_SCENARIO = 1024
KV = 1.0  # of every node: ratios are then those of the per-unit model
SOURCE_MVA = 1e14  # short-circuit power, as good as an ideal source


def is_installed() -> bool:
    """Tell whether the package is there."""
    return importlib.util.find_spec("power_grid_model") is not None


def contenders(problem: Problem) -> list[Contender]:
    """Return its ways; none where the network has PV nodes, which it does not know.

    It knows no warm start. Its output is limited to the voltages.
    """
    if len(problem.model.pv):
        return []
    return [make(problem, method) for method in METHODS for make in (_single, _batch)]


def _single(problem: Problem, method: str) -> Contender:
    grid, loads = _grid(problem.model), _loads(problem, 1)
    nodes: Any = None

    def solve(block: int) -> None:
        nonlocal nodes
        grid.update(update_data={"sym_load": loads[problem.scenario(block, 0, 1)]})
        nodes = _solve(grid, method)

    return Contender(
        SINGLE.format(METHODS[method]),
        problem,
        solve,
        lambda _: _voltages(problem.model, nodes, ...),
        start="cold",
    )


def _batch(problem: Problem, method: str) -> Contender:
    grid = _grid(problem.model)
    n_lane = min(N_SCENARIO, problem.n_scenario)
    loads = _loads(problem, n_lane)
    blocks = [
        loads[[problem.scenario(block, lane, n_lane) for lane in range(n_lane)]] for block in (0, 1)
    ]
    nodes: Any = None

    def solve(block: int) -> None:
        nonlocal nodes
        nodes = _solve(grid, method, update_data={"sym_load": blocks[block % 2]}, threading=-1)

    return Contender(
        BATCH.format(METHODS[method]),
        problem,
        solve,
        lambda lane: _voltages(problem.model, nodes, lane),
        n_lane=n_lane,
        start="cold",
    )


def _solve(grid: Any, method: str, **options: Any) -> Any:
    return grid.calculate_power_flow(
        error_tolerance=TOLERANCE_PU,
        max_iterations=MAX_ITERATIONS,
        calculation_method=method,
        output_component_types={"node": ["u_pu", "u_angle"]},
        **options,
    )["node"]


def _voltages(model: PerUnitModel, nodes: Any, lane: Any) -> NDArray[np.complex128]:
    v: NDArray[np.complex128] = nodes["u_pu"][lane] * np.exp(1j * nodes["u_angle"][lane])
    return v[model.node_of_bus]


def _loads(problem: Problem, n_lane: int) -> Any:
    """Return the loads of all scenarios as an update, (n_scenario, n_load)."""
    from power_grid_model import initialize_array

    loads = initialize_array("update", "sym_load", problem.p_mw.shape)
    loads["id"] = _load_ids(problem.model)
    loads["p_specified"], loads["q_specified"] = problem.p_mw * 1e6, problem.q_mvar * 1e6
    return loads


def _load_ids(model: PerUnitModel) -> NDArray[np.int32]:
    return (model.n_node + np.arange(len(model.load_node))).astype(np.int32)


def _grid(model: PerUnitModel) -> Any:
    from power_grid_model import PowerGridModel, initialize_array

    siemens = model.base_mva / KV**2  # of one per unit
    n_load = len(model.load_node)
    fixed = np.flatnonzero(np.abs(model.s_fixed) > 1e-12)
    y = model.y_lumped
    shunted = np.flatnonzero(y)
    counts = [model.n_node, n_load + len(fixed), len(model.z), len(shunted), len(model.source)]
    ends = np.cumsum(counts)
    ids = [np.arange(end - n, end) for end, n in zip(ends, counts, strict=True)]

    node = initialize_array("input", "node", counts[0])
    node["id"], node["u_rated"] = ids[0], KV * 1e3

    load = initialize_array("input", "sym_load", counts[1])
    load["id"], load["node"] = ids[1], np.r_[model.load_node, fixed]
    load["status"], load["type"] = 1, 0
    s = np.r_[np.zeros(n_load, complex), model.s_fixed[fixed] * model.base_mva * 1e6]
    load["p_specified"], load["q_specified"] = s.real, s.imag

    # Its pi circuit splits the shunt evenly; so all shunts stand at the nodes.
    branch = initialize_array("input", "generic_branch", counts[2])
    branch["id"], branch["from_status"], branch["to_status"] = ids[2], 1, 1
    branch["from_node"], branch["to_node"] = model.from_node, model.to_node
    branch["r1"], branch["x1"] = model.z.real / siemens, model.z.imag / siemens
    branch["g1"], branch["b1"] = 0.0, 0.0
    branch["k"], branch["theta"] = np.abs(model.tap), np.angle(model.tap)

    shunt = initialize_array("input", "shunt", counts[3])
    shunt["id"], shunt["node"], shunt["status"] = ids[3], shunted, 1
    shunt["g1"], shunt["b1"] = y[shunted].real * siemens, y[shunted].imag * siemens
    shunt["g0"], shunt["b0"] = 0.0, 0.0

    source = initialize_array("input", "source", counts[4])
    source["id"], source["node"], source["status"] = ids[4], model.source, 1
    source["u_ref"], source["u_ref_angle"] = np.abs(model.source_v), np.angle(model.source_v)
    source["sk"] = SOURCE_MVA * 1e6
    return PowerGridModel(
        {
            "node": node,
            "sym_load": load,
            "generic_branch": branch,
            "shunt": shunt,
            "source": source,
        }
    )
