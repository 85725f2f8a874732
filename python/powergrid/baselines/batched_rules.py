"""The rules of `RuleBasedPolicy` for many lanes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.generator import Generator, GeneratorConfig
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.renewable import RenewableGenerator
from powergrid.agents.storage import ESS, StorageConfig
from powergrid.agents.transformer import Transformer
from powergrid.baselines.batched import Actions, BatchedPolicy, Observations, who_acts
from powergrid.baselines.reading import ObservationReader
from powergrid.baselines.rule_based import LOADING_SHARE, N_CANDIDATE, RuleBasedPolicy, merit_order
from powergrid.baselines.voltage import V_HIGH_PU, V_LOW_PU, V_SPAN_PU, response, supplied_devices
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.optimization.grid_model import GridModel
from powergrid.utils.cost import cost_from_curve

__all__ = ["BatchedRuleBasedPolicy"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class BatchedRuleBasedPolicy(BatchedPolicy):
    """Decide in every lane as `RuleBasedPolicy` does.

    Parameters
    ----------
    **rules
        Of `RuleBasedPolicy`.

    Notes
    -----
    Ratings and costs are those of the configuration, in all lanes.

    Examples
    --------
    >>> from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
    >>> envs, policy = EventDrivenVectorEnv(4), BatchedRuleBasedPolicy()
    >>> observations, infos = envs.reset(seed=0)
    >>> policy.reset(envs)
    >>> observations, rewards, *_ = envs.step(policy.act(observations, infos))
    >>> rewards.shape
    (4, 3)
    """

    name = RuleBasedPolicy.name

    def __init__(self, **rules: float) -> None:
        self.rules = RuleBasedPolicy(**rules)

    def reset(self, envs: VectorGridEnv, seed: int | None = None) -> None:
        """Learn the agents' devices and the names of what they observe."""
        self._idle = envs.idle_actions()
        self._agents = [_AgentRules(self.rules, envs.description, name) for name in envs.agents]

    def act(self, observations: Observations, infos: Mapping[str, Any]) -> Actions:
        """Return every acting agent's action; who knows nothing yet does nothing."""
        actions = self._idle.copy()
        decides = who_acts(observations, infos) & observations.any(axis=2)
        for k, agent in enumerate(self._agents):
            lanes = np.flatnonzero(decides[:, k])
            if len(lanes):
                flat = agent.actions(observations[lanes, k])
                actions[lanes, k, : flat.shape[1]] = flat
        return actions


