"""Policies for many lanes at once, in arrays ``[lane, agent, ...]``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heron.errors import ConfigError
from powergrid.envs.vector_grid_env import VectorGridEnv

__all__ = ["AgentwisePolicy", "BatchedIdlePolicy", "BatchedPolicy", "SchedulePolicy", "who_acts"]

Observations = NDArray[np.float32]
Actions = NDArray[np.float32]


def who_acts(observations: Observations, infos: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return which agents are to act, (n_lane, n_agent): all, unless lanes run by events."""
    acting: NDArray[np.bool_] | None = infos.get("acting")
    return np.ones(observations.shape[:2], np.bool_) if acting is None else acting


class BatchedPolicy(ABC):
    """Decide the actions of all agents in all lanes of a `VectorGridEnv`, event-driven or not.

    An agent whose observation delay reaches back before the episode sees nothing but zeros, and
    ``infos["age_s"]`` is infinite. What to do then is the policy's business, since one that was
    trained on such observations may have learned something: the rules do nothing.
    """

    name: str = "policy"

    def reset(self, envs: VectorGridEnv, seed: int | None = None) -> None:  # noqa: B027
        """Prepare for lanes whose episodes have just begun; `seed` starts draws of chance anew."""

    @abstractmethod
    def act(self, observations: Observations, infos: Mapping[str, Any]) -> Actions:
        """Return actions, (n_lane, n_agent, n_entry), finite; only acting agents' count.

        Parameters
        ----------
        observations : ndarray, (n_lane, n_agent, n_obs)
            As `reset` and `step` of the environment return them.
        infos : mapping
            The same; see `EventDrivenVectorEnv`. Who acts is what `who_acts` says.
        """


class BatchedIdlePolicy(BatchedPolicy):
    """Do nothing: storage rests, units stay off or at their minimum, taps stay."""

    name = "do-nothing"

    def reset(self, envs: VectorGridEnv, seed: int | None = None) -> None:
        """Learn what doing nothing is."""
        self._idle = envs.idle_actions()

    def act(self, observations: Observations, infos: Mapping[str, Any]) -> Actions:
        """Return the environment's idle actions."""
        return self._idle


class SchedulePolicy(BatchedPolicy):
    """Follow a timetable, whatever is observed; for lanes that run by events.

    Parameters
    ----------
    rows : array, (n_row, n_agent, n_entry)
        Actions by time since the start of the episode; after the last row comes the first.
    row_s : float
        How long a row lasts [s].
    """

    name = "schedule"

    def __init__(self, rows: ArrayLike, row_s: float) -> None:
        self.rows, self.row_s = np.asarray(rows, np.float32), row_s

    def act(self, observations: Observations, infos: Mapping[str, Any]) -> Actions:
        """Return the row of the time at which each agent acts.

        Raises
        ------
        ConfigError
            If the environment does not tell the time.
        """
        if "time_s" not in infos:
            raise ConfigError(
                "a schedule needs infos['time_s'], which EventDrivenVectorEnv tells: run the lanes "
                "by events, without delays if none are wanted"
            )
        row = np.floor(infos["time_s"] / self.row_s + 1e-9).astype(np.intp) % len(self.rows)
        actions: Actions = self.rows[row, np.arange(self.rows.shape[1])]
        return actions


class AgentwisePolicy(BatchedPolicy):
    """Let a function decide agent by agent.

    Parameters
    ----------
    decide : callable
        ``decide(agent, observation)``, (n_obs,), returns the flat action, (n_entry,), in [-1, 1].
    takes_rows : bool
        Whether it takes the observations of many lanes, (n, n_obs), and returns (n, n_entry): one
        call an agent then, as networks like it. ``TrainedPolicy.actions`` of the RLlib adapter is
        such a function.
    name : str
        What tables call it.
    """

    def __init__(
        self,
        decide: Callable[[str, Observations], ArrayLike],
        *,
        takes_rows: bool = False,
        name: str = "agent-wise",
    ) -> None:
        self.decide, self.takes_rows, self.name = decide, takes_rows, name

    def reset(self, envs: VectorGridEnv, seed: int | None = None) -> None:
        """Learn who the agents are."""
        self._agents = envs.agents
        self._idle = envs.idle_actions()

    def act(self, observations: Observations, infos: Mapping[str, Any]) -> Actions:
        """Ask the function for those who act; the others' actions are idle."""
        acting, actions = who_acts(observations, infos), self._idle.copy()
        for k, agent in enumerate(self._agents):
            lanes = np.flatnonzero(acting[:, k])
            rows = observations[lanes, k]
            if self.takes_rows and len(lanes):
                actions[lanes, k] = self.decide(agent, rows)
            elif not self.takes_rows:
                for lane, row in zip(lanes, rows, strict=True):
                    actions[lane, k] = self.decide(agent, row)
        return actions
