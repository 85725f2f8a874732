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
from ray.rllib.core import ALL_MODULES

from heron.adapters.rllib.learner.safety_multiplier import Lagrangian, SafetyMultiplier
from heron.adapters.rllib.learner.train_batch import TrainBatchFromArrays
from heron.adapters.rllib.reward_scale import RewardScale
from heron.errors import ConfigError

__all__ = ["ArrayPPOLearner"]

MULTIPLIER = "safety_multiplier"
DEFAULT = (
    AddOneTsToEpisodesAndTruncate, AddObservationsFromEpisodesToBatch,
    AddColumnsFromEpisodesToTrainBatch, AddTimeDimToBatchAndZeroPad, AddStatesFromEpisodesToBatch,
    AgentToModuleMapping, BatchIndividualItems, NumpyToTensor, GeneralAdvantageEstimation,
)  # fmt: skip


class ArrayPPOLearner(PPOTorchLearner):
    """RLlib's learner for PPO, with less work around its networks and the same weights after it.

    Given as ``config.learners(learner_class=ArrayPPOLearner)``. Its connectors are one piece,
    `TrainBatchFromArrays`; where there are connectors of a user's, or recurrent modules, RLlib's
    pipeline stays as it is. Adam goes through all parameters in one call, and gradients are found
    finite in one.

    ``config.learners(learner_config_dict=...)`` may have ``finite_horizon``: an episode's time
    limit is its end, and nothing counts that would come after it (otherwise values do).
    And ``lagrangian``, with the settings of `Lagrangian`, and ``share_reward``, whether agents are
    paid the mean: see `SafetyMultiplier`.

    Attributes
    ----------
    multiplier : SafetyMultiplier or None
        The present one.

    Raises
    ------
    ConfigError
        When it is built, if these are wanted where RLlib's pipeline stays, or the multiplier with
        several learners, each of which would have one of its own.
    """

    multiplier: SafetyMultiplier | None = None

    def build(self) -> None:
        """Build the learner."""
        config = cast(PPOConfig, self.config)
        ours = config.learner_config_dict
        if ours.get("lagrangian") is not None:
            if (config.num_learners or 0) > 1:
                raise ConfigError(
                    f"lagrangian: num_learners is {config.num_learners}, expected at most 1"
                )
            self.multiplier = SafetyMultiplier(
                Lagrangian.of(ours["lagrangian"]), is_shared=bool(ours.get("share_reward"))
            )
        super().build()
        if self._take_pipeline(config):
            return
        for name in ("finite_horizon", "lagrangian"):
            if ours.get(name):
                raise ConfigError(
                    f"{name} needs the train batches of ArrayPPOLearner: leave out learner "
                    f"connectors and recurrent modules"
                )

    def _take_pipeline(self, config: PPOConfig) -> bool:
        """Put ours in the place of RLlib's connectors, if these are the default ones."""
        pipeline = self._learner_connector
        if pipeline is None or _has_recurrence(self.module):
            return False
        kinds = [type(connector) for connector in pipeline.connectors]
        scales = [c.scale for c in pipeline.connectors if type(c) is RewardScale]
        if tuple(kind for kind in kinds if kind is not RewardScale) != DEFAULT or len(scales) > 1:
            return False
        self._learner_connector = LearnerConnectorPipeline(
            connectors=[
                TrainBatchFromArrays(
                    gamma=config.gamma,
                    lambda_=config.lambda_,
                    reward_scale=scales[0] if scales else 1.0,
                    is_finite=bool(config.learner_config_dict.get("finite_horizon")),
                    multiplier=self.multiplier,
                    device=self._device,
                )
            ]
        )
        return True

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the learner's state, the multiplier included."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        if self.multiplier is not None:
            state[MULTIPLIER] = self.multiplier.value
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().set_state(state)
        if self.multiplier is not None and MULTIPLIER in state:
            self.multiplier.value = float(state[MULTIPLIER])

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        """Report the multiplier."""
        super().after_gradient_based_update(timesteps=timesteps)
        if self.multiplier is not None:
            for name, value in (
                (MULTIPLIER, self.multiplier.value),
                ("violations_mean", self.multiplier.mean),
            ):
                self.metrics.log_value((ALL_MODULES, name), value, window=1)

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register Adam, as RLlib does, for all parameters at once."""
        parameters = self.get_parameters(self.module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, foreach=True),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    @staticmethod
    def _set_optimizer_lr(optimizer: Any, lr: Any) -> None:
        """Set a learning rate as a number: a schedule's tensor is refused by Adam in one call."""
        for group in optimizer.param_groups:
            group["lr"] = float(lr)

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