class _AgentRules:
    """One agent's rules; arrays over lanes are (n,)."""

    def __init__(self, rules: RuleBasedPolicy, env: NetworkedGridEnv, name: str) -> None:
        self._rules, self._dt = rules, env.config.step_s / 3600.0
        self._agent: PowerGridAgent = env.agent_dict[name]
        self._model = GridModel.of(self._agent)
        self._reader = ObservationReader(env, name)
        self._order = merit_order(self._model)
        self._power = {
            g: np.linspace(unit.p_min_MW, unit.p_max_MW, N_CANDIDATE)
            for g, unit in self._model.generators.items()
        }
        self._fuel = {
            g: np.array([cost_from_curve(p, unit.cost_curve_coefs) for p in self._power[g]])
            for g, unit in self._model.generators.items()
        }

    def actions(self, observations: Observations) -> Array:
        """Return flat actions, (n, n_entry)."""
        reader, model, n = self._reader, self._model, len(observations)
        reader.read(observations)
        self._price = np.ascontiguousarray(reader.forecast("price"))
        points: dict[str, list[Array]] = {}
        load = reader.forecast("load")
        demand = model.load_mw * load[:, 0] if load.size else reader.column("grid.total_load_MW")
        for name, plant in model.renewables.items():
            v = reader.device_column(name, "v_pu")
            share = np.clip((1.055 - v) / 0.01, 0.0, 1.0)
            demand = demand - share * reader.device_column(name, "available_p_MW")
            q = self._support(name, -plant.q_max_MVAr, plant.q_max_MVAr)
            points[name] = [share, _normalize(q, -plant.q_max_MVAr, plant.q_max_MVAr)]
        for name, battery in model.batteries.items():
            p = self._battery_power(name, battery, demand)
            q = self._support(name, battery.q_min_MVAr or 0.0, battery.q_max_MVAr)
            assert battery.p_min_MW is not None
            points[name] = [
                _normalize(p, battery.p_min_MW, battery.p_max_MW),
                _normalize(q, battery.q_min_MVAr or 0.0, battery.q_max_MVAr),
            ]
            demand = demand - p
        for name in self._order:
            unit = model.generators[name]
            is_on, p = self._unit_power(name, unit, demand)
            q = self._support(name, unit.q_min_MVAr, unit.q_max_MVAr)
            points[name] = [
                _normalize(p, unit.p_min_MW, unit.p_max_MW),
                _normalize(q, unit.q_min_MVAr, unit.q_max_MVAr),
                is_on.astype(np.float64),
            ]
            demand = demand - np.where(is_on, p, 0.0)
        for name in model.tap_changers:
            voltages = [reader.device_column(d, "v_pu") for d in supplied_devices(model)]
            is_high = np.max(voltages, axis=0) > V_HIGH_PU
            v_min = reader.column("grid.v_min")
            is_low = (v_min > 0.0) & (v_min < V_LOW_PU)
            points[name] = [is_low.astype(np.float64) - is_high + 1.0]
        return self._written(points, n)

    def _written(self, points: Mapping[str, list[Array]], n: int) -> Array:
        """Return set-points, in the units of the devices' actions, as flat actions."""
        columns = []
        for device_id, device in self._agent.devices.items():
            idle = device.idle_action()
            if isinstance(device, Generator | ESS | RenewableGenerator | Transformer):
                columns += points[device_id][: len(idle)]
            else:
                columns += [np.full(n, value) for value in idle]
        in_units = np.stack(columns, axis=1) if columns else np.zeros((n, 0))
        return self._agent.action_layout.from_device_units(in_units)

    def _support(self, name: str, q_min_mvar: float, q_max_mvar: float) -> Array:
        """Return reactive injections [Mvar] of `voltage.voltage_support`."""
        wanted = _reactive_power(self._reader.device_column(name, "v_pu"), q_min_mvar, q_max_mvar)
        share = response(self._dt)
        if share == 1.0:
            return wanted
        present = self._reader.device_column(name, "q_MVAr")
        moved: Array = present + share * (wanted - present)
        return moved

    def _battery_power(self, name: str, battery: StorageConfig, demand: Array) -> Array:
        price, rules, dt = self._price, self._rules, self._dt
        low, high = np.quantile(price, (rules.cheap, rules.dear), axis=1)
        efficiency = battery.ch_eff * battery.dsc_eff
        wear = battery.degradation_cost * (1.0 + efficiency)
        p_min = float(battery.p_min_MW or 0.0)
        soc, capacity = self._reader.device_column(name, "soc"), battery.e_capacity_MWh
        can_take = np.maximum(battery.soc_max - soc, 0.0) * capacity / (battery.ch_eff * dt)
        can_give = np.maximum(soc - battery.soc_min, 0.0) * capacity * battery.dsc_eff / dt
        most = np.minimum(-p_min, can_take)
        is_cheap = (price[:, 0] <= low) & (low + wear < efficiency * high)
        is_dear = (price[:, 0] >= high) & (high > low)
        room = np.maximum(self._connection_room() - demand, 0.0)
        surplus = np.maximum(-demand, 0.0)
        charging = -np.minimum(most, np.where(is_cheap, room, surplus))
        giving = np.minimum(battery.p_max_MW, can_give)
        power: Array = np.where(is_dear & ~is_cheap, giving, charging)
        return power

    def _connection_room(self) -> Array | float:
        model = self._model
        if model.s_rated_mva is None or model.meter is None:
            return np.inf
        rating = LOADING_SHARE * model.s_rated_mva
        room: Array = np.sqrt(
            np.maximum(rating**2 - self._reader.device_column(model.meter, "q_MVAr") ** 2, 0.0)
        )
        return room

    def _unit_power(self, name: str, unit: GeneratorConfig, demand: Array) -> tuple[Mask, Array]:
        dt, powers = self._reader.forecast_dt_h, self._power[name]
        is_running = self._reader.device_column(name, "status") > 0.5
        delay = int(np.ceil(unit.startup_time_hr / dt - 1e-9))
        n_look = self._rules.n_look(dt)
        price = self._price[:, : delay + n_look]
        savings = self._savings(name, demand, price)
        p = powers[np.argmax(savings[:, 0], axis=1)]
        if not unit.commitment:
            return np.ones(len(p), np.bool_), p
        best = savings.max(axis=2) * dt
        keeps = best[:, :n_look].sum(axis=1) > 0.0
        coming = best[:, delay:]
        starts = np.zeros(len(p), np.bool_)
        if coming.shape[1]:
            starts = (coming[:, 0] > 0.0) & (coming.sum(axis=1) > unit.startup_cost)
        return np.where(is_running, keeps, starts), p

    def _savings(self, name: str, demand: Array, price: Array) -> Array:
        """Return what a power saves at a price [$/h], (n, n_price, n_power)."""
        connection = self._model.connection
        at_price = (connection.price_scale * price)[:, :, np.newaxis]

        def exchange(p_mw: Array) -> Array:
            paid = np.where(p_mw >= 0.0, p_mw, connection.sell_ratio * p_mw)
            return paid[:, np.newaxis, :] * at_price

        without = demand[:, np.newaxis]
        with_unit = exchange(without - self._power[name]) + self._fuel[name]
        savings: Array = exchange(without) - with_unit
        return savings


def _normalize(value: Array, low: float, high: float) -> Array:
    """Map values in [low, high] to [-1, 1], as `set_point.normalize` does."""
    if high == low:
        return np.zeros_like(value)
    clipped: Array = np.clip(2.0 * (value - low) / (high - low) - 1.0, -1.0, 1.0)
    return clipped


def _reactive_power(v_pu: Array, q_min_mvar: float, q_max_mvar: float) -> Array:
    """Return the reactive injection [Mvar] of `voltage.reactive_power`."""
    low = q_max_mvar * np.minimum((V_LOW_PU - v_pu) / V_SPAN_PU, 1.0)
    high = q_min_mvar * np.minimum((v_pu - V_HIGH_PU) / V_SPAN_PU, 1.0)
    q: Array = np.where(v_pu < V_LOW_PU, low, np.where(v_pu > V_HIGH_PU, high, 0.0))
    return np.where(v_pu > 0.0, q, 0.0)
