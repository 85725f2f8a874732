"""The convex program of an optimal power flow."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from heron.errors import ConfigError, HeronError, nearest
from powergrid.optimization.branch_flow import BranchFlow, selection
from powergrid.optimization.convex import cp, norm_within
from powergrid.optimization.exchange import Exchange
from powergrid.optimization.limits import InfeasibleError, LimitBook, OpfLimits
from powergrid.optimization.network_limits import keep_currents, keep_voltages
from powergrid.optimization.opf_case import OpfCase
from powergrid.optimization.radial_network import RadialNetwork
from powergrid.optimization.units import UnitModel, model_unit
from powergrid.powerflow.native_flow import NativeFlow

__all__ = ["OBJECTIVES", "OpfProblem"]

OBJECTIVES = ("cost", "losses")

# What |z| l counts beside the objective, as a share of what losses r l cost at the mean price. It
# keeps currents at their least where a branch without resistance makes them free.
TIE_BREAK = 1e-3
# Of the solver, and what is accepted where rounding ends its progress; voltages come out about as
# exact. The second pair is tried where the first fails.
TOLERANCES = ((1e-10, 1e-7), (1e-8, 1e-5))


class OpfProblem:
    """Variables, limits and objective over all steps.

    Parameters
    ----------
    case : OpfCase
    flow : NativeFlow
        A solved copy of the case's, to read inputs from.
    limits : OpfLimits
    objective : str
        "cost" [$] or "losses" [MWh].
    vm_guess : ndarray, (n_node, n_step)
        Voltages near which loads of constant current are made linear.
    is_elastic : bool
        Whether to find what comes closest to keeping the limits, instead of the optimum.

    Attributes
    ----------
    network : RadialNetwork
    branches : BranchFlow
    units : dict of UnitModel
        By name.
    p_exchange_mw : dict of cvxpy expression, (n_step,)
        By name.
    cost, loss_mwh : cvxpy expression
        Of all steps.
    book : LimitBook
        Of those limits that the network may be unable to keep.
    """

    def __init__(
        self,
        case: OpfCase,
        flow: NativeFlow,
        limits: OpfLimits,
        objective: str,
        vm_guess: NDArray[np.float64],
        *,
        is_elastic: bool = False,
    ) -> None:
        if objective not in OBJECTIVES:
            raise ConfigError(nearest(objective, OBJECTIVES, kind="objective"))
        self.case, self._flow = case, flow
        self._decided = case.injection_rows()
        rated_mva = sum(unit.rated_mva for unit in case.units)
        self.network = RadialNetwork.of(flow, self._decided, rated_mva)
        self.book = LimitBook(is_elastic)
        self.branches = BranchFlow(self.network)
        self.units: dict[str, UnitModel] = {
            unit.name: model_unit(unit, case.n_step, case.dt_h, self.book) for unit in case.units
        }
        decided = self._decided_at_nodes("p_mw"), self._decided_at_nodes("q_mvar")
        constraints = self.branches.equations(*decided, vm_guess, self.book)
        above = self.branches
        if limits.upper == "lossless":
            above = BranchFlow(self.network, has_losses=False)
            constraints += above.equations(*decided, vm_guess, self.book)
        keep_voltages(self.branches, above, limits, self.book)
        keep_currents(self.branches, limits, self.book)
        for unit in self.units.values():
            constraints += unit.constraints
        base_mwh = self.network.base_mva * case.dt_h
        self.loss_mwh = base_mwh * self.branches.loss()
        self.cost: Any = sum(unit.cost for unit in self.units.values())
        self.p_exchange_mw: dict[str, Any] = {}
        for exchange in case.exchanges:
            p_mw, q_mvar = self._metered(exchange, "p"), self._metered(exchange, "q")
            self.p_exchange_mw[exchange.name] = p_mw
            self.cost = self.cost + exchange.modelled_cost(p_mw, case.dt_h)
            if np.isfinite(exchange.s_rated_mva):
                self._keep_rating(exchange, p_mw, q_mvar)
        self._constraints = constraints + self.book.constraints
        # |z| l beside r l, in the unit of the objective.
        least = TIE_BREAK * self.branches.weighted_current()
        if is_elastic:
            self.objective = self.book.violation + TIE_BREAK * least
        elif objective == "losses":
            self.objective = self.loss_mwh + base_mwh * least
        else:
            prices = [float(np.abs(exchange.price).mean()) for exchange in case.exchanges]
            self.objective = self.cost + max([*prices, 1.0]) * base_mwh * least

    def _decided_at_nodes(self, name: str) -> Any:
        """Return what the units inject at the nodes, in p.u., (n_node, n_step)."""
        shape = (self.network.n_node, self.case.n_step)
        if not self.units:
            return np.zeros(shape)
        data = self._flow.compiled.data
        # The data's scale is of MW to per unit of its own base.
        scale = data["injection_scale"][self._decided] * data["base_mva"] / self.network.base_mva
        node = data["injection_node"][self._decided]
        n = len(self._decided)
        at_node = csr_array((scale, (node, np.arange(n))), shape=(shape[0], n))
        return at_node @ cp.vstack([getattr(unit, name) for unit in self.units.values()])

    def _metered(self, exchange: Exchange, of: str) -> Any:
        """Return what a meter reads, in MW or Mvar, (n_step,)."""
        name = "p_mw" if of == "p" else "q_mvar"
        inputs: list[Any] = list(getattr(self._flow.batch, name))
        for row, unit in zip(self._decided, self.units.values(), strict=True):
            inputs[row] = getattr(unit, name)
        base, rows = self.network.base_mva, self.network.rows
        every_row = selection(self._flow.compiled.network.n_branch, rows).T
        at_from, at_to, supplied = (
            base * getattr(self.branches, f"{of}_{end}") for end in ("from", "to", "held")
        )
        return exchange.reading(inputs, every_row @ at_from, every_row @ at_to, supplied)

    def _keep_rating(self, exchange: Exchange, p_mw: Any, q_mvar: Any) -> None:
        def name(row: int, step: int) -> str:
            s_mva = float(np.hypot(p_mw.value[step], q_mvar.value[step]))
            return (
                f"step {step}: {s_mva:.4f} MVA pass at {exchange.name}, at most "
                f"{exchange.s_rated_mva:g} is asked for"
            )

        n_step = self.case.n_step
        slack = self.book.slack((1, n_step), name)
        bound = exchange.s_rated_mva * (np.ones((1, n_step)) + slack)
        self.book.constraints.append(norm_within((p_mw, q_mvar), bound))

    def solve(self) -> Any:
        """Solve by CLARABEL; return CVXPY's statistics.

        Raises
        ------
        InfeasibleError
            If nothing keeps all limits; without saying what is violated.
        HeronError
            If the solver gives up.
        """
        problem = cp.Problem(cp.Minimize(self.objective), self._constraints)
        for tolerance, accepted in TOLERANCES:
            try:
                _solve(problem, tolerance, accepted)
                break
            except cp.SolverError as error:
                failure = error
        else:
            raise HeronError(f"the conic solver gave up: {failure}") from failure
        if problem.status in (cp.INFEASIBLE, cp.INFEASIBLE_INACCURATE):
            raise InfeasibleError(())
        if problem.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            raise HeronError(
                f"the relaxation is {problem.status}: check prices, costs and limits of the units"
            )
        return problem.solver_stats


def _solve(problem: Any, tolerance: float, accepted: float) -> None:
    names = ("tol_gap_abs", "tol_gap_rel", "tol_feas")
    options = dict.fromkeys(names, tolerance) | dict.fromkeys(
        (f"reduced_{name}" for name in names), accepted
    )
    with warnings.catch_warnings():
        # Of what is accepted; what is wrong with it, a power flow shows.
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        problem.solve(solver=cp.CLARABEL, **options)
