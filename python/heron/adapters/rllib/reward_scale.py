"""Scaling rewards for the learner alone."""

from __future__ import annotations

from typing import Any

from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns

__all__ = ["RewardScale", "reward_scaling"]


class RewardScale(ConnectorV2):
    """Put scaled rewards into the learner's batch.

    Episodes keep their rewards, so returns are reported in the environment's unit. RLlib adds a
    column from the episodes only if the batch has none, so this one stands.

    Parameters
    ----------
    scale : float
        What rewards are multiplied by.
    """

    def __init__(self, *args: Any, scale: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scale = scale

    def __call__(self, *, batch: dict[str, Any], episodes: list[Any], **kwargs: Any) -> Any:
        """Add the rewards of all episodes to `batch`."""
        for episode in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            n_step = len(episode)
            self.add_n_batch_items(
                batch,
                Columns.REWARDS,
                items_to_add=self.scale * episode.get_rewards(slice(0, n_step)),
                num_items=n_step,
                single_agent_episode=episode,
            )
        return batch


def reward_scaling(
    scale: float, observation_space: Any = None, action_space: Any = None
) -> RewardScale:
    """Return the connector; with `functools.partial` it is what ``learner_connector`` takes."""
    return RewardScale(observation_space, action_space, scale=scale)
