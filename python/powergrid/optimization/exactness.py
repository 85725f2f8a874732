"""Whether the optimum of the relaxation is a power flow, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.storage import StorageConfig
from powergrid.optimization.element_names import branch_name, node_name
from powergrid.optimization.limits import OpfLimits
from powergrid.optimization.opf_case import OpfCase
from powergrid.optimization.opf_problem import OpfProblem
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import LaneStatus

__all__ = ["Exactness", "check_exactness"]

Array = NDArray[np.float64]

VOLTAGE_PU = 1e-5  # largest difference that counts as none
LOSS = 1e-3  # as a share of the losses, and ...
LOSS_PU = 1e-6  # ... of the base, for networks that hardly lose anything
POWER_MW = 1e-4  # of charging while discharging
STATUS = 1e-3  # from 0 or 1


@dataclass(frozen=True)
class Exactness:
    """The dispatch put into the power flow, step by step.

    Attributes
    ----------
    is_exact : bool
        Whether the dispatch can be carried out and does what the relaxation says: `is_power_flow`,
        nothing charges while it discharges, every status is whole.
    is_power_flow : bool
        Whether voltages agree within 1e-5 p.u. and losses within 0.1 %.
    gap_pu : float
        Largest ``|l v - P^2 - Q^2|`` [p.u. of ``sn_mva``].
    vm_error_pu : float
        Largest difference of a bus voltage; infinite where the power flow finds no solution.
    loss_error_mw : float
        Largest difference of a step's losses of lines and transformers.
    cost : float
        Of the dispatch by the power flow, energy sold at its true price [$].
    v_min_pu, v_max_pu : float
        Lowest and highest bus voltage by the power flow.
    reasons : tuple of str
        Why the relaxation is not exact; empty if it is.
    """

    is_exact: bool
    is_power_flow: bool
    gap_pu: float
    vm_error_pu: float
    loss_error_mw: float
    cost: float
    v_min_pu: float
    v_max_pu: float
    reasons: tuple[str, ...]


def check_exactness(
    case: OpfCase, limits: OpfLimits, problem: OpfProblem, flow: NativeFlow
) -> Exactness:
    """Write the dispatch of a solved problem into `flow`, solve it, and compare."""
    for unit in case.units:
        row = getattr(flow.rows, unit.table)[unit.number]
        for name in ("p_mw", "q_mvar"):
            value = getattr(problem.units[unit.name], name)
            getattr(flow, f"{unit.table}_{name}")[row] = getattr(value, "value", value)
    flow.solve()
    has_solution = bool((flow.status == LaneStatus.CONVERGED).all())
    is_on = flow.compiled.data["node_of_bus"] >= 0
    vm = np.sqrt(np.maximum(problem.branches.v.value, 0.0))[flow.compiled.data["node_of_bus"]]
    vm_error = float(np.abs(vm - flow.vm_pu)[is_on].max()) if has_solution else np.inf
    loss_mw = _modelled_loss(problem, flow)
    loss_error = np.abs(loss_mw - flow.loss_mw)
    base = flow.compiled.data["base_mva"]
    gap = problem.branches.gap() * (problem.network.base_mva / base) ** 2
    allowed = LOSS * np.abs(flow.loss_mw) + LOSS_PU * problem.network.base_mva
    is_power_flow = has_solution and vm_error <= VOLTAGE_PU and bool((loss_error <= allowed).all())
    reasons = _of_units(case, problem)
    if not is_power_flow:
        reasons = [*_of_network(case, limits, problem, flow, gap), *reasons]
    return Exactness(
        is_exact=not reasons,
        is_power_flow=is_power_flow,
        gap_pu=float(gap.max(initial=0.0)),
        vm_error_pu=vm_error,
        loss_error_mw=float(loss_error.max()) if has_solution else np.inf,
        cost=_cost(case, problem, flow) if has_solution else np.nan,
        v_min_pu=float(flow.vm_pu[is_on].min()),
        v_max_pu=float(flow.vm_pu[is_on].max()),
        reasons=tuple(reasons),
    )


def _modelled_loss(problem: OpfProblem, flow: NativeFlow) -> Array:
    """Return the losses of lines and transformers, as `PowerFlow.loss_mw` counts them."""
    compiled, branches = flow.compiled, problem.branches
    last = max(compiled.lines.stop, compiled.trafos.stop, compiled.trafo3ws.stop)
    counts = problem.network.rows < last
    loss: Array = (branches.p_from.value + branches.p_to.value)[counts].sum(axis=0)
    return loss * problem.network.base_mva


def _cost(case: OpfCase, problem: OpfProblem, flow: NativeFlow) -> float:
    batch = flow.batch
    cost = sum(float(getattr(u.cost, "value", u.cost)) for u in problem.units.values())
    for exchange in case.exchanges:
        p_mw = exchange.reading(batch.p_mw, batch.p_from_mw, batch.p_to_mw, batch.p_controlled_mw)
        cost += exchange.true_cost(p_mw, case.dt_h)
    return cost


def _of_network(
    case: OpfCase, limits: OpfLimits, problem: OpfProblem, flow: NativeFlow, gap: Array
) -> list[str]:
    """Say where the cones are not tight, and what invites that."""
    compiled, network = flow.compiled, problem.network
    unsolved = np.flatnonzero(flow.status != LaneStatus.CONVERGED)
    reasons = [f"step {k}: the power flow has no solution for the dispatch" for k in unsolved]
    weighted = gap * np.hypot(network.r, network.x)  # what the error does to the network
    row, step = np.unravel_index(int(weighted.argmax()), weighted.shape)
    reasons.append(
        f"step {step}: in {branch_name(compiled, int(network.rows[row]))} l v exceeds P^2 + Q^2 by "
        f"{gap[row, step]:.3g} p.u.: the plan counts a current that does not flow"
    )
    for exchange in case.exchanges:
        negative = np.flatnonzero(exchange.price < 0.0)
        if negative.size:
            reasons.append(
                f"{exchange.name}: at a negative price, first in step {negative[0]}, losses earn "
                f"money"
            )
    supplied = problem.branches.q_held.value.sum(axis=0)
    if (supplied < 0.0).any():
        reasons.append(
            f"step {int(supplied.argmin())}: reactive power flows back to the source, and imagined "
            f"currents absorb it"
        )
    return reasons + _high_voltages(limits, problem, flow)


def _high_voltages(limits: OpfLimits, problem: OpfProblem, flow: NativeFlow) -> list[str]:
    """Name the buses held at their upper limit while power flows back through a branch.

    Currents that do not flow lower the voltage behind them, which pays where the limit binds.
    """
    branches, compiled = problem.branches, flow.compiled
    v_max = np.broadcast_to(limits.v_max_pu, compiled.data["node_of_bus"].shape)
    node = compiled.data["node_of_bus"]
    free = (node >= 0) & ~np.isin(node, problem.network.held_node)
    vm = np.sqrt(np.maximum(branches.v.value, 0.0))[node]
    is_high = free[:, np.newaxis] & (vm > v_max[:, np.newaxis] - VOLTAGE_PU)
    into_network: Any = branches.p_held.value[problem.network.is_source].sum(axis=0)
    found = []
    for bus, step in zip(*np.nonzero(is_high), strict=True):
        found.append((bus, step, bool(into_network[step] < 0.0)))
    if not found:
        return []
    bus, step, is_reverse = next((each for each in found if each[2]), found[0])
    more = " while power flows back to the source" if is_reverse else ""
    limit = f"the upper limit of {node_name(compiled, int(node[bus]))}, {v_max[bus]:g} p.u."
    return [f"step {step}: {limit}, binds{more}; OpfLimits(upper='lossless') avoids that"]


def _of_units(case: OpfCase, problem: OpfProblem) -> list[str]:
    """Say which units' schedules cannot be carried out as they are."""
    reasons = []
    for unit in case.units:
        series = problem.units[unit.name].series
        if isinstance(unit.config, StorageConfig):
            both = np.minimum(series["charge_mw"].value, series["discharge_mw"].value)
            step = int(both.argmax())
            if both[step] > POWER_MW:
                reasons.append(
                    f"step {step}: {unit.name} charges and discharges {both[step]:.4f} MW at once"
                )
        elif "is_on" in series:
            on = np.asarray(getattr(series["is_on"], "value", series["is_on"]))
            part = np.minimum(np.abs(on), np.abs(1.0 - on))
            step = int(part.argmax())
            if part[step] > STATUS:
                reasons.append(
                    f"step {step}: the status of {unit.name} is {on[step]:.3f}, neither on nor off"
                )
    return reasons
