"""RLlib's episodes, made of arrays instead of step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any
from uuid import uuid4

import numpy as np
import tree
from gymnasium.spaces import Space
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.env.utils.infinite_lookback_buffer import InfiniteLookbackBuffer
from ray.rllib.utils.metrics import WEIGHTS_SEQ_NO

from heron.adapters.rllib.batched.infos import InfoBuffer
from heron.adapters.rllib.batched.module_pass import Key
from heron.adapters.rllib.batched.rollout import Chunk, Trajectories

__all__ = ["EpisodeMaker"]

ANY_SPACE = InfiniteLookbackBuffer()
NOT_EXTRA = (Columns.ACTIONS, Columns.ACTIONS_FOR_ENV)


class EpisodeMaker:
    """Make the episodes that RLlib's runner would have made, converted to NumPy.

    Parameters
    ----------
    observation_spaces, action_spaces : mapping
        By agent, in the order of the rows.
    horizon : int
        How many steps a part of an episode can look back (``episode_lookback_horizon``).
    """

    def __init__(
        self,
        observation_spaces: Mapping[str, Space[Any]],
        action_spaces: Mapping[str, Space[Any]],
        horizon: int,
    ) -> None:
        self.agents = list(observation_spaces)
        self.horizon = horizon
        # RLlib's hints say one space; its runner gives these.
        self._observation_spaces: Any = dict(observation_spaces)
        self._action_spaces: Any = dict(action_spaces)
        # RLlib's constructors look into the spaces every time, which would be most of the work.
        self._empty = {
            agent: SingleAgentEpisode(
                agent_id=agent,
                observation_space=observation_spaces[agent],
                action_space=action_spaces[agent],
            )
            for agent in self.agents
        }

    def begin(self, mapping: Callable[..., str]) -> MultiAgentEpisode:
        """Return a new episode without data that knows its agents' modules.

        Parameters
        ----------
        mapping : callable
            ``policy_mapping_fn``.
        """
        episode = MultiAgentEpisode(
            observation_space=self._observation_spaces,
            action_space=self._action_spaces,
            agent_to_module_mapping_fn=mapping,
        )
        for agent in self.agents:
            episode.module_for(agent)
        return episode

    def succeed(self, chunk: Chunk) -> Chunk:
        """Return the part in which the episode of a filled one goes on."""
        before = chunk.episode
        age = chunk.age + chunk.end - chunk.begin
        episode = MultiAgentEpisode(
            before.id_,
            observation_space=self._observation_spaces,
            action_space=self._action_spaces,
            env_t_started=age,
            agent_t_started=dict.fromkeys(self.agents, age),
            agent_module_ids=dict(before._agent_to_module_mapping),
            agent_to_module_mapping_fn=before.agent_to_module_mapping_fn,
        )
        return Chunk(chunk.lane, episode, age, chunk.end, ids=chunk.ids)

    def fill(self, chunk: Chunk, trajectories: Trajectories) -> MultiAgentEpisode:
        """Give an episode its data; the arrays are views of those of the trajectories."""
        episode: Any = chunk.episode
        age = chunk.age
        n_back = min(self.horizon, age, chunk.begin)
        if not chunk.ids:
            chunk.ids = [uuid4().hex for _ in self.agents]
        episode.agent_episodes = {
            agent: self._of_agent(chunk, trajectories, number, n_back)
            for number, agent in enumerate(self.agents)
        }
        episode._len_lookback_buffers = n_back
        episode.env_t = age + chunk.end - chunk.begin
        for agent in self.agents:
            episode.env_t_to_agent_t[agent] = InfiniteLookbackBuffer(
                list(range(age - n_back, episode.env_t + 1)), n_back
            )
        episode.is_terminated, episode.is_truncated = chunk.is_terminated, chunk.is_truncated
        ended = trajectories.ended_s
        episode._start_time = ended[chunk.begin] if chunk.started_s is None else chunk.started_s
        episode._last_step_time = ended[chunk.end - 1]
        filled: MultiAgentEpisode = episode
        return filled

    def _of_agent(
        self, chunk: Chunk, trajectories: Trajectories, number: int, n_back: int
    ) -> SingleAgentEpisode:
        agent = self.agents[number]
        row = chunk.lane * len(self.agents) + number
        begin, end = chunk.begin - n_back, chunk.end
        observations = trajectories.observations[row, begin : end + 1]
        if chunk.final is not None:
            observations = np.concatenate([observations[:-1], chunk.final[number][np.newaxis]])
        episode = copy(self._empty[agent])
        episode.id_ = chunk.ids[number]
        episode.module_id = chunk.episode.module_for(agent)
        episode.multi_agent_episode_id = chunk.episode.id_
        episode.t_started, episode.t = chunk.age, chunk.age + end - chunk.begin
        episode.is_terminated, episode.is_truncated = chunk.is_terminated, chunk.is_truncated
        keys = trajectories.keys[episode.module_id]
        episode.observations = _buffer(observations, n_back, like=episode.observations)
        episode.actions = _column(
            trajectories, keys[Columns.ACTIONS], row, begin, chunk, like=episode.actions
        )
        rewards = trajectories.rewards[row, begin:end]
        episode.rewards = _buffer(rewards, n_back, like=episode.rewards)
        episode.infos = _infos(trajectories, row, begin, chunk)
        episode.extra_model_outputs = {
            column: _column(trajectories, of_column, row, begin, chunk)
            for column, of_column in keys.items()
            if column not in NOT_EXTRA
        }
        if episode.extra_model_outputs:
            weights = trajectories.weights_seq_no[begin:end]
            episode.extra_model_outputs[WEIGHTS_SEQ_NO] = _buffer(weights, n_back)
        episode._custom_data = {}
        return episode


def _buffer(
    data: Any, n_back: int, *, like: InfiniteLookbackBuffer = ANY_SPACE
) -> InfiniteLookbackBuffer:
    """Return a buffer of arrays with the space of another one."""
    buffer = InfiniteLookbackBuffer.__new__(InfiniteLookbackBuffer)
    vars(buffer).update(vars(like))
    # The constructor would also take the number of a structure's parts for its length.
    buffer.data, buffer.lookback, buffer.finalized = data, n_back, True
    return buffer


def _column(
    trajectories: Trajectories,
    keys: Any,
    row: int,
    begin: int,
    chunk: Chunk,
    *,
    like: InfiniteLookbackBuffer = ANY_SPACE,
) -> InfiniteLookbackBuffer:
    """Return a column from step `begin` on, or from where on there is one."""
    if isinstance(keys, Key):
        first, values = trajectories.columns[keys]
        start = max(begin, first)
        data = values[row, start - first : chunk.end - first]
        return _buffer(data, chunk.begin - start, like=like)
    start = max(begin, *(trajectories.columns[key][0] for key in tree.flatten(keys)))

    def part(key: Key) -> NDArray[Any]:
        first, values = trajectories.columns[key]
        return values[row, start - first : chunk.end - first]

    return _buffer(tree.map_structure(part, keys), chunk.begin - start, like=like)


def _infos(trajectories: Trajectories, row: int, begin: int, chunk: Chunk) -> InfoBuffer:
    n_back = chunk.begin - begin
    has_first = chunk.age == n_back
    start = begin if has_first else begin - 1
    arrays = {
        group: values[row, start - first : chunk.end - first]
        for group, (first, values) in trajectories.infos.items()
        if first <= start
    }
    return InfoBuffer(arrays, chunk.end - start, has_first=has_first, lookback=n_back)
