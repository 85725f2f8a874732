"""What every baseline is, and how one is played through an episode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergrid.baselines.by_agent import decide_by
from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["EpisodeRecord", "IdlePolicy", "Policy", "RandomPolicy", "rollout"]

SAFETY_TOLERANCE = 1e-9  # a smaller sum of violations is rounding, not a broken limit


class Policy(ABC):
    """Decide the actions of all agents of an environment from their observations.

    A policy may know what does not change (the agents' devices, their ratings and cost curves, the
    names of the observation's entries); what changes it knows from the observations alone.
    """

    name: str = "policy"

    def reset(self, env: NetworkedGridEnv, seed: int | None = None) -> None:  # noqa: B027
        """Prepare for an episode that has just begun; `seed` starts the draws of chance anew."""

    @abstractmethod
    def act(self, env: NetworkedGridEnv, observations: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return an action for each agent that has an observation."""


class IdlePolicy(Policy):
    """Do nothing: storage rests, units stay off or at their minimum, taps stay."""

    name = "do-nothing"

    def act(self, env: NetworkedGridEnv, observations: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return the environment's idle actions."""
        return {agent: env.idle_action(agent) for agent in observations}


class RandomPolicy(Policy):
    """Draw every action uniformly from the agent's action space.

    Parameters
    ----------
    seed : int
        Start of the draws where `reset` gives none; the draws then go on over episodes.
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def reset(self, env: NetworkedGridEnv, seed: int | None = None) -> None:
        """Start the draws anew if a seed is given."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)

    def act(self, env: NetworkedGridEnv, observations: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return one draw for each agent, in the order of `observations`."""
        return {agent: self._draw(env, agent) for agent in observations}

    def _draw(self, env: NetworkedGridEnv, agent: str) -> Any:
        layout = env.agent_dict[agent].action_layout
        flat = self._rng.uniform(-1.0, 1.0, layout.size).astype(np.float32)
        return flat if env.config.action_mode == "flat" else layout.unflatten(flat)


@dataclass(frozen=True)
class EpisodeRecord:
    """What one episode came to, over all agents and steps.

    Attributes
    ----------
    policy : str
        Name of the policy.
    day : int or None
        Day of the split on which the episode began, None where the environment drew it.
    n_step : int
        Steps lived through.
    episode_return : float
        Rewards summed over agents and steps. Sharing rewards does not change the sum.
    cost : float
        Operating cost [$].
    agent_cost : dict[str, float]
        The same by agent.
    energy_bought_mwh, energy_sold_mwh : float
        Through the agents' meters [MWh].
    safety : float
        Violations, summed.
    n_violated_step : int
        Steps in which some agent's limit was broken.
    has_converged : bool
        Whether every power flow converged.
    v_min_pu, v_max_pu : float
        Extremes of the bus voltages of the whole network [p.u.].
    """

    policy: str
    day: int | None
    n_step: int
    episode_return: float
    cost: float
    agent_cost: dict[str, float]
    energy_bought_mwh: float
    energy_sold_mwh: float
    safety: float
    n_violated_step: int
    has_converged: bool
    v_min_pu: float
    v_max_pu: float

    @property
    def violated_share(self) -> float:
        """Share of the steps in which a limit was broken, 0..1."""
        return self.n_violated_step / max(self.n_step, 1)


def rollout(
    env: NetworkedGridEnv,
    policy: Policy,
    *,
    seed: int | None = None,
    day: int | None = None,
    by_events: bool = False,
) -> EpisodeRecord:
    """Play one episode to its end.

    Parameters
    ----------
    env : NetworkedGridEnv
        Is reset first.
    policy : Policy
        Is reset too, with `seed`.
    seed : int, optional
        Seed of the environment and of the policy.
    day : int, optional
        Day of the split on which the episode begins; drawn by the environment if not given.
    by_events : bool
        Let agents tick by the environment's ``timing`` instead of stepping them together. They
        decide by `policy` for this episode.

    Examples
    --------
    >>> from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
    >>> env = MultiAgentMicrogrids({"max_episode_steps": 2})
    >>> rollout(env, IdlePolicy(), seed=0, day=3).n_violated_step
    0
    """
    observations, _ = env.reset(seed=seed, options={} if day is None else {"day": day})
    if by_events:
        intervals = _by_events(env, policy, seed)
    else:
        policy.reset(env, seed)
        intervals = _by_steps(env, policy, observations)
    names = list(env.possible_agents)
    total = bought = sold = safety = 0.0
    cost = dict.fromkeys(names, 0.0)
    n_step = n_violated = 0
    has_converged = True
    v_min, v_max = np.inf, 0.0
    for rewards, infos in intervals:
        n_step += 1
        total += sum(rewards.values())
        step_safety = sum(info["safety"] for info in infos.values())
        safety += step_safety
        n_violated += step_safety > SAFETY_TOLERANCE
        for name, info in infos.items():
            cost[name] += info["cost"]
            bought += info["energy_bought_mwh"]
            sold += info["energy_sold_mwh"]
            has_converged &= bool(info["converged"])
        supplied = env.power_flow.result.vm_pu
        supplied = supplied[supplied > 0.0]
        v_min = min(v_min, float(supplied.min(initial=np.inf)))
        v_max = max(v_max, float(supplied.max(initial=0.0)))
    return EpisodeRecord(
        policy=policy.name,
        day=day,
        n_step=n_step,
        episode_return=float(total),
        cost=float(sum(cost.values())),
        agent_cost=cost,
        energy_bought_mwh=float(bought),
        energy_sold_mwh=float(sold),
        safety=float(safety),
        n_violated_step=int(n_violated),
        has_converged=has_converged,
        v_min_pu=v_min,
        v_max_pu=v_max,
    )


Interval = tuple[dict[str, float], dict[str, dict[str, Any]]]


def _by_steps(
    env: NetworkedGridEnv, policy: Policy, observations: dict[str, np.ndarray]
) -> Iterator[Interval]:
    """Yield rewards and infos of each step."""
    while env.agents:
        observations, rewards, _, _, infos = env.step(policy.act(env, observations))
        yield rewards, infos


def _by_events(env: NetworkedGridEnv, policy: Policy, seed: int | None) -> Iterator[Interval]:
    """Yield rewards and infos of each interval, at its end."""
    before = {name: agent.policy for name, agent in env.agent_dict.items()}
    decide_by(env, policy, seed)
    try:
        scheduler = env.get_event_scheduler()
        while env.agents:
            n_lived = len(env.intervals)
            while len(env.intervals) == n_lived:
                scheduler.process_next()
            yield env.intervals[-1].rewards, env.intervals[-1].infos
    finally:
        for name, agent in env.agent_dict.items():
            agent.policy = before[name]
