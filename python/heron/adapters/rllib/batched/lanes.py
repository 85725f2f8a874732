"""A vector of ours as the environment of RLlib's runner."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from ray.rllib.env.vector.vector_multi_agent_env import VectorMultiAgentEnv as RLlibVectorEnv

from heron.adapters.rllib.seeding import WorkerSeed
from heron.envs.vector import VectorMultiAgentEnv
from heron.errors import ConfigError

__all__ = ["Lanes"]


class Lanes(RLlibVectorEnv):
    """A `VectorMultiAgentEnv` with the attributes that RLlib's runner asks an environment for.

    Its `step` and `reset` take and give arrays; only `BatchedEnvRunner` calls them.

    Parameters
    ----------
    vector : VectorMultiAgentEnv
        By "NextStep" or "SameStep".
    worker_index : int
        Of the runner; see `WorkerSeed`.

    Attributes
    ----------
    vector : VectorMultiAgentEnv
        The environment itself.
    possible_agents : list[str]
        Names along the second axis of its arrays.
    is_same_step : bool
        Whether a lane that is over starts anew in the same step.
    joint_action_space : Box
        (n_agent, n_entry), of all agents.
    observation_spaces, action_spaces : dict
        By agent; RLlib knows them as ``single_observation_spaces`` and so on.

    Raises
    ------
    ConfigError
        If lanes that are over do not start anew.
    """

    def __init__(self, vector: VectorMultiAgentEnv, worker_index: int = 0) -> None:
        super().__init__()
        self.vector = vector
        mode = AutoresetMode(vector.autoreset_mode)
        if mode is AutoresetMode.DISABLED:
            raise ConfigError(
                "autoreset_mode is Disabled, expected NextStep or SameStep: who samples does not "
                "reset lanes one by one"
            )
        self.num_envs = vector.num_envs
        self.metadata = dict(vector.metadata)
        self.is_same_step = mode is AutoresetMode.SAME_STEP
        self.possible_agents = list(vector.agents)
        self.joint_action_space = cast(spaces.Box, vector.single_action_space)
        self.observation_spaces = self._by_agent(vector.single_observation_space)
        self.action_spaces = self._by_agent(self.joint_action_space)
        self.single_observation_spaces = self.observation_spaces
        self.single_action_spaces = self.action_spaces
        self.single_observation_space = spaces.Dict(self.observation_spaces)
        self.single_action_space = spaces.Dict(self.action_spaces)
        self._seed = WorkerSeed(worker_index)

    def reset(  # type: ignore[override]  # RLlib's are of dicts
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes; lane i gets ``seed + i`` as this worker's own."""
        seeds = None
        if self._seed(seed) is not None:
            assert seed is not None
            seeds = [self._seed.of_worker(seed + lane) for lane in range(self.num_envs)]
        return self.vector.reset(seed=seeds, options=options)

    def step(  # type: ignore[override]
        self, actions: NDArray[np.float32]
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Live through one interval in every lane; see `VectorMultiAgentEnv.step`."""
        return self.vector.step(actions)

    def close_extras(self, **kwargs: Any) -> None:
        """Close the environment."""
        self.vector.close()

    def _by_agent(self, space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
        box = cast(spaces.Box, space)
        return {
            agent: spaces.Box(box.low[k], box.high[k], dtype=np.float32)
            for k, agent in enumerate(self.possible_agents)
        }
