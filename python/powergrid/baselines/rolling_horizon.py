"""The causal benchmark: plan a day ahead on the forecasts, do the first step, plan again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
from powergrid.optimization.dispatch import Horizon, Schedule, cheapest_schedule
from powergrid.optimization.grid_model import GridModel

__all__ = ["RollingHorizonPolicy"]

LOADING_SHARE = 0.95  # of the connection's rating that a plan may use


class RollingHorizonPolicy(Policy):
    """Solve a mixed-integer dispatch over the forecast at every step and apply its beginning.

    Every agent plans by itself, from its own observation, with the network left out; taps, reactive
    power and curtailment near the voltage limits follow the same rules as in `RuleBasedPolicy`.
    The plan never looks beyond the forecast, which for the first interval is the observed present.

    Parameters
    ----------
    knows_end : bool
        Whether plans stop at the episode's last step, so that batteries are emptied by then, as a
        policy trained on episodes of this length would learn too. Otherwise every plan spans the
        whole forecast.
    """

    name = "rolling-horizon"

    def __init__(self, *, knows_end: bool = True) -> None:
        self.knows_end = knows_end
        self._k = 0
        self._models: dict[str, GridModel] = {}
        self._readers: dict[str, ObservationReader] = {}

    def reset(self, env: NetworkedGridEnv, seed: int | None = None) -> None:
        """Learn the agents' devices and the names of what they observe.

        Raises
        ------
        ValueError
            If the observations contain no forecast.
        """
        if env.config.forecast_steps < 1:
            raise ValueError(
                "rolling-horizon planning needs forecasts in the observation: "
                "set forecast_steps (24 covers a day of hours)"
            )
        self._k = 0
        self._models = {name: GridModel.of(agent) for name, agent in env.agent_dict.items()}
        self._readers = {name: ObservationReader(env, name) for name in env.agent_dict}

    def act(self, env: NetworkedGridEnv, observations: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return every agent's action."""
        n_step = env.config.forecast_steps
        if self.knows_end:
            left = env.max_episode_steps - self._k
            n_step = min(n_step, -(-left // env.config.forecast_stride))
        actions = {}
        for agent, observation in observations.items():
            reader, model = self._readers[agent], self._models[agent]
            reader.read(observation)
            horizon = _horizon(model, reader, env.config.forecast_dt_h, n_step)
            plan = cheapest_schedule(model, horizon)
            points = _first_step(model, reader, horizon, plan, env.config.step_s / 3600.0)
            actions[agent] = write_action(env, agent, points)
        self._k += 1
        return actions


def _horizon(model: GridModel, reader: ObservationReader, dt: float, n_step: int) -> Horizon:
    """Put together what the agent observes of the coming steps."""
    available = {}
    for name, plant in model.renewables.items():
        available[name] = plant.p_rated_MW * reader.forecast(plant.source)[:n_step]
        available[name][0] = reader.device(name, "available_p_MW")
    limit = np.inf
    if model.s_rated_mva is not None and model.meter is not None:
        rating = LOADING_SHARE * model.s_rated_mva
        q = reader.device(model.meter, "q_MVAr")
        limit = float(np.sqrt(max(rating**2 - q**2, 0.0)))
    return Horizon(
        dt=dt,
        price=reader.forecast("price")[:n_step],
        demand_mw=model.load_mw * reader.forecast("load")[:n_step],
        available_mw=available,
        soc={name: reader.device(name, "soc") for name in model.batteries},
        is_on={name: reader.device(name, "status") > 0.5 for name in model.generators},
        import_limit_mw=limit,
    )


def _first_step(
    model: GridModel, reader: ObservationReader, horizon: Horizon, plan: Schedule, dt: float
) -> dict[str, SetPoint]:
    """Turn the beginning of a plan into set-points for the coming `dt` hours."""
    points = {}
    for name, battery in model.batteries.items():
        q = voltage_support(reader, name, battery.q_min_MVAr or 0.0, battery.q_max_MVAr, dt)
        points[name] = SetPoint(p_mw=float(plan.power_mw[name][0]), q_mvar=q)
    for name, unit in model.generators.items():
        # A unit is switched now if the plan has it switched as soon as that can be through.
        delay_h = unit.shutdown_time_hr if horizon.is_on[name] else unit.startup_time_hr
        k = min(int(np.ceil(delay_h / horizon.dt - 1e-9)), len(horizon.price) - 1)
        points[name] = SetPoint(
            p_mw=float(plan.power_mw[name][0]),
            q_mvar=voltage_support(reader, name, unit.q_min_MVAr, unit.q_max_MVAr, dt),
            is_on=bool(plan.is_on[name][k] > 0.5),
        )
    for name, plant in model.renewables.items():
        v, available = reader.device(name, "v_pu"), float(horizon.available_mw[name][0])
        planned = float(plan.power_mw[name][0]) / available if available > 1e-9 else 1.0
        points[name] = SetPoint(
            share=min(planned, curtailed_share(v)),
            q_mvar=voltage_support(reader, name, -plant.q_max_MVAr, plant.q_max_MVAr, dt),
        )
    for name in model.tap_changers:
        points[name] = SetPoint(tap_move=tap_move(reader, supplied_devices(model)))
    return points
