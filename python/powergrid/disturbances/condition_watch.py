"""Watching conditions in all lanes: cool-downs, and whom they have woken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, nearest
from powergrid.disturbances.conditions import Condition, GridView

__all__ = ["ConditionWatch"]


class ConditionWatch:
    """The conditions of an environment, lane by lane.

    Parameters
    ----------
    conditions : sequence of Condition
    agents : sequence of str
        In the environment's order.
    slot : callable
        Row of a feature in `features`, by name.
    features : ndarray, (n_slot, n_lane)
        The feature table, which changes in place.
    status : ndarray of int8, (n_lane,)
        Of the power flow; 0 where it has a solution.
    step_s : float
        Length of an interval [s].

    Attributes
    ----------
    woken : ndarray of bool, (n_condition, n_agent, n_lane)
        Whom each condition has woken at the end of the last interval.
    time_s : ndarray, (n_lane,)
        End of the last interval, since the start of the episode [s].

    Raises
    ------
    ConfigError
        If a condition names an agent that there is not, or two have one name.
    """

    def __init__(
        self,
        conditions: Sequence[Condition],
        agents: Sequence[str],
        slot: Callable[[str], int],
        features: NDArray[np.float64],
        status: NDArray[np.int8],
        step_s: float,
    ) -> None:
        self.conditions, self._agents, self._slot = list(conditions), list(agents), slot
        self._features, self._status, self._step_s = features, status, step_s
        names = [condition.name for condition in conditions]
        for number, name in enumerate(names):
            if names.index(name) < number:
                raise ConfigError(f"conditions.{number}: another one is called {name!r} too")
        n_lane = len(status)
        self.woken = np.zeros((len(names), len(agents), n_lane), np.bool_)
        # No sooner than then an agent may be woken again [s].
        self._ready_s = np.zeros(self.woken.shape)
        self.time_s = np.zeros(n_lane)
        self._is_meant = np.ones((len(names), len(agents), 1), np.bool_)
        for number, condition in enumerate(conditions):
            if condition.agents is None:
                continue
            self._is_meant[number] = False
            for name in condition.agents:
                if name not in self._agents:
                    raise ConfigError(f"conditions.{number}: {nearest(name, agents, kind='agent')}")
                self._is_meant[number, self._agents.index(name)] = True

    def reset(self, first: int, last: int) -> None:
        """Begin an episode."""
        self.woken[..., first:last] = False
        self._ready_s[..., first:last] = 0.0
        self.time_s[first:last] = 0.0

    def check(self, first: int, last: int) -> None:
        """Find who is to be woken at the end of the interval that was lived through."""
        lanes = slice(first, last)
        self.time_s[lanes] += self._step_s
        now_s, is_solved = self.time_s[lanes], self._status[lanes] == 0
        view = GridView(self._agents, self._slot, self._features[:, lanes])
        shape = (len(self._agents), last - first)
        for number, condition in enumerate(self.conditions):
            is_met = np.asarray(condition.is_met(view))
            if is_met.shape != shape or is_met.dtype != np.bool_:
                raise ConfigError(
                    f"condition {condition.name!r}: is_met gives {is_met.dtype} of shape "
                    f"{is_met.shape}, expected bool, {shape}: agents, lanes"
                )
            ready_s = self._ready_s[number, :, lanes]
            wakes = is_met & self._is_meant[number] & is_solved & (now_s >= ready_s)
            self.woken[number, :, lanes] = wakes
            again_s = np.inf if condition.one_shot else now_s + condition.cool_down_s
            self._ready_s[number, :, lanes] = np.where(wakes, again_s, ready_s)

    def wake_ups(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Return who is to be woken: lane, number of the agent, and when [s], sorted.

        Each agent of a lane at most once, however many conditions are met.
        """
        lane, agent = np.nonzero(self.woken.any(axis=0).T)
        return lane.astype(np.int32), agent.astype(np.int32), self.time_s[lane]

    def arrays(self) -> list[NDArray[Any]]:
        """Return what outlives a step, lanes on the last axis."""
        return [self.woken, self._ready_s, self.time_s]
