"""An engine of many lanes from one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.agents.table import build_table
from powergrid.engine.engine import Engine

if TYPE_CHECKING:
    from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["make_lane_engine"]


def make_lane_engine(
    env: NetworkedGridEnv,
    n_lane: int,
    *,
    initial: NDArray[np.float64] | None = None,
    n_history: int = 0,
) -> Engine:
    """Return an engine that does in each of `n_lane` lanes what `env` does.

    Parameters
    ----------
    env : NetworkedGridEnv
        Serves as a description from now on: without `initial` its agents move into lane 0 of the
        engine, and it is not to be stepped any more.
    initial : ndarray, (n_slot,), optional
        Features at the start of an episode; the engine is then apart from the agents.
    n_history : int
        Snapshots of each lane that the table keeps, without `initial`.

    Raises
    ------
    ConfigError
        If the environment has something that cannot be batched.
    """
    name = type(env).__name__
    if env.config.backend == "reference":
        raise ConfigError(f"{name}: backend is reference, which steps single environments only")
    if not env.config.uniform_spaces and len(env.possible_agents) > 1:
        raise ConfigError(
            f"{name}: agents have spaces of their own; arrays over agents need uniform_spaces=True"
        )
    if not env.is_paid_by_rule:
        raise ConfigError(
            f"{name} overrides _reward_and_safety, which is asked one environment at a time; use "
            f"single environments, or put the cost into a device"
        )
    agents = list(env.agent_dict.values())
    table = env.table
    if initial is None:
        for agent in agents:
            agent.reset()
        table = build_table(agents, env.config.backend, n_lane, n_history)
    engine = Engine(
        agents, table, env.power_flow.flow.with_lanes(n_lane), env.distribution, env.source,
        env.layouts, env.rules, initial, env.schedule, env.config.conditions,
    )  # fmt: skip
    engine.network.tell_only_what_is_read()  # nobody else can
    return engine
