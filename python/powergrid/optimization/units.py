"""What is decided: units of the network with their limits, costs and, for batteries, energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.agents.generator import GeneratorConfig
from powergrid.agents.renewable import RenewableConfig
from powergrid.agents.storage import StorageConfig
from powergrid.optimization.convex import cp, norm_within, product_covers
from powergrid.optimization.cost_cuts import tangents_below
from powergrid.optimization.limits import LimitBook

__all__ = ["Unit", "UnitModel", "model_unit"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A static generator or storage of the network whose power is decided.

    Attributes
    ----------
    name : str
        Under which the result has it.
    table : str
        "sgen" or "storage".
    number : int
        Its index in that table.
    config : GeneratorConfig, StorageConfig or RenewableConfig
        Limits and costs, as the device of that kind has them.
    available_mw : ndarray, (n_step,)
        What a renewable could give.
    soc : float, optional
        State of charge of a battery at the start; ``config.init_soc`` if not given.
    end_soc : float, optional
        Least state of charge at the end; without it only ``config.soc_min`` counts.
    was_on : bool, optional
        Whether a generator with commitment runs before the first step.
    is_on : ndarray of bool, (n_step,), optional
        Its commitment. If not given, it is decided too, and may be fractional.
    """

    name: str
    table: str
    number: int
    config: GeneratorConfig | StorageConfig | RenewableConfig
    available_mw: Array | None = None
    soc: float | None = None
    end_soc: float | None = None
    was_on: bool = False
    is_on: NDArray[np.bool_] | None = None

    def check(self, n_step: int) -> None:
        """Raise ConfigError if something is missing or has the wrong length."""
        if self.table not in ("sgen", "storage"):
            raise ConfigError(
                f"{self.name}: the table is {self.table!r}, expected 'sgen' or 'storage'"
            )
        if isinstance(self.config, RenewableConfig) and self.available_mw is None:
            raise ConfigError(f"{self.name}: a renewable needs available_mw")
        for name in ("available_mw", "is_on"):
            value = getattr(self, name)
            if value is not None and np.shape(value) != (n_step,):
                raise ConfigError(
                    f"{self.name}: {name} has shape {np.shape(value)}, expected ({n_step},): one "
                    f"value a step"
                )

    @property
    def rated_mva(self) -> float:
        """The largest power that it can have."""
        config = self.config
        if isinstance(config, RenewableConfig):
            p, q = config.p_rated_MW, config.q_max_MVAr
        elif isinstance(config, StorageConfig):
            p, q = max(config.p_max_MW, -float(config.p_min_MW or 0.0)), config.q_max_MVAr
        else:
            p, q = config.p_max_MW, max(abs(config.q_max_MVAr), abs(config.q_min_MVAr))
        return float(min(np.hypot(p, q), config.s_rated_MVA or np.inf))


@dataclass
class UnitModel:
    """A unit over all steps.

    Attributes
    ----------
    p_mw, q_mvar : cvxpy expression, (n_step,)
        Injection.
    cost : cvxpy expression
        Of all steps [$].
    constraints : list
    series : dict of cvxpy expression, (n_step,)
        What else there is to know of it: ``is_on``; ``charge_mw``, ``discharge_mw``, and ``soc`` at
        the end of each step.
    """

    p_mw: Any
    q_mvar: Any
    cost: Any
    constraints: list[Any]
    series: dict[str, Any]


def model_unit(unit: Unit, n_step: int, dt_h: float, book: LimitBook) -> UnitModel:
    """Return the variables of a unit; limits that may turn out impossible go into `book`."""
    config = unit.config
    if isinstance(config, GeneratorConfig):
        return _generator(unit, config, n_step, dt_h)
    if isinstance(config, StorageConfig):
        return _battery(unit, config, n_step, dt_h, book)
    return _renewable(unit, config, dt_h)


