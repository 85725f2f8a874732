"""Optimal power flow of a radial network by the relaxed branch-flow model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, HeronError
from powergrid.optimization.exactness import Exactness, check_exactness
from powergrid.optimization.limits import InfeasibleError, OpfLimits
from powergrid.optimization.opf_case import OpfCase, copy_of
from powergrid.optimization.opf_problem import OpfProblem
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import LaneStatus

__all__ = ["OptimalFlow", "optimal_power_flow"]

Array = NDArray[np.float64]

MOST_ROUNDS = 6  # of making loads of constant current linear anew
SAME_VOLTAGE_PU = 1e-7


@dataclass(frozen=True, eq=False)
class OptimalFlow:
    """The optimum of the relaxation, and what a power flow says of it.

    Attributes
    ----------
    cost : float
        Of all steps [$]. With `OpfLimits.upper` "relaxed", and prices that are not negative or a
        `sell_ratio` of 1, no dispatch within the limits costs less at these taps.
    loss_mwh : float
        Lost in the series resistances.
    p_mw, q_mvar : dict of ndarray, (n_step,)
        Injection of each unit.
    p_exchange_mw : dict of ndarray, (n_step,)
        What each exchange buys; negative = sold.
    series : dict of dict of ndarray, (n_step,)
        Of each unit, ``is_on`` of generators, ``soc`` at the end of each step, ``charge_mw`` and
        ``discharge_mw`` of batteries.
    vm_pu : ndarray, (n_bus, n_step)
        Voltages of the relaxation; 0 out of supply.
    p_branch_pu, q_branch_pu : ndarray, (n_branch, n_step)
        P and Q into the series impedance of each branch at its from end, in p.u. of ``sn_mva``; the
        branches are those of `CompiledNetwork`, zero out of service.
    l_branch_pu : ndarray, (n_branch, n_step)
        l, the square of the current through it.
    gap_pu : ndarray, (n_branch, n_step)
        ``|l v - P^2 - Q^2|`` there.
    flow : NativeFlow
        The steps' power flow with this dispatch, solved.
    exactness : Exactness
        How relaxation and power flow compare.
    solve_time_s : float
        Within the solver.
    n_iteration : int
        Of the solver.
    """

    cost: float
    loss_mwh: float
    p_mw: dict[str, Array]
    q_mvar: dict[str, Array]
    p_exchange_mw: dict[str, Array]
    series: dict[str, dict[str, Array]]
    vm_pu: Array
    p_branch_pu: Array
    q_branch_pu: Array
    l_branch_pu: Array
    gap_pu: Array
    flow: NativeFlow
    exactness: Exactness
    solve_time_s: float
    n_iteration: int


def optimal_power_flow(
    case: OpfCase, *, limits: OpfLimits | None = None, objective: str = "cost"
) -> OptimalFlow:
    """Find the dispatch of least cost, or of least losses, within limits of voltage and current.

    Parameters
    ----------
    case : OpfCase
        Network, steps, units, prices. Transformers keep the taps, and capacitors the steps, that
        its power flow has.
    limits : OpfLimits, optional
        0.95 to 1.05 p.u. and a loading of 100 % if not given.
    objective : str
        "cost": energy bought less sold, fuel, starts and stops, wear, curtailment. "losses": in the
        series resistances.

    Raises
    ------
    InfeasibleError
        If nothing keeps all limits; it names what the closest dispatch violates.
    ConfigError
        If the network is not radial (it names a branch), or the case is inconsistent.
    HeronError
        If the solver gives up.

    Examples
    --------
    >>> from powergrid.networks import IEEE13Bus
    >>> from powergrid.optimization import OpfCase, OpfLimits, optimal_power_flow, source_exchange
    >>> from powergrid.powerflow.native_flow import NativeFlow
    >>> flow = NativeFlow(IEEE13Bus("MG1"))
    >>> case = OpfCase(flow, exchanges=[source_exchange(flow, price=50.0)])
    >>> result = optimal_power_flow(case, limits=OpfLimits(v_max_pu=1.06))
    >>> result.exactness.is_exact
    True
    """
    case.check()
    limits = OpfLimits() if limits is None else limits
    flow = copy_of(case.flow)
    flow.solve()  # for voltages to begin with
    invalid = np.flatnonzero(flow.status == LaneStatus.INVALID_INPUT)
    if invalid.size:
        raise ConfigError(f"step {invalid[0]}: an input of the power flow is not a finite number")
    vm_guess = _solved_voltages(flow)
    solve_time_s, n_iteration = 0.0, 0
    for _ in range(MOST_ROUNDS):
        problem = OpfProblem(case, flow, limits, objective, vm_guess)
        try:
            statistics = problem.solve()
        except InfeasibleError:
            closest = OpfProblem(case, flow, limits, objective, vm_guess, is_elastic=True)
            closest.solve()
            violations = closest.book.violations()
            if not violations:
                raise HeronError(
                    "the solver cannot tell whether all limits can be kept: widen them a little"
                ) from None
            raise InfeasibleError(violations) from None
        solve_time_s += statistics.solve_time
        n_iteration += statistics.num_iters
        vm = np.sqrt(np.maximum(problem.branches.v.value, 1e-6))
        moved = np.abs(vm - vm_guess).max(initial=0.0)
        vm_guess = vm
        has_current = problem.network.p_current.any() or problem.network.q_current.any()
        if not has_current or moved < SAME_VOLTAGE_PU:
            break
    return _result(case, limits, problem, flow, solve_time_s, n_iteration)


def _solved_voltages(flow: NativeFlow) -> Array:
    """Return the voltages of all nodes, those of lanes without a solution at 1 p.u."""
    vm = np.hypot(flow.batch.v_re_pu, flow.batch.v_im_pu)
    return np.where(flow.status == LaneStatus.CONVERGED, vm, 1.0)


def _result(
    case: OpfCase,
    limits: OpfLimits,
    problem: OpfProblem,
    flow: NativeFlow,
    solve_time_s: float,
    n_iteration: int,
) -> OptimalFlow:
    compiled, network, branches = flow.compiled, problem.network, problem.branches
    to_base = network.base_mva / compiled.data["base_mva"]

    def of_branches(values: Array, scale: float) -> Array:
        every = np.zeros((compiled.network.n_branch, case.n_step))
        every[network.rows] = values * scale
        return every

    node = compiled.data["node_of_bus"]
    vm = np.sqrt(np.maximum(branches.v.value, 0.0))
    return OptimalFlow(
        cost=_number(problem.cost),
        loss_mwh=_number(problem.loss_mwh),
        p_mw={name: _values(unit.p_mw) for name, unit in problem.units.items()},
        q_mvar={name: _values(unit.q_mvar) for name, unit in problem.units.items()},
        p_exchange_mw={name: _values(p) for name, p in problem.p_exchange_mw.items()},
        series={
            name: {key: _values(value) for key, value in unit.series.items()}
            for name, unit in problem.units.items()
        },
        vm_pu=np.where(node[:, np.newaxis] >= 0, vm[node], 0.0),
        p_branch_pu=of_branches(branches.p.value, to_base),
        q_branch_pu=of_branches(branches.q.value, to_base),
        l_branch_pu=of_branches(branches.l.value, to_base**2),
        gap_pu=of_branches(branches.gap(), to_base**2),
        flow=flow,
        exactness=check_exactness(case, limits, problem, flow),
        solve_time_s=solve_time_s,
        n_iteration=n_iteration,
    )


def _values(expression: object) -> Array:
    """Return the values of an expression or a constant, (n_step,)."""
    return np.asarray(getattr(expression, "value", expression), np.float64)


def _number(expression: object) -> float:
    return float(getattr(expression, "value", expression))  # type: ignore[arg-type]
