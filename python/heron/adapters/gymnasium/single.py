"""One environment, all its agents controlled by one learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from heron.envs.looped import stack_infos
from heron.errors import ConfigError, HeronError

__all__ = ["JointEnv"]


class JointEnv(gymnasium.Env[NDArray[np.float32], NDArray[np.float32]]):
    """A PettingZoo ParallelEnv as one Gymnasium environment.

    Observation and action are those of all agents, one after the other in the order of
    ``possible_agents``; the reward is the sum of theirs. Infos are the numbers that all agents have
    in theirs, (n_agent,).

    Parameters
    ----------
    parallel_env : ParallelEnv
        Its agents have Boxes of rank 1 and stay to the end of an episode.

    Raises
    ------
    ConfigError
        If it has other spaces.

    Examples
    --------
    >>> import heron
    >>> env = JointEnv(heron.make("MultiAgentMicrogrids-v0", env_config={"max_episode_steps": 2}))
    >>> observation, info = env.reset(seed=0)
    >>> observation.shape == env.observation_space.shape
    True
    """

    def __init__(self, parallel_env: Any) -> None:
        self.parallel_env = parallel_env
        self.agents = list(parallel_env.possible_agents)
        self.observation_space = _joined(self.agents, parallel_env.observation_space)
        self.action_space = joined = _joined(self.agents, parallel_env.action_space)
        sizes = [parallel_env.action_space(agent).shape[0] for agent in self.agents]
        self._cuts = np.cumsum(sizes)[:-1]
        self._action_shape = joined.shape
        # A copy, since Gymnasium's vectors write into it.
        self.metadata = dict(parallel_env.metadata)
        self.render_mode = getattr(parallel_env, "render_mode", None)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode; see the environment's own `reset`."""
        super().reset(seed=seed)
        observations, infos = self.parallel_env.reset(seed=seed, options=options)
        return self._join(observations), dict(stack_infos(infos, self.agents))

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Live through one step with the actions of all agents.

        Raises
        ------
        HeronError
            If no episode is running, or some agents leave before the others.
        """
        if list(self.parallel_env.agents) != self.agents:
            raise HeronError("step() without a running episode of all agents: call reset() first")
        if np.shape(action) != self._action_shape:
            raise ConfigError(f"action has shape {np.shape(action)}, expected {self._action_shape}")
        parts = np.split(np.asarray(action), self._cuts)
        observations, rewards, _, truncated, infos = self.parallel_env.step(
            dict(zip(self.agents, parts, strict=True))
        )
        is_over = not self.parallel_env.agents
        is_late = is_over and any(truncated.values())
        reward = np.sum([rewards[agent] for agent in self.agents])
        return (
            self._join(observations), float(reward), is_over and not is_late, is_late,
            dict(stack_infos(infos, self.agents)),
        )  # fmt: skip

    def render(self) -> Any:
        """Return or show what the environment draws."""
        return self.parallel_env.render()

    def close(self) -> None:
        """Close the environment."""
        self.parallel_env.close()

    def _join(self, observations: Mapping[str, Any]) -> NDArray[np.float32]:
        joined: NDArray[np.float32] = np.concatenate(
            [observations[agent] for agent in self.agents], dtype=np.float32
        )
        return joined


def _joined(agents: list[str], space_of: Any) -> Box:
    """Return the Box of all agents, one after the other."""
    spaces = [space_of(agent) for agent in agents]
    for agent, space in zip(agents, spaces, strict=True):
        if not isinstance(space, Box) or len(space.shape) != 1:
            raise ConfigError(f"the space of {agent} is {space}, expected a Box of rank 1")
    return Box(
        np.concatenate([s.low for s in spaces]),
        np.concatenate([s.high for s in spaces]),
        dtype=np.float32,
    )
