"""Environments whose observations have the state of the whole environment behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from heron.envs.vector import VectorMultiAgentEnv
from heron.errors import ConfigError

__all__ = ["LanesWithState", "WithState", "n_own"]

RUNNING, FINAL = "episode_", "final_"  # infos of the episode so far, and of the one that ended


def n_own(env: Any) -> int:
    """Return how many entries of an agent's observation are its own, of equal ones.

    Raises
    ------
    ConfigError
        If agents do not observe one Box of rank 1.
    """
    spaces = [env.observation_space(agent) for agent in env.possible_agents]
    if any(
        not isinstance(s, Box) or len(s.shape) != 1 or s.shape != spaces[0].shape for s in spaces
    ):
        raise ConfigError(
            "a central critic needs agents that observe Boxes of rank 1 and equal size: set "
            "uniform_spaces in the environment's configuration"
        )
    return int(spaces[0].shape[0])


class WithState:
    """A PettingZoo `ParallelEnv` whose agents observe ``[own observation, state()]``.

    RLlib hands on what agents observe, from sampling to training, also the last observations of an
    episode. So the state goes where a critic needs it without a connector of its own, and
    `ActorCritic` gives its actor the own part only. Everything else is the environment's.

    Parameters
    ----------
    env : ParallelEnv
        With ``state()`` and ``state_space``, a Box of rank 1.

    Raises
    ------
    ConfigError
        If the environment has no state.
    """

    def __init__(self, env: Any) -> None:
        self._env = env
        self._state_box = _state_box(getattr(env, "state_space", None), env)
        n_own(env)

    def __getattr__(self, name: str) -> Any:
        if name == "_env":  # while it is being unpickled
            raise AttributeError(name)
        return getattr(self._env, name)

    def observation_space(self, agent: str) -> Box:
        """Return the agent's own Box and the state's, one after the other."""
        own, state = self._env.observation_space(agent), self._state_box
        low, high = np.append(own.low, state.low), np.append(own.high, state.high)
        return Box(low, high, dtype=np.float32)

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode."""
        observations, infos = self._env.reset(seed=seed, options=options)
        return self._with_state(observations), infos

    def step(self, actions: Mapping[str, Any]) -> tuple[Any, ...]:
        """Live through one step."""
        observations, *rest = self._env.step(actions)
        return self._with_state(observations), *rest

    def _with_state(self, observations: Mapping[str, Any]) -> dict[str, Any]:
        state = np.asarray(self._env.state(), np.float32)
        return {agent: np.concatenate([own, state]) for agent, own in observations.items()}


class LanesWithState:
    """A `VectorMultiAgentEnv` whose agents observe ``[own observation, state()]``.

    Parameters
    ----------
    make : callable
        Makes the vector, given ``autoreset_mode``. It has ``state()``, (n_state, num_envs), and
        ``single_state_space``.
    autoreset_mode : AutoresetMode or str
        With "SameStep" lanes are started anew from here, since the vector itself would lose the
        last state.

    Raises
    ------
    ConfigError
        If the vector has no state.
    """

    def __init__(
        self, make: Any, *, autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP
    ) -> None:
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self._is_same_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        inner = AutoresetMode.DISABLED if self._is_same_step else self.autoreset_mode
        self.vector: VectorMultiAgentEnv = make(autoreset_mode=inner)
        vector: Any = self.vector
        state = _state_box(getattr(vector, "single_state_space", None), vector)
        self.num_envs, self.agents = vector.num_envs, list(vector.agents)
        own = cast(Box, vector.single_observation_space)
        self._n_own = own.shape[1]
        n_agent = len(self.agents)
        self.single_observation_space = Box(
            np.hstack([own.low, np.tile(state.low, (n_agent, 1))]),
            np.hstack([own.high, np.tile(state.high, (n_agent, 1))]),
            dtype=np.float32,
        )
        self.single_action_space = vector.single_action_space
        self.action_mask = vector.action_mask
        self.metadata = {**vector.metadata, "autoreset_mode": self.autoreset_mode}
        shape = (self.num_envs, n_agent, self._n_own + state.shape[0])
        self._observations = np.zeros(shape, np.float32)
        self._final = np.zeros(shape, np.float32)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes, or in those of a mask; see `VectorMultiAgentEnv`."""
        observations, infos = self.vector.reset(seed=seed, options=options)
        return self._with_state(observations), infos

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Live through one interval in every lane; see `VectorMultiAgentEnv`."""
        observations, rewards, terminations, truncations, infos = self.vector.step(actions)
        seen = self._with_state(observations)
        over = terminations | truncations
        if not (self._is_same_step and over.any()):
            return seen, rewards, terminations, truncations, infos
        self._final[over] = seen[over]
        # Starting lanes may change what the vector's arrays hold.
        rewards, terminations, truncations = rewards.copy(), terminations.copy(), truncations.copy()
        lived = {name: np.array(values) for name, values in infos.items()}
        observations, _ = self.vector.reset(options={"reset_mask": over})
        told: dict[str, Any] = {"final_obs": self._final}
        for name, values in lived.items():
            if name.startswith(RUNNING):
                told[name], told[FINAL + name] = infos[name], values
            else:
                told[name] = values
        return self._with_state(observations), rewards, terminations, truncations, told

    def close(self) -> None:
        """Close the vector."""
        self.vector.close()

    def _with_state(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        vector: Any = self.vector
        self._observations[:, :, : self._n_own] = observations
        self._observations[:, :, self._n_own :] = vector.state().T[:, np.newaxis]
        return self._observations


def _state_box(space: Any, env: Any) -> Box:
    if not isinstance(space, Box) or len(space.shape) != 1 or not hasattr(env, "state"):
        raise ConfigError(
            f"a central critic needs the state of the environment, and {type(env).__name__} has "
            f"{'no state()' if not hasattr(env, 'state') else f'the state space {space}'}; "
            f"expected state() and a Box of rank 1"
        )
    return space