def _generator(unit: Unit, config: GeneratorConfig, n_step: int, dt_h: float) -> UnitModel:
    p, q = cp.Variable(n_step), cp.Variable(n_step)
    on: Any = np.ones(n_step)
    constraints: list[Any] = []
    cost: Any = 0.0
    if config.commitment:
        if unit.is_on is None:
            on = cp.Variable(n_step)
            constraints += [on >= 0.0, on <= 1.0]
        else:
            on = np.asarray(unit.is_on, np.float64)
        change = cp.hstack([on[:1] - float(unit.was_on), on[1:] - on[:-1]])
        cost = cp.sum(config.startup_cost * cp.pos(change) + config.shutdown_cost * cp.neg(change))
    constraints += [
        p >= config.p_min_MW * on,
        p <= config.p_max_MW * on,
        q >= config.q_min_MVAr * on,
        q <= config.q_max_MVAr * on,
    ]
    if config.s_rated_MVA is not None:
        constraints.append(norm_within((p, q), config.s_rated_MVA * on))
    curve = config.cost_curve_coefs
    if len(curve) == 3 and curve[0] > 0.0:
        # The perspective of the parabola: the tightest convex form for a fractional status.
        square = cp.Variable(n_step)
        constraints.append(product_covers(square, on, (p,)))
        fuel = curve[0] * square + curve[1] * p + curve[2] * on
    else:
        lines = tangents_below(curve, config.p_min_MW, config.p_max_MW)
        fuel = cp.Variable(n_step)
        constraints += [fuel >= slope * p + intercept * on for slope, intercept in lines.tolist()]
    return UnitModel(p, q, cost + dt_h * cp.sum(fuel), constraints, {"is_on": on})


def _battery(
    unit: Unit, config: StorageConfig, n_step: int, dt_h: float, book: LimitBook
) -> UnitModel:
    """Model a battery: ``dE = (ch_eff charge - discharge / dsc_eff) dt``.

    That charge and discharge exclude each other is relaxed: both at once waste energy, which pays
    only where energy is worth less than nothing.
    """
    capacity = config.e_capacity_MWh
    charge, discharge = cp.Variable(n_step), cp.Variable(n_step)
    soc = cp.Variable(n_step)
    # An observed state of charge may lie outside the limits by a rounding error.
    start = config.init_soc if unit.soc is None else unit.soc
    start = min(max(start, config.soc_min), config.soc_max)
    flow = config.ch_eff * charge - discharge / config.dsc_eff
    constraints = [
        charge >= 0.0,
        charge <= -float(config.p_min_MW or 0.0),
        discharge >= 0.0,
        discharge <= config.p_max_MW,
        soc == start + (dt_h / capacity) * cp.cumsum(flow),
        soc >= config.soc_min,
        soc <= config.soc_max,
    ]
    if unit.end_soc is not None:
        missing = book.slack((1, 1), _end_name(unit, soc, n_step))
        book.constraints.append(soc[-1] + cp.sum(missing) >= unit.end_soc)
    p = discharge - charge
    q: Any = np.zeros(n_step)
    if config.q_max_MVAr > 0.0 or config.q_min_MVAr:
        q = cp.Variable(n_step)
        constraints += [q >= config.q_min_MVAr, q <= config.q_max_MVAr]
        if config.s_rated_MVA is not None:
            constraints.append(norm_within((p, q), config.s_rated_MVA * np.ones(n_step)))
    cost = config.degradation_cost * dt_h * cp.sum(charge + discharge)
    series = {"charge_mw": charge, "discharge_mw": discharge, "soc": soc}
    return UnitModel(p, q, cost, constraints, series)


def _end_name(unit: Unit, soc: Any, n_step: int) -> Callable[[int, int], str]:
    def name(row: int, step: int) -> str:
        return (
            f"step {n_step - 1}: {unit.name} ends at a state of charge of {soc.value[-1]:.3f}, at "
            f"least {unit.end_soc:g} is asked for"
        )

    return name


def _renewable(unit: Unit, config: RenewableConfig, dt_h: float) -> UnitModel:
    available = np.clip(np.asarray(unit.available_mw, np.float64), 0.0, config.p_rated_MW)
    n_step = len(available)
    p = cp.Variable(n_step)
    constraints = [p >= 0.0, p <= available]
    q: Any = np.zeros(n_step)
    if config.q_max_MVAr > 0.0:
        q = cp.Variable(n_step)
        constraints += [q >= -config.q_max_MVAr, q <= config.q_max_MVAr]
        if config.s_rated_MVA is not None:
            constraints.append(norm_within((p, q), config.s_rated_MVA * np.ones(n_step)))
    cost = config.curtailment_cost * dt_h * cp.sum(available - p)
    return UnitModel(p, q, cost, constraints, {})
