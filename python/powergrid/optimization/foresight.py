"""What an agent would know of an episode that has begun, if it could foresee all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heron.errors import ConfigError
from powergrid.optimization.dispatch import Horizon
from powergrid.optimization.grid_model import GridModel

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["perfect_horizon"]


def perfect_horizon(env: NetworkedGridEnv, agent: PowerGridAgent) -> tuple[GridModel, Horizon]:
    """Return an agent's parameters and the whole episode as it will come true.

    Raises
    ------
    ConfigError
        If the environment has no episode, or the agent has a device whose costs are not known.
    """
    model = GridModel.of(agent)
    if model.others:
        raise ConfigError(
            f"{agent.agent_id}: no optimum is known for devices of other kinds: "
            f"{', '.join(model.others)}"
        )
    if agent.window is None:
        raise ConfigError("the environment has no episode: call reset() first")
    series = {kind: values[: env.max_episode_steps] for kind, values in agent.window.actual.items()}
    fixed = agent.config_model.grid_price
    price = np.full(env.max_episode_steps, fixed) if isinstance(fixed, float) else series["price"]
    return model, Horizon(
        dt=env.config.step_s / 3600.0,
        price=price,
        demand_mw=model.load_mw * series["load"],
        available_mw={
            name: np.clip(plant.p_rated_MW * series[plant.source], 0.0, plant.p_rated_MW)
            for name, plant in model.renewables.items()
        },
        soc={name: battery.init_soc for name, battery in model.batteries.items()},
        is_on={name: not unit.commitment for name, unit in model.generators.items()},
    )
