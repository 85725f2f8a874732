"""PPO's learner with train batches of whole arrays."""

from __future__ import annotations

from typing import Any, cast

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.connectors.learner import (
    AddColumnsFromEpisodesToTrainBatch,
    AddObservationsFromEpisodesToBatch,
    AddOneTsToEpisodesAndTruncate,
    AddStatesFromEpisodesToBatch,
    AddTimeDimToBatchAndZeroPad,
    AgentToModuleMapping,
    BatchIndividualItems,
    GeneralAdvantageEstimation,
    LearnerConnectorPipeline,
    NumpyToTensor,
)

from heron.adapters.rllib.learner.train_batch import TrainBatchFromArrays
from heron.adapters.rllib.reward_scale import RewardScale

__all__ = ["ArrayPPOLearner"]

DEFAULT = (
    AddOneTsToEpisodesAndTruncate, AddObservationsFromEpisodesToBatch,
    AddColumnsFromEpisodesToTrainBatch, AddTimeDimToBatchAndZeroPad, AddStatesFromEpisodesToBatch,
    AgentToModuleMapping, BatchIndividualItems, NumpyToTensor, GeneralAdvantageEstimation,
)  # fmt: skip


class ArrayPPOLearner(PPOTorchLearner):
    """RLlib's learner for PPO, whose connectors are one piece if nothing else is asked of them.

    Given as ``config.training(learner_class=ArrayPPOLearner)``. Where there are connectors of a
    user's, or recurrent modules, RLlib's pipeline stays as it is.
    """

    def build(self) -> None:
        """Build the learner."""
        super().build()
        pipeline = self._learner_connector
        if pipeline is None or _has_recurrence(self.module):
            return
        config = cast(PPOConfig, self.config)
        kinds = [type(connector) for connector in pipeline.connectors]
        scales = [c.scale for c in pipeline.connectors if type(c) is RewardScale]
        if tuple(kind for kind in kinds if kind is not RewardScale) != DEFAULT or len(scales) > 1:
            return
        self._learner_connector = LearnerConnectorPipeline(
            connectors=[
                TrainBatchFromArrays(
                    gamma=config.gamma,
                    lambda_=config.lambda_,
                    reward_scale=scales[0] if scales else 1.0,
                    device=self._device,
                )
            ]
        )


def _has_recurrence(modules: Any) -> bool:
    return any(modules[name].is_stateful() for name in modules.keys())  # noqa: SIM118
