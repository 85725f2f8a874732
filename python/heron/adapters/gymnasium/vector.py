"""Vectors of multi-agent environments, as vectors of environments with one agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from heron.adapters.gymnasium.infos import infos_of_rows
from heron.adapters.spaces import agent_box, box_of_agents, joint_box
from heron.envs.vector import VectorMultiAgentEnv
from heron.errors import ConfigError

__all__ = ["AgentVectorEnv", "JointVectorEnv"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class _Rows(VectorEnv[Floats, Floats, NDArray[Any]]):
    """What both views share: rows of numbers, one or several a lane."""

    def __init__(
        self,
        env: VectorMultiAgentEnv,
        n_row_of_lane: int,
        box_of_row: Callable[[Box], Box],
        copy: bool,
    ) -> None:
        self.env = env
        self.num_envs = env.num_envs * n_row_of_lane
        self.metadata = dict(env.metadata)
        seen, done = (
            box_of_row(box_of_agents(getattr(env, name), name))
            for name in ("single_observation_space", "single_action_space")
        )
        self.single_observation_space, self.single_action_space = seen, done
        self.observation_space = batch_space(seen, self.num_envs)
        self.action_space = batch_space(done, self.num_envs)
        self._n_row_of_lane = n_row_of_lane
        self._is_copied = copy
        self._observation_shape = (self.num_envs, *seen.shape)
        self._action_shape = (self.num_envs, *done.shape)
        self._lane_action_shape = (env.num_envs, len(env.agents), -1)
        self._was_over = np.zeros(env.num_envs, np.bool_)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Floats, dict[str, Any]]:
        """Begin an episode in all rows, or in those of a mask.

        Parameters
        ----------
        seed : int or sequence, optional
            Lane i gets ``seed + i``; of a sequence, one for each row, its first row's.
        options : dict, optional
            ``reset_mask``: bool, (num_envs,). The rest goes to the environment as it is.
        """
        super().reset(seed=seed if isinstance(seed, int) else None)
        if not (seed is None or isinstance(seed, int | np.integer)):
            seed = self._of_lanes(np.array(seed, object), "seed").tolist()
        mask = np.ones(self.env.num_envs, np.bool_)
        if options is not None and "reset_mask" in options:
            mask = self._of_lanes(np.asarray(options["reset_mask"]), "reset_mask")
            options = {**options, "reset_mask": mask}
        observations, infos = self.env.reset(seed=seed, options=options)
        self._was_over[mask] = False
        return self._observations(observations), self._infos(infos, ~mask, np.zeros_like(mask))

    def step(
        self, actions: Floats
    ) -> tuple[Floats, NDArray[np.float64], Bools, Bools, dict[str, Any]]:
        """Live through one interval; the shapes are those of the spaces, rewards (num_envs,)."""
        if np.shape(actions) != self._action_shape:
            raise ConfigError(
                f"actions have shape {np.shape(actions)}, expected {self._action_shape}"
            )
        observations, rewards, terminations, truncations, infos = self.env.step(
            np.asarray(actions).reshape(self._lane_action_shape)
        )
        over = terminations | truncations
        mode = self.env.autoreset_mode
        nothing = np.zeros_like(over)
        told = self._infos(
            infos,
            self._was_over if mode is AutoresetMode.NEXT_STEP else nothing,
            over if mode is AutoresetMode.SAME_STEP else nothing,
        )
        self._was_over = over
        return (
            self._observations(observations), self._rewards(rewards), self._rows(terminations),
            self._rows(truncations), told,
        )  # fmt: skip

    def close_extras(self, **kwargs: Any) -> None:
        """Close the environment."""
        self.env.close()

    def _observations(self, observations: Floats) -> Floats:
        rows = observations.reshape(self._observation_shape)
        return rows.copy() if self._is_copied else rows

    def _rewards(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError

    def _infos(self, infos: dict[str, Any], untold: Bools, over: Bools) -> dict[str, Any]:
        return infos_of_rows(
            infos, self._rows(untold), self._rows(over), self._info_rows, self._is_copied
        )

    def _info_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        raise NotImplementedError

    def _rows(self, of_lanes: NDArray[Any]) -> NDArray[Any]:
        """Return, for each row, what its lane has; a new array."""
        return np.repeat(of_lanes, self._n_row_of_lane, axis=0)

    def _of_lanes(self, of_rows: NDArray[Any], name: str) -> NDArray[Any]:
        """Return, for each lane, what its rows have in common."""
        if of_rows.shape != (self.num_envs,):
            raise ConfigError(f"{name} has shape {of_rows.shape}, expected ({self.num_envs},)")
        by_lane = of_rows.reshape(self.env.num_envs, self._n_row_of_lane)
        if (by_lane != by_lane[:, :1]).any():
            raise ConfigError(
                f"{name} differs among rows of a lane: each {self._n_row_of_lane} rows in turn "
                f"are the agents of one environment"
            )
        return np.ascontiguousarray(by_lane[:, 0])


class JointVectorEnv(_Rows):
    """A row for each lane: one learner controls all agents.

    Observation and action are those of all agents, one after the other; the reward is the sum of
    theirs. Steps, resets and infos are those of Gymnasium's `SyncVectorEnv` over `JointEnv`.

    Parameters
    ----------
    env : VectorMultiAgentEnv
        Such as `heron.make_vec` returns. Its autoreset mode is this one's.
    copy : bool
        False returns the environment's own arrays where it can: the next step overwrites them.

    Attributes
    ----------
    env : VectorMultiAgentEnv
        The environment itself, for all it can do more.

    Examples
    --------
    >>> import heron
    >>> envs = JointVectorEnv(heron.make_vec("MultiAgentMicrogrids-v0", 4))
    >>> observations, infos = envs.reset(seed=0)
    >>> observations.shape == (4, *envs.single_observation_space.shape)
    True
    """

    def __init__(self, env: VectorMultiAgentEnv, *, copy: bool = True) -> None:
        super().__init__(env, 1, joint_box, copy)

    def _rewards(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = rewards.sum(axis=1)
        return total

    def _info_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        return values


class AgentVectorEnv(_Rows):
    """A row for each agent of each lane, for parameter sharing by learners that know one agent.

    Row ``lane * n_agent + agent``; a lane's rows start and end together. An observation should say
    whose it is, as with ``uniform_spaces`` it does.

    Parameters
    ----------
    env : VectorMultiAgentEnv
        Such as `heron.make_vec` returns. Its autoreset mode is this one's.
    copy : bool
        False returns the environment's own arrays where it can: the next step overwrites them.

    Attributes
    ----------
    env : VectorMultiAgentEnv
        The environment itself.
    num_envs : int
        Number of rows, `env.num_envs` times the agents.

    Examples
    --------
    >>> import heron
    >>> envs = AgentVectorEnv(heron.make_vec("MultiAgentMicrogrids-v0", 4))
    >>> envs.num_envs
    12
    """

    def __init__(self, env: VectorMultiAgentEnv, *, copy: bool = True) -> None:
        super().__init__(env, len(env.agents), agent_box, copy)

    def _rewards(self, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = rewards.reshape(self.num_envs)
        return rows.copy() if self._is_copied else rows

    def _info_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.shape[1:2] == (self._n_row_of_lane,):
            return values.reshape(self.num_envs, *values.shape[2:])
        return self._rows(values)
