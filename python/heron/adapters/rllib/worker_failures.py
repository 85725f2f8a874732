"""How often workers that fail are replaced."""

from __future__ import annotations

from typing import Any

from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME

__all__ = ["MOST_IN_A_ROW", "StopIfWorkersFail"]

MOST_IN_A_ROW = 5


class StopIfWorkersFail(RLlibCallback):
    """Stop training whose workers are replaced again and again without sampling a step between.

    A worker that was killed is worth replacing. An environment that fails will fail in the next
    worker, too, and RLlib's new API stack would replace workers for ever.
    """

    def __init__(self) -> None:
        self._n_step = -1.0
        self._n_in_a_row = 0

    def on_env_runners_recreated(
        self, *, algorithm: Any, is_evaluation: bool, **kwargs: Any
    ) -> None:
        """Count, and raise a RuntimeError once it is enough."""
        if is_evaluation:
            return
        key = (ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME)
        n_step = algorithm.metrics.peek(key, default=0)
        self._n_in_a_row = self._n_in_a_row + 1 if n_step == self._n_step else 1
        self._n_step = n_step
        if self._n_in_a_row >= MOST_IN_A_ROW:
            raise RuntimeError(
                f"workers were replaced {self._n_in_a_row} times and sampled nothing between; the "
                f"log tells what failed, and num_env_runners=0 lets it fail here"
            )
