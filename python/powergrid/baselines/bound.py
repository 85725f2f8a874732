"""What no policy can beat: perfect foresight over a relaxed episode."""

from __future__ import annotations

from dataclasses import dataclass

from heron.errors import ConfigError
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.optimization.dispatch import Schedule, cheapest_schedule
from powergrid.optimization.foresight import perfect_horizon

__all__ = ["Bound", "perfect_foresight_bound", "present_episode_bound"]


@dataclass(frozen=True)
class Bound:
    """Least cost of an episode, and the return it allows.

    Attributes
    ----------
    agent_cost : dict[str, float]
        Least cost of each agent [$].
    energy_bought_mwh : float
        What the agents buy in the plan of least cost [MWh]; another policy may buy less.
    """

    agent_cost: dict[str, float]
    energy_bought_mwh: float

    @property
    def cost(self) -> float:
        """Least cost over all agents [$]."""
        return sum(self.agent_cost.values())

    @property
    def episode_return(self) -> float:
        """Largest sum of rewards over agents and steps: no penalty, least cost."""
        return -self.cost


def perfect_foresight_bound(
    env: NetworkedGridEnv, day: int | None = None, *, seed: int | None = None
) -> Bound:
    """Return a lower bound on the cost of every policy in one episode.

    Begins the episode (the environment is reset) and solves, for each agent, a linear program over
    the series that will come true: no losses, no penalties, fractional commitment, fuel counted on
    tangents below the true curves, batteries free to end empty, moves of taps for nothing. Each of
    these can only lower the cost. It bounds the return of episodes in which every power flow
    converges; one that fails is paid by `convergence_failure_reward` instead.

    Parameters
    ----------
    env : NetworkedGridEnv
        Rewards must be the environment's own: cost and penalty.
    day, seed : int, optional
        As for `NetworkedGridEnv.reset`.

    Raises
    ------
    ConfigError
        If a price is negative (losses would then earn money), an agent has a device of a kind
        whose costs are not known, or its meter reads more than its own grid.
    """
    env.reset(seed=seed, options={} if day is None else {"day": day})
    return present_episode_bound(env)


def present_episode_bound(env: NetworkedGridEnv) -> Bound:
    """Return the bound of the whole episode that the environment is in; see above."""
    plans = {name: _best_plan(env, agent) for name, agent in env.agent_dict.items()}
    hours = env.config.step_s / 3600.0
    return Bound(
        agent_cost={name: plan.cost for name, plan in plans.items()},
        energy_bought_mwh=sum(float(plan.bought_mw.sum()) for plan in plans.values()) * hours,
    )


def _best_plan(env: NetworkedGridEnv, agent: PowerGridAgent) -> Schedule:
    model, horizon = perfect_horizon(env, agent)
    if agent.meter is not None and agent.meter.is_source:
        n_other = len(env.power_flow.result.vm_pu) - len(agent.zone.bus_rows)
        if n_other:
            raise ConfigError(
                f"{agent.agent_id}: its meter reads the whole network, {n_other} buses of which "
                f"are not its own; a bound from its own devices alone says nothing"
            )
    price = horizon.price
    if (price < 0.0).any():
        raise ConfigError(
            f"{agent.agent_id}: the lowest price is {price.min():g} $/MWh; with a negative price "
            f"losses earn money, and a program without losses bounds nothing"
        )
    return cheapest_schedule(model, horizon, is_relaxed=True)
