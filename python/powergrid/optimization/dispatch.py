"""Cheapest dispatch of one grid's devices over a horizon, as a linear or mixed-integer program.

All powers are in MW, energies in MWh, costs in $. The network is one bus without losses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from heron.errors import HeronError
from powergrid.agents.generator import GeneratorConfig
from powergrid.agents.storage import StorageConfig
from powergrid.optimization.cost_cuts import chords_below_or_on, tangents_below
from powergrid.optimization.grid_model import GridModel

__all__ = ["Horizon", "Schedule", "cheapest_schedule"]


@dataclass(frozen=True)
class Horizon:
    """What is known of the coming steps, and where the devices stand.

    Attributes
    ----------
    dt : float
        Length of a step [h].
    price : ndarray, (n_step,)
        Market price [$/MWh].
    demand_mw : ndarray, (n_step,)
        Load.
    available_mw : dict of ndarray, (n_step,)
        What each renewable could give.
    soc : dict of float
        State of charge of each battery at the start.
    is_on : dict of bool
        Status of each generator at the start.
    import_limit_mw : float
        More than this, in either direction, is not planned unless it cannot be helped.
    """

    dt: float
    price: np.ndarray
    demand_mw: np.ndarray
    available_mw: dict[str, np.ndarray]
    soc: dict[str, float]
    is_on: dict[str, bool]
    import_limit_mw: float = np.inf


@dataclass(frozen=True)
class Schedule:
    """The cheapest dispatch.

    Attributes
    ----------
    cost : float
        Of the whole horizon [$].
    bought_mw : ndarray, (n_step,)
        Power bought.
    power_mw : dict of ndarray, (n_step,)
        Injection of every generator, battery and renewable.
    is_on : dict of ndarray of float, (n_step,)
        Status of every generator; between 0 and 1 if commitment was relaxed.
    """

    cost: float
    bought_mw: np.ndarray
    power_mw: dict[str, np.ndarray]
    is_on: dict[str, np.ndarray]


OVERLOAD_COST = 1e3  # of planning an exchange beyond the limit [$/MWh]; dearer than any device


@dataclass
class _Program:
    """Rows and columns of a program, gathered block by block."""

    lower: list[np.ndarray] = field(default_factory=list)
    upper: list[np.ndarray] = field(default_factory=list)
    cost: list[np.ndarray] = field(default_factory=list)
    is_integer: list[np.ndarray] = field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    row_lower: list[np.ndarray] = field(default_factory=list)
    row_upper: list[np.ndarray] = field(default_factory=list)
    n_column: int = 0
    n_row: int = 0
    constant: float = 0.0

    def columns(
        self,
        n: int,
        lower: float | np.ndarray,
        upper: float | np.ndarray,
        cost: float | np.ndarray = 0.0,
        *,
        is_integer: bool = False,
    ) -> np.ndarray:
        """Add `n` variables; return their numbers."""
        for blocks, value in ((self.lower, lower), (self.upper, upper), (self.cost, cost)):
            blocks.append(np.broadcast_to(np.asarray(value, dtype=np.float64), n))
        self.is_integer.append(np.full(n, int(is_integer)))
        self.n_column += n
        return np.arange(self.n_column - n, self.n_column)

    def rows(
        self,
        terms: list[tuple[np.ndarray, float]],
        lower: float | np.ndarray,
        upper: float | np.ndarray,
    ) -> np.ndarray:
        """Add ``lower <= sum of factor * variable <= upper`` for each entry; return row numbers."""
        n = len(terms[0][0])
        rows = np.arange(self.n_row, self.n_row + n)
        for column, factor in terms:
            self.add(rows, column, factor)
        self.row_lower.append(np.broadcast_to(np.asarray(lower, dtype=np.float64), n))
        self.row_upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), n))
        self.n_row += n
        return rows

    def add(self, rows: np.ndarray, column: np.ndarray, factor: float) -> None:
        """Add a term to existing rows."""
        self.entries.append((rows, column, np.full(len(rows), factor)))

    def solve(self) -> tuple[np.ndarray, float]:
        """Return the optimal variables and the optimal cost."""
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        matrix = coo_array((value, (row, column)), shape=(self.n_row, self.n_column)).tocsc()
        result = milp(
            np.concatenate(self.cost),
            constraints=LinearConstraint(
                matrix, np.concatenate(self.row_lower), np.concatenate(self.row_upper)
            ),
            bounds=Bounds(np.concatenate(self.lower), np.concatenate(self.upper)),
            integrality=np.concatenate(self.is_integer),
        )
        if result.x is None:
            raise HeronError(f"no dispatch found: {result.message}")
        return result.x, float(result.fun) + self.constant


def cheapest_schedule(model: GridModel, horizon: Horizon, *, is_relaxed: bool = False) -> Schedule:
    """Find the cheapest dispatch of a grid's devices.

    Counted are the energy bought and sold, fuel, starts and stops, wear of batteries and
    curtailment. What batteries hold at the end has no value.

    Parameters
    ----------
    is_relaxed : bool
        Let commitment be fractional and fuel curves lie below the true ones, so that the cost is
        a lower bound on that of any real dispatch. Otherwise commitment is whole and fuel curves
        lie on or slightly above the true ones; switching delays hold back the first change.

    Raises
    ------
    HeronError
        If the solver finds none.
    """
    program = _Program()
    n, dt = len(horizon.price), horizon.dt
    connection = model.connection
    value = connection.price_scale * horizon.price * dt
    buy = program.columns(n, 0.0, np.inf, value)
    sell = program.columns(n, 0.0, np.inf, -connection.sell_ratio * value)
    balance = program.rows([(buy, 1.0), (sell, -1.0)], horizon.demand_mw, horizon.demand_mw)
    if np.isfinite(horizon.import_limit_mw):
        excess = program.columns(n, 0.0, np.inf, OVERLOAD_COST * dt)
        for exchange in (buy, sell):
            program.rows([(exchange, 1.0), (excess, -1.0)], -np.inf, horizon.import_limit_mw)
    power: dict[str, list[tuple[np.ndarray, float]]] = {}
    status: dict[str, np.ndarray] = {}
    for name, unit in model.generators.items():
        p, on = _add_generator(program, unit, horizon, horizon.is_on[name], is_relaxed)
        power[name] = [(p, 1.0)]
        status[name] = on
    for name, battery in model.batteries.items():
        power[name] = _add_battery(program, battery, horizon, horizon.soc[name])
    for name, plant in model.renewables.items():
        available = horizon.available_mw[name]
        # Energy not taken is paid for: a constant less what is taken.
        program.constant += float(available.sum()) * plant.curtailment_cost * dt
        p = program.columns(n, 0.0, available, -plant.curtailment_cost * dt)
        power[name] = [(p, 1.0)]
    for terms in power.values():
        for column, factor in terms:
            program.add(balance, column, factor)
    x, cost = program.solve()
    return Schedule(
        cost=cost,
        bought_mw=x[buy],
        power_mw={
            name: np.sum([factor * x[column] for column, factor in terms], axis=0)
            for name, terms in power.items()
        },
        is_on={name: x[column] for name, column in status.items()},
    )


def _add_generator(
    program: _Program, unit: GeneratorConfig, horizon: Horizon, was_on: bool, is_relaxed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Add a generator; return the numbers of its power and status variables."""
    n, dt = len(horizon.price), horizon.dt
    low, high = np.zeros(n), np.ones(n)
    if not unit.commitment:
        low[:] = 1.0
    elif not is_relaxed:
        # The status cannot change before a switch begun now is through.
        delay_h = unit.shutdown_time_hr if was_on else unit.startup_time_hr
        held = slice(0, min(int(np.ceil(delay_h / dt - 1e-9)), n))
        low[held] = high[held] = float(was_on)
    on = program.columns(n, low, high, is_integer=unit.commitment and not is_relaxed)
    p = program.columns(n, 0.0, unit.p_max_MW)
    program.rows([(p, 1.0), (on, -unit.p_max_MW)], -np.inf, 0.0)
    program.rows([(p, 1.0), (on, -unit.p_min_MW)], 0.0, np.inf)
    fuel = program.columns(n, -np.inf, np.inf, dt)
    lines = tangents_below if is_relaxed else chords_below_or_on
    for slope, intercept in lines(unit.cost_curve_coefs, unit.p_min_MW, unit.p_max_MW):
        program.rows([(fuel, 1.0), (p, -slope), (on, -intercept)], 0.0, np.inf)
    if unit.commitment:
        start = program.columns(n, 0.0, np.inf, unit.startup_cost)
        stop = program.columns(n, 0.0, np.inf, unit.shutdown_cost)
        before = np.zeros(n)
        before[0] = float(was_on)
        # start - stop = status - status one step before
        rows = program.rows([(start, 1.0), (stop, -1.0), (on, -1.0)], -before, -before)
        program.add(rows[1:], on[:-1], 1.0)
    return p, on


def _add_battery(
    program: _Program, battery: StorageConfig, horizon: Horizon, soc: float
) -> list[tuple[np.ndarray, float]]:
    """Add a battery; return the numbers of its discharging and charging powers, with their sign."""
    n, dt = len(horizon.price), horizon.dt
    capacity, wear = battery.e_capacity_MWh, battery.degradation_cost * dt
    discharge = program.columns(n, 0.0, battery.p_max_MW, wear)
    charge = program.columns(n, 0.0, -float(battery.p_min_MW or 0.0), wear)
    # An observed state of charge may lie outside the limits by a rounding error.
    soc = min(max(soc, battery.soc_min), battery.soc_max)
    energy = program.columns(n, battery.soc_min * capacity, battery.soc_max * capacity)
    before = np.zeros(n)
    before[0] = soc * capacity
    rows = program.rows(
        [(energy, 1.0), (discharge, dt / battery.dsc_eff), (charge, -dt * battery.ch_eff)],
        before,
        before,
    )
    program.add(rows[1:], energy[:-1], -1.0)
    return [(discharge, 1.0), (charge, -1.0)]
