"""PPO's learner with train batches of whole arrays."""

from __future__ import annotations

from typing import Any, cast

import torch
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
    """RLlib's learner for PPO, with less work around its networks and the same weights after it.

    Given as ``config.training(learner_class=ArrayPPOLearner)``. Its connectors are one piece,
    `TrainBatchFromArrays`; where there are connectors of a user's, or recurrent modules, RLlib's
    pipeline stays as it is. Adam goes through all parameters in one call, and gradients are found
    finite in one.
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

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register Adam, as RLlib does, for all parameters at once."""
        parameters = self.get_parameters(self.module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, foreach=True),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    def apply_gradients(self, gradients_dict: dict[Any, Any]) -> None:
        """Step the optimisers.

        RLlib does it where something is to be decided gradient by gradient.
        """
        gradients = list(gradients_dict.values())
        is_plain = self._grad_scalers is None and self._lr_scheduler_classes is None
        if not is_plain or not gradients or any(g is None for g in gradients):
            super().apply_gradients(gradients_dict)
            return
        # A norm is not finite if an entry is not, or if entries are so large that it overflows.
        norms = torch.stack(torch._foreach_norm(gradients))
        if not bool(torch.isfinite(norms).all()):
            super().apply_gradients(gradients_dict)
            return
        for reference, gradient in gradients_dict.items():
            self._params[reference].grad = gradient
        for module_id, names in self._module_optimizers.items():
            for name in names:
                self.get_optimizer(module_id, name).step()


def _has_recurrence(modules: Any) -> bool:
    return any(modules[name].is_stateful() for name in modules.keys())  # noqa: SIM118
