"""Any PettingZoo environments as a vector, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from heron.errors import ConfigError, HeronError

if TYPE_CHECKING:
    from heron.envs.vector import VectorMultiAgentEnv

__all__ = ["LoopedVectorEnv", "stack_infos"]

ByAgent = Mapping[str, Any]


class LoopedVectorEnv:
    """PettingZoo ParallelEnvs behind the interface `VectorMultiAgentEnv`.

    It is as fast as the environments in it: for those that have no vector of their own, and to
    compare one with.

    Parameters
    ----------
    make : callable
        Returns a new ParallelEnv, whose agents have equal Boxes of rank 1.
    num_envs : int
        Number of lanes.
    autoreset_mode : AutoresetMode or str
        See `VectorMultiAgentEnv`.

    Raises
    ------
    ConfigError
        If there are no lanes, or agents have other spaces.

    Examples
    --------
    >>> from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
    >>> envs = LoopedVectorEnv(MultiAgentMicrogrids, 2)
    >>> observations, infos = envs.reset(seed=0)
    >>> observations.shape[:2]
    (2, 3)
    """

    def __init__(
        self,
        make: Callable[[], Any],
        num_envs: int,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        if num_envs < 1:
            raise ConfigError(f"num_envs is {num_envs}, expected at least 1")
        self.envs = [make() for _ in range(num_envs)]
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        first = self.envs[0]
        self.metadata = {**first.metadata, "autoreset_mode": self.autoreset_mode}
        self.agents = list(first.possible_agents)
        seen = _space_of_all(first, self.agents, "observation_space")
        done = _space_of_all(first, self.agents, "action_space")
        self.single_observation_space: Space[Any] = seen
        self.single_action_space: Space[Any] = done
        self.single_state_space: Space[Any] | None = getattr(first, "state_space", None)
        self.action_mask = np.ones(done.shape, np.bool_)
        self._action_shape = (num_envs, *done.shape)
        self._observations = np.zeros((num_envs, *seen.shape), np.float32)
        self._rewards = np.zeros((num_envs, len(self.agents)))
        self._terminations, self._truncations = (np.zeros(num_envs, np.bool_) for _ in range(2))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes, or in those of a mask; see `VectorMultiAgentEnv`."""
        own = dict(options or {})
        mask = np.asarray(own.pop("reset_mask", np.ones(self.num_envs, np.bool_)))
        if mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ConfigError(
                f"reset_mask is {mask.dtype} of shape {mask.shape}, expected bool, "
                f"({self.num_envs},)"
            )
        if seed is None or isinstance(seed, int | np.integer):
            seeds = [None if seed is None else int(seed) + k for k in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ConfigError(f"got {len(seeds)} seeds for {self.num_envs} lanes")
        for lane in np.flatnonzero(mask).tolist():
            self._start(lane, seeds[lane], own)
        self._terminations[mask] = self._truncations[mask] = False
        return self._observations, {}

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
        if np.shape(actions) != self._action_shape:
            raise ConfigError(
                f"actions have shape {np.shape(actions)}, expected {self._action_shape}"
            )
        was_over = self._terminations | self._truncations
        infos: dict[str, Any] = {}
        mode = self.autoreset_mode
        # A loop over lanes, because each is an environment of its own in Python.
        for lane, env in enumerate(self.envs):
            if mode is AutoresetMode.NEXT_STEP and was_over[lane]:
                self._start(lane, None, {})
                self._rewards[lane] = 0.0
                self._terminations[lane] = self._truncations[lane] = False
                continue
            if not env.agents:
                raise HeronError(f"lane {lane} has no running episode: call reset() first")
            observations, rewards, _, truncated, of_agents = env.step(
                dict(zip(self.agents, actions[lane], strict=True))
            )
            self._see(lane, observations)
            self._rewards[lane] = [rewards[agent] for agent in self.agents]
            is_over = _is_over(env, self.agents)
            self._truncations[lane] = is_over and any(truncated.values())
            self._terminations[lane] = is_over and not self._truncations[lane]
            for name, values in stack_infos(of_agents, self.agents).items():
                if name not in infos:
                    infos[name] = np.zeros((self.num_envs, *values.shape), values.dtype)
                infos[name][lane] = values
            if is_over and mode is AutoresetMode.SAME_STEP:
                if "final_obs" not in infos:
                    infos["final_obs"] = np.zeros_like(self._observations)
                infos["final_obs"][lane] = self._observations[lane]
                self._start(lane, None, {})
        return self._observations, self._rewards, self._terminations, self._truncations, infos

    def state(self) -> NDArray[Any]:
        """Return the state of each environment, (n_state, num_envs), of those that have one."""
        return np.stack([env.state() for env in self.envs], axis=1)

    def close(self) -> None:
        """Close the environments."""
        for env in self.envs:
            env.close()

    def _start(self, lane: int, seed: int | None, options: dict[str, Any]) -> None:
        observations, _ = self.envs[lane].reset(seed=seed, options=options)
        self._see(lane, observations)

    def _see(self, lane: int, observations: ByAgent) -> None:
        for number, agent in enumerate(self.agents):
            self._observations[lane, number] = observations[agent]


def stack_infos(infos: ByAgent, agents: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the numbers that the infos of all agents have, (n_agent,) each, by name."""
    if not infos:
        return {}
    shared = [
        name
        for name in infos[agents[0]]
        if all(isinstance(infos[a].get(name), Number | np.bool_) for a in agents)
    ]
    return {name: np.array([infos[agent][name] for agent in agents]) for name in shared}


def _is_over(env: Any, agents: Sequence[str]) -> bool:
    """Return whether an episode is over; it must be so for all agents at once."""
    if env.agents and list(env.agents) != list(agents):
        raise HeronError(
            f"only {list(env.agents)} of {list(agents)} go on: agents that leave before the others "
            f"have no place in an array"
        )
    return not env.agents


def _space_of_all(env: Any, agents: Sequence[str], name: str) -> Box:
    """Return the Boxes of all agents, one above the other."""
    each = [getattr(env, name)(agent) for agent in agents]
    for agent, space in zip(agents, each, strict=True):
        if not isinstance(space, Box) or len(space.shape) != 1 or space.shape != each[0].shape:
            raise ConfigError(
                f"{name} of {agent} is {space}, expected a Box of rank 1, equal for all agents "
                f"({agents[0]}: {each[0]})"
            )
    return Box(np.stack([s.low for s in each]), np.stack([s.high for s in each]), dtype=np.float32)


if TYPE_CHECKING:
    _: type[VectorMultiAgentEnv] = LoopedVectorEnv
