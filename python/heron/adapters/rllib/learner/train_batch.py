"""RLlib's default learner connectors for PPO, in one piece that works on arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.env.utils.infinite_lookback_buffer import InfiniteLookbackBuffer
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.utils.torch_utils import convert_to_torch_tensor

from heron.adapters.rllib.learner.gae import value_targets
from heron.adapters.rllib.learner.safety_multiplier import SafetyMultiplier

__all__ = ["TrainBatchFromArrays"]

Array = NDArray[Any]
NOTHING = np.zeros(0)


class TrainBatchFromArrays(ConnectorV2):
    """Make PPO's train batch of episodes that are arrays.

    The batch is that of RLlib's own pipeline, `AddOneTsToEpisodesAndTruncate` to
    `GeneralAdvantageEstimation`, without a list item, a dict or a copy of an episode for each of
    its steps. Episodes are left as they are. Agents keep the order they have in the environment;
    RLlib's, that of a set of names, differs by process.

    For modules without recurrence.

    Parameters
    ----------
    gamma, lambda_ : float
        See `value_targets`.
    reward_scale : float
        What rewards are multiplied by.
    is_finite : bool
        Whether nothing counts that would come after a time limit.
    multiplier : SafetyMultiplier, optional
        What violations cost on top of the rewards; it rises here.
    device : torch.device or str, optional
        Where the batch goes.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        gamma: float,
        lambda_: float,
        reward_scale: float = 1.0,
        is_finite: bool = False,
        multiplier: SafetyMultiplier | None = None,
        device: Any = None,
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self.gamma, self.lambda_ = gamma, lambda_
        self.reward_scale = reward_scale
        self.is_finite, self.multiplier = is_finite, multiplier
        self._device = device

    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: list[Any], **kwargs: Any
    ) -> dict[str, Any]:
        """Add the columns of each module that has episodes."""
        by_module: dict[str, list[tuple[SingleAgentEpisode, Array]]] = {}
        for episode in episodes:
            charges = {} if self.multiplier is None else self.multiplier.charges(episode)
            for agent, of_agent in episode.agent_episodes.items():
                of_module = by_module.setdefault(of_agent.module_id, [])
                of_module.append((of_agent, charges.get(agent, NOTHING)))
        for name, pairs in by_module.items():
            if name in rl_module:
                batch[name] = self._of_module(rl_module[name], *zip(*pairs, strict=True))
        if self.multiplier is not None:
            self.multiplier.rise(episodes)
        return batch

    def _of_module(
        self,
        module: Any,
        episodes: Sequence[SingleAgentEpisode],
        charges: Sequence[Array],
    ) -> dict[str, Any]:
        lengths = np.array([len(episode) for episode in episodes])
        last = np.cumsum(lengths + 1) - 1  # rows after the last steps
        arrays = {
            # Its last row is the observation after the last step.
            Columns.OBS: np.concatenate([_data(e.observations) for e in episodes]),
            Columns.ACTIONS: _elongated(e.actions for e in episodes),
            Columns.REWARDS: _elongated(e.rewards for e in episodes),
        }
        if self.multiplier is not None:
            paid = np.concatenate([np.append(charge, 0.0) for charge in charges])
            arrays[Columns.REWARDS] = arrays[Columns.REWARDS] - paid
        arrays[Columns.REWARDS] = self.reward_scale * arrays[Columns.REWARDS]
        arrays[Columns.REWARDS][last] = 0.0
        is_terminated = np.array([bool(e.is_terminated) for e in episodes])
        is_truncated = np.array([bool(e.is_truncated) for e in episodes])
        if self.is_finite:
            is_terminated, is_truncated = is_terminated | is_truncated, is_truncated & False
        for column, flags in (
            (Columns.TERMINATEDS, is_terminated),
            # Where an episode goes on, values are as uncertain as where it was cut off.
            (
                Columns.TRUNCATEDS,
                ~is_terminated if self.is_finite else is_truncated | ~is_terminated,
            ),
        ):
            arrays[column] = np.zeros(last[-1] + 1, np.bool_)
            arrays[column][last - 1] = flags
        arrays[Columns.LOSS_MASK] = np.ones(last[-1] + 1, np.bool_)
        arrays[Columns.LOSS_MASK][last] = False
        for column in episodes[0].extra_model_outputs:
            arrays[column] = _elongated(e.extra_model_outputs[column] for e in episodes)
        tensors: dict[str, Any] = convert_to_torch_tensor(arrays, device=self._device)
        if hasattr(module, "learn_scale"):
            module.learn_scale(tensors)
        if isinstance(module, ValueFunctionAPI):
            tensors |= self._targets(module, tensors, arrays)
        return tensors

    def _targets(
        self, module: Any, tensors: dict[str, Any], arrays: dict[str, Array]
    ) -> dict[str, Any]:
        with torch.no_grad():
            values = module.compute_values(tensors).cpu().numpy()
        targets = value_targets(
            values,
            arrays[Columns.REWARDS].astype(np.float32),
            arrays[Columns.TERMINATEDS],
            arrays[Columns.TRUNCATEDS],
            self.gamma,
            self.lambda_,
        )
        advantages = targets - values
        advantages = (advantages - advantages.mean()) / max(1e-4, advantages.std())
        of_rows = {Postprocessing.ADVANTAGES: advantages, Postprocessing.VALUE_TARGETS: targets}
        tensors_of_rows: dict[str, Any] = convert_to_torch_tensor(of_rows, device=self._device)
        return tensors_of_rows


def _data(buffer: InfiniteLookbackBuffer) -> Array:
    return np.asarray(buffer.data[buffer.lookback :])


def _elongated(buffers: Iterable[InfiniteLookbackBuffer]) -> Array:
    """Lay arrays end to end, each with its last entry twice."""
    parts = []
    for buffer in buffers:
        data = _data(buffer)
        parts += [data, data[-1:]]
    return np.concatenate(parts)
