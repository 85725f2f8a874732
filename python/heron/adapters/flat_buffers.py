"""A vector environment that writes into flat buffers of its caller's, as PufferLib wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from heron.adapters.spaces import agent_box, box_of_agents
from heron.envs.vector import VectorMultiAgentEnv
from heron.errors import ConfigError, HeronError

__all__ = ["FlatBufferEnv"]

Bools = NDArray[np.bool_]
Infos = list[dict[str, float]]
Answer = tuple[NDArray[np.float32], NDArray[np.float32], Bools, Bools, Infos]


class FlatBufferEnv:
    """Agents of all lanes as rows of six flat buffers, which stay where they are.

    The contract:

    - Row ``lane * n_agent + agent``; there are ``num_agents = num_envs * n_agent`` of them. To a
      learner every row is an agent of its own; all have the same spaces.
    - The six arrays are the caller's, or made here. They are C-contiguous and never replaced: a
      view of one stays good. `reset` and `step` write all but ``actions``; `step` copies what it is
      given into ``actions``, which may be that very array, and writes nothing else there.
    - Only calls change the buffers, so what one call wrote may be read until the next.
    - `step` returns the buffers and a list of infos: empty, or one dict with means over the
      episodes that ended: ``episode_return`` (of all agents together), ``episode_length``,
      ``n_episode``.
    - With "SameStep", the mode to train with, a row that is over has the next episode's first
      observation, and its last reward. With "NextStep" the step that only starts a lane is a
      transition of nothing: ``masks`` is False in its rows, and True in all others at all times.
      Both flags of a row are those of its lane.
    - `send` does what `step` does, and `recv` returns what came of it, with the numbers of the rows
      and the masks; ``reset(seed)`` and ``async_reset(seed)`` pair in the same way.

    PufferLib itself is not needed. Where it is installed, its trainers ask for an instance of its
    own class, which has no part in what happens::

        class PufferGrid(FlatBufferEnv, pufferlib.PufferEnv):
            def __init__(self, num_envs=64, buf=None, seed=0, **kwargs):
                super().__init__(heron.make_vec(
                    "MultiAgentMicrogrids-v0", num_envs, autoreset_mode="SameStep", **kwargs
                ), buf)

        vecenv = pufferlib.vector.make(PufferGrid)

    Parameters
    ----------
    env : VectorMultiAgentEnv
        Such as `heron.make_vec` returns. Its lanes start anew by themselves.
    buf : mapping, optional
        The buffers by name; made here if not given.

    Attributes
    ----------
    observations : ndarray of float32, (n_row, n_obs)
    rewards : ndarray of float32, (n_row,)
    terminals, truncations, masks : ndarray of bool, (n_row,)
    actions : ndarray of float32, (n_row, n_entry)
    single_observation_space, single_action_space : Box
        Of a row.
    observation_space, action_space : Box
        Of all rows.
    num_agents, agents_per_batch : int
        Number of rows.
    num_envs : int
        Number of lanes.
    agent_ids : ndarray, (n_row,)
        Numbers of the rows.

    Raises
    ------
    ConfigError
        If a buffer is missing or of another kind, or the autoreset mode is "Disabled".

    Examples
    --------
    >>> import heron
    >>> lanes = heron.make_vec("MultiAgentMicrogrids-v0", 4, autoreset_mode="SameStep")
    >>> env = FlatBufferEnv(lanes)
    >>> observations, infos = env.reset(seed=0)
    >>> observations is env.observations, env.rewards.shape
    (True, (12,))
    """

    emulated = False  # what PufferLib asks of an environment: it has buffers of its own,
    done = False  # and starts episodes by itself

    def __init__(
        self, env: VectorMultiAgentEnv, buf: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        if env.autoreset_mode is AutoresetMode.DISABLED:
            raise ConfigError(
                "lanes have to start anew by themselves: make the environment with "
                "autoreset_mode 'SameStep' or 'NextStep'"
            )
        self.env = env
        seen, done = (
            agent_box(box_of_agents(getattr(env, name), name))
            for name in ("single_observation_space", "single_action_space")
        )
        self.num_envs, n_agent = env.num_envs, len(env.agents)
        n_row = self.num_envs * n_agent
        self.num_agents = self.agents_per_batch = n_row
        self.agent_ids = np.arange(n_row)
        self.single_observation_space, self.single_action_space = seen, done
        self.observation_space, self.action_space = _of_rows(seen, n_row), _of_rows(done, n_row)
        shapes = {
            "observations": ((n_row, *seen.shape), np.float32),
            "rewards": ((n_row,), np.float32),
            "terminals": ((n_row,), np.bool_),
            "truncations": ((n_row,), np.bool_),
            "masks": ((n_row,), np.bool_),
            "actions": ((n_row, *done.shape), np.float32),
        }
        if buf is None:
            buf = {name: np.zeros(shape, dtype) for name, (shape, dtype) in shapes.items()}
        for name, (shape, dtype) in shapes.items():
            _check_buffer(name, buf.get(name), shape, np.dtype(dtype))
        self.observations, self.rewards = buf["observations"], buf["rewards"]
        self.terminals, self.truncations = buf["terminals"], buf["truncations"]
        self.masks, self.actions = buf["masks"], buf["actions"]
        # The same memory by lane and agent.
        self._by_lane = {name: buf[name].reshape(self.num_envs, n_agent, -1) for name in shapes}
        self._was_over = np.zeros(self.num_envs, np.bool_)
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs)
        self._has_reset = False
        self.infos: Infos = []

    def reset(self, seed: int | None = None) -> tuple[NDArray[np.float32], Infos]:
        """Begin an episode in all lanes; lane i gets ``seed + i``."""
        observations, _ = self.env.reset(seed=seed)
        np.copyto(self._by_lane["observations"], observations)
        self.rewards[:] = 0.0
        self.terminals[:] = self.truncations[:] = False
        self.masks[:] = True
        self._was_over[:] = False
        self._returns[:] = self._lengths[:] = 0.0
        self._has_reset = True
        self.infos = []
        return self.observations, self.infos

    def step(self, actions: NDArray[np.float32]) -> Answer:
        """Live through one interval in every row.

        Parameters
        ----------
        actions : ndarray, (n_row, n_entry)
            May be the buffer itself, filled before.

        Raises
        ------
        HeronError
            Before the first `reset`.
        """
        if not self._has_reset:
            raise HeronError("step() before reset(): call reset() first")
        if actions is not self.actions:
            if np.shape(actions) != self.actions.shape:
                raise ConfigError(
                    f"actions have shape {np.shape(actions)}, expected {self.actions.shape}"
                )
            self.actions[:] = actions
        by_lane = self._by_lane
        observations, rewards, terminations, truncations, _ = self.env.step(by_lane["actions"])
        np.copyto(by_lane["observations"], observations)
        by_lane["rewards"][..., 0] = rewards
        by_lane["terminals"][...] = terminations[:, np.newaxis, np.newaxis]
        by_lane["truncations"][...] = truncations[:, np.newaxis, np.newaxis]
        starts = self._was_over if self.env.autoreset_mode is AutoresetMode.NEXT_STEP else None
        if starts is not None:
            by_lane["masks"][...] = ~starts[:, np.newaxis, np.newaxis]
        self._returns += rewards.sum(axis=1)
        self._lengths += 1.0 if starts is None else ~starts
        self._was_over = over = terminations | truncations
        self.infos = self._end(over) if over.any() else []
        return self.observations, self.rewards, self.terminals, self.truncations, self.infos

    def async_reset(self, seed: int | None = None) -> None:
        """Begin an episode in all lanes; `recv` returns the observations."""
        self.reset(seed)

    def send(self, actions: NDArray[np.float32]) -> None:
        """Step; `recv` returns what came of it."""
        self.step(actions)

    def recv(
        self,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Bools, Bools, Infos, NDArray[Any], Bools]:
        """Return the buffers, infos, and the numbers and masks of the rows."""
        if not self._has_reset:
            raise HeronError("recv() before a reset: call async_reset() or reset() first")
        return (
            self.observations, self.rewards, self.terminals, self.truncations, self.infos,
            self.agent_ids, self.masks,
        )  # fmt: skip

    @property
    def driver_env(self) -> FlatBufferEnv:
        """The environment that has the spaces: this one."""
        return self

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _end(self, over: Bools) -> Infos:
        """Return the means of the episodes that ended, and forget them."""
        ended = {
            "episode_return": float(self._returns[over].mean()),
            "episode_length": float(self._lengths[over].mean()),
            "n_episode": int(over.sum()),
        }
        self._returns[over] = self._lengths[over] = 0.0
        return [ended]


def _of_rows(box: Box, n_row: int) -> Box:
    return Box(np.tile(box.low, (n_row, 1)), np.tile(box.high, (n_row, 1)), dtype=np.float32)


def _check_buffer(name: str, buffer: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    wanted = f"a C-contiguous, writeable {dtype} of shape {shape}"
    if not isinstance(buffer, np.ndarray):
        raise ConfigError(f"buffer '{name}' is {type(buffer).__name__}, expected {wanted}")
    flags = buffer.flags
    is_usable = flags.c_contiguous and flags.writeable
    if buffer.shape != shape or buffer.dtype != dtype or not is_usable:
        how = "" if flags.c_contiguous else "non-contiguous "
        how += "" if flags.writeable else "read-only "
        raise ConfigError(
            f"buffer '{name}' is {how}{buffer.dtype} of shape {buffer.shape}, expected {wanted}"
        )
