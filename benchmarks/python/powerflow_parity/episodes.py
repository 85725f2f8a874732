"""Whole episodes of the shipped setups, on the native power flow and on pandapower's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

__all__ = ["Episode", "episodes"]

WITHIN = 1e-7
Env = Any


@dataclass(frozen=True)
class Episode:
    """The largest differences of one episode, (|a - b|) / (1 + |b|) being both kinds in one."""

    setup: str
    actions: str
    day: int
    n_step: int
    n_converged: int
    n_tap_move: int
    table: float  # of all features after every step
    rewards: float
    are_taps_equal: bool

    @property
    def holds(self) -> bool:
        """Whether it is within what is required."""
        return self.table <= WITHIN and self.rewards <= WITHIN and self.are_taps_equal


def idle(env: Env, rng: np.random.Generator) -> dict[str, Any]:
    """Do nothing."""
    return {agent: env.idle_action(agent) for agent in env.agents}


def uniform(env: Env, rng: np.random.Generator) -> dict[str, Any]:
    """Draw every action from its range."""
    return {agent: rng.uniform(-1.0, 1.0, env.action_space(agent).shape) for agent in env.agents}


def extreme(env: Env, rng: np.random.Generator) -> dict[str, Any]:
    """Take one end of every range, so that taps run and batteries go from full to empty."""
    return {agent: rng.choice([-1.0, 1.0], env.action_space(agent).shape) for agent in env.agents}


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    f.__name__: f for f in (idle, uniform, extreme)
}


def episodes(
    setups: Sequence[str] = ("ieee34_ieee13", "ieee123_ieee13"),
    days: Sequence[int] = (12, 100, 200, 355),
    actions: Sequence[str] = tuple(ACTIONS),
) -> Iterator[Episode]:
    """Play days of setups with several kinds of action on both power flows."""
    for setup in setups:
        config = {**load_setup(setup), "train": False, "on_convergence_failure": "continue"}
        envs = tuple(
            MultiAgentMicrogrids({**config, "power_flow": name})
            for name in ("native", "pandapower")
        )
        for day in days:
            for name in actions:
                yield _play(setup, envs, name, day)


def _play(setup: str, envs: tuple[Env, Env], actions: str, day: int) -> Episode:
    native, reference = envs
    for env in envs:
        env.reset(seed=day, options={"day": day})
    rng = np.random.default_rng(day)
    table = _difference(native.table.values, reference.table.values)
    rewards, n_step, n_converged, n_tap_move, are_equal = 0.0, 0, 0, 0, True
    while native.agents:
        before = native.power_flow.tap_pos.copy()
        chosen = ACTIONS[actions](native, rng)
        ours, theirs = (env.step(chosen) for env in envs)
        table = max(table, _difference(native.table.values, reference.table.values))
        for agent, reward in theirs[1].items():
            rewards = max(rewards, _difference(ours[1][agent], reward))
        taps = native.power_flow.tap_pos
        are_equal &= np.array_equal(taps, reference.power_flow.tap_pos, equal_nan=True)
        n_tap_move += int(np.nansum(taps != before) - np.isnan(before).sum())
        n_step += 1
        n_converged += all(info["converged"] for info in ours[4].values())
    return Episode(setup, actions, day, n_step, n_converged, n_tap_move, table, rewards, are_equal)


def _difference(a: Any, b: Any) -> float:
    """Return the largest difference: at most x where all are within x, absolute and relative."""
    return float(np.max(np.abs(np.subtract(a, b)) / (1.0 + np.abs(b))))
