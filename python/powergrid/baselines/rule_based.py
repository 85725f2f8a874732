"""A policy of plain rules, such as an operator might write down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from powergrid.agents.generator import GeneratorConfig
from powergrid.agents.storage import StorageConfig
from powergrid.baselines.base import Policy
from powergrid.baselines.reading import ObservationReader
from powergrid.baselines.voltage import (
    curtailed_share,
    supplied_devices,
    tap_move,
    voltage_support,
)
from powergrid.baselines.writing import SetPoint, write_action
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.optimization.grid_model import GridModel
from powergrid.utils.cost import cost_from_curve, energy_cost

__all__ = ["RuleBasedPolicy", "merit_order"]

N_CANDIDATE = 21  # powers that are compared for a generator
LOADING_SHARE = 0.95  # of the connection's rating that charging may fill


class RuleBasedPolicy(Policy):
    """Charge when cheap and sunny, discharge when dear, run units that earn, keep voltages.

    Every agent decides by itself and from its own observation. In this order:

    1. Renewables inject everything unless their bus nears the upper voltage limit.
    2. Batteries charge while the price is in the cheap part of the forecast's, discharge while it
       is in the dear part, and otherwise take the own renewable surplus.
    3. Generators, the cheapest first, give the power that saves most against the exchange that is
       left; a unit is started when it begins to save, if the next hours' savings pay for the start,
       and stopped if they would be losses.
    4. Taps and reactive power answer voltages near the limits.

    Who sees nothing but zeros knows nothing yet, and does nothing.

    Parameters
    ----------
    cheap, dear : float
        Quantiles of the price forecast below and above which batteries charge and discharge. The
        defaults are the best of a coarse search over the shipped setup and its training split.
    look_h : float
        Time [h] over which a start must pay, or a running unit must save; at least one entry of the
        forecast.
    """

    name = "rule-based"

    def __init__(self, *, cheap: float = 0.2, dear: float = 0.85, look_h: float = 4.0) -> None:
        if not 0.0 <= cheap <= dear <= 1.0:
            raise ValueError(f"expected 0 <= cheap <= dear <= 1, got {cheap} and {dear}")
        self.cheap, self.dear, self.look_h = cheap, dear, look_h
        self._models: dict[str, GridModel] = {}
        self._readers: dict[str, ObservationReader] = {}

    def reset(self, env: NetworkedGridEnv, seed: int | None = None) -> None:
        """Learn the agents' devices and the names of what they observe."""
        self._models = {name: GridModel.of(agent) for name, agent in env.agent_dict.items()}
        self._readers = {name: ObservationReader(env, name) for name in env.agent_dict}

    def act(self, env: NetworkedGridEnv, observations: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return every agent's action."""
        actions = {}
        for agent, observation in observations.items():
            if not np.any(observation):
                actions[agent] = env.idle_action(agent)
                continue
            reader = self._readers[agent]
            reader.read(observation)
            points = self.set_points(self._models[agent], reader, env.config.step_s / 3600.0)
            actions[agent] = write_action(env, agent, points)
        return actions

    def set_points(
        self, model: GridModel, reader: ObservationReader, dt: float
    ) -> dict[str, SetPoint]:
        """Return the set-points of one agent's devices for the coming `dt` hours."""
        points: dict[str, SetPoint] = {}
        load = reader.forecast("load")
        demand = model.load_mw * float(load[0]) if load.size else reader["grid.total_load_MW"]
        for name, plant in model.renewables.items():
            v = reader.device(name, "v_pu")
            share = curtailed_share(v)
            demand -= share * reader.device(name, "available_p_MW")
            q = voltage_support(reader, name, -plant.q_max_MVAr, plant.q_max_MVAr, dt)
            points[name] = SetPoint(share=share, q_mvar=q)
        for name, battery in model.batteries.items():
            p = self._battery_power(model, reader, name, battery, demand, dt)
            q = voltage_support(reader, name, battery.q_min_MVAr or 0.0, battery.q_max_MVAr, dt)
            points[name] = SetPoint(p_mw=p, q_mvar=q)
            demand -= p
        for name in merit_order(model):
            unit = model.generators[name]
            is_on, p = self._unit_power(model, reader, name, unit, demand)
            q = voltage_support(reader, name, unit.q_min_MVAr, unit.q_max_MVAr, dt)
            points[name] = SetPoint(p_mw=p, q_mvar=q, is_on=is_on)
            demand -= p if is_on else 0.0
        for name in model.tap_changers:
            points[name] = SetPoint(tap_move=tap_move(reader, supplied_devices(model)))
        return points

    def n_look(self, dt: float) -> int:
        """Return how many entries of a forecast, `dt` hours apart, are looked at."""
        return max(round(self.look_h / dt), 1)

    def _battery_power(
        self,
        model: GridModel,
        reader: ObservationReader,
        name: str,
        battery: StorageConfig,
        demand: float,
        dt: float,
    ) -> float:
        """Return the injection [MW] of a battery that meets a demand of `demand` MW."""
        price = reader.forecast("price")
        low, high = np.quantile(price, (self.cheap, self.dear))
        efficiency = battery.ch_eff * battery.dsc_eff
        wear = battery.degradation_cost * (1.0 + efficiency)
        p_min = float(battery.p_min_MW or 0.0)
        # What the battery can still take and give, so that the next device sees the true demand.
        soc, capacity = reader.device(name, "soc"), battery.e_capacity_MWh
        can_take = max(battery.soc_max - soc, 0.0) * capacity / (battery.ch_eff * dt)
        can_give = max(soc - battery.soc_min, 0.0) * capacity * battery.dsc_eff / dt
        if price[0] <= low and low + wear < efficiency * high:
            room = max(_connection_room(model, reader) - demand, 0.0)
            return -min(-p_min, can_take, room)
        if price[0] >= high > low:
            return min(battery.p_max_MW, can_give)
        surplus = max(-demand, 0.0)  # would earn the selling price only
        return -min(-p_min, can_take, surplus)

    def _unit_power(
        self,
        model: GridModel,
        reader: ObservationReader,
        name: str,
        unit: GeneratorConfig,
        demand: float,
    ) -> tuple[bool, float]:
        """Return whether a generator should run, and its power [MW] if it does."""
        powers = np.linspace(unit.p_min_MW, unit.p_max_MW, N_CANDIDATE)
        dt = reader.forecast_dt_h
        is_running = reader.device(name, "status") > 0.5
        # A unit that is off can save only once its start is through.
        delay = 0 if is_running else int(np.ceil(unit.startup_time_hr / dt - 1e-9))
        price = reader.forecast("price")[: delay + self.n_look(dt)]
        # The demand of the coming hours is taken to be the present one.
        savings = np.array([_savings(model, unit, powers, demand, value) for value in price])
        p = float(powers[int(np.argmax(savings[0]))])
        if not unit.commitment:
            return True, p
        coming = savings[delay:].max(axis=1) * dt
        if is_running:
            return float(coming.sum()) > 0.0, p
        pays_at_once = coming.size > 0 and coming[0] > 0.0
        return pays_at_once and float(coming.sum()) > unit.startup_cost, p


def _savings(
    model: GridModel, unit: GeneratorConfig, powers: np.ndarray, demand: float, price: float
) -> np.ndarray:
    """Return what each power of a unit saves against buying the demand [$/h], (n_power,)."""
    at_price = model.connection.price_scale * price

    def exchange(p_mw: float) -> float:
        return energy_cost(p_mw, at_price, sell_ratio=model.connection.sell_ratio)

    fuel = [cost_from_curve(p, unit.cost_curve_coefs) for p in powers]
    with_unit = np.array([exchange(demand - p) for p in powers]) + np.array(fuel)
    savings: np.ndarray = exchange(demand) - with_unit
    return savings


def _connection_room(model: GridModel, reader: ObservationReader) -> float:
    """Return the active power [MW] that the connection carries beside its reactive power."""
    if model.s_rated_mva is None or model.meter is None:
        return np.inf
    rating = LOADING_SHARE * model.s_rated_mva
    q = reader.device(model.meter, "q_MVAr")
    return float(np.sqrt(max(rating**2 - q**2, 0.0)))


def merit_order(model: GridModel) -> list[str]:
    """Return the generators, the cheapest at full power first."""
    return sorted(model.generators, key=lambda name: _full_load_cost(model.generators[name]))


def _full_load_cost(unit: GeneratorConfig) -> float:
    """Return the average fuel cost at full power [$/MWh]."""
    return cost_from_curve(unit.p_max_MW, unit.cost_curve_coefs) / max(unit.p_max_MW, 1e-9)
