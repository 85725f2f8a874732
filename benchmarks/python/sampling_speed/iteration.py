"""Whole iterations of PPO, and where their time goes."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from environment_speed.stage_clock import StageClock
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

from heron.adapters.rllib import ArrayPPOLearner, BatchedEnvRunner
from sampling_speed.problem import make_config

__all__ = ["ARRAYS", "BATCHED", "KINDS", "STOCK", "Iterations", "measure"]

STOCK = "RLlib's runner and learner"
BATCHED = "BatchedEnvRunner, RLlib's learner"
ARRAYS = "BatchedEnvRunner, ArrayPPOLearner"
KINDS = {
    STOCK: (MultiAgentEnvRunner, PPOTorchLearner),
    BATCHED: (BatchedEnvRunner, PPOTorchLearner),
    ARRAYS: (BatchedEnvRunner, ArrayPPOLearner),
}
# Methods by stage; each stage's time is without that of the stages inside it.
LEARNER = {
    "_make_batch_if_necessary": "connectors",
    "update": "learner: minibatches, metrics",
    "compute_losses": "learner: losses",
    "compute_gradients": "learner: backward passes",
    "apply_gradients": "learner: steps of the optimiser",
}


@dataclass
class Iterations:
    """What iterations of one kind took.

    Attributes
    ----------
    what
        Runner and learner.
    n_env
        Environments.
    n_step
        Environment steps of each iteration.
    stages_s
        By stage, of each iteration [s].
    total_s
        Of each iteration [s].
    """

    what: str
    n_env: int
    n_step: int = 0
    stages_s: dict[str, list[float]] = field(default_factory=dict)
    total_s: list[float] = field(default_factory=list)

    def median(self, prefix: str = "") -> float:
        """Return the median of the time of all stages that begin so [s]; of the whole with none."""
        if not prefix:
            return statistics.median(self.total_s)
        parts = [of for name, of in self.stages_s.items() if name.startswith(prefix)]
        return statistics.median(map(sum, zip(*parts, strict=True)))


def measure(n_envs: Sequence[int], n_turn: int, **settings: int) -> list[Iterations]:
    """Measure iterations with these numbers of environments, in turns by number.

    Parameters
    ----------
    n_envs
        Numbers of environments.
    n_turn
        Iterations of each kind, after one that warms up.
    **settings
        For `make_config`.
    """
    measured = []
    for n_env in n_envs:
        trials = [_Trial(what, n_env, settings) for what in KINDS]
        for trial in trials:
            trial.run(is_counted=False)
        for _ in range(n_turn):
            for trial in trials:
                trial.run()
        for trial in trials:
            trial.stop()
            measured.append(trial.found)
    return measured


class _Trial:
    """An algorithm with clocks on its parts."""

    def __init__(self, what: str, n_env: int, settings: dict[str, int]) -> None:
        runner, learner = KINDS[what]
        config = make_config(n_env, env_runner_cls=runner, **settings)
        self.algorithm: Any = config.training(learner_class=learner).build_algo()
        self.found = Iterations(what, n_env)
        self._clock = StageClock()
        for method in ("sample", "get_metrics"):
            self._clock.watch(self.algorithm.env_runner, method, "sampling")
        of_learner = self.algorithm.learner_group._learner
        for method, stage in LEARNER.items():
            self._clock.watch(of_learner, method, stage)
        self._clock.watch(of_learner.module, "forward_train", "learner: forward passes")

    def stop(self) -> None:
        """End the algorithm, and remove the folder that Ray has made for it."""
        self.algorithm.stop()
        shutil.rmtree(self.algorithm.logdir, ignore_errors=True)

    def run(self, *, is_counted: bool = True) -> None:
        """Do one iteration."""
        self._clock.forget()
        began = time.perf_counter()
        result = self.algorithm.train()
        total_s = time.perf_counter() - began
        if not is_counted:
            return
        self.found.n_step = round(result["env_runners"]["num_env_steps_sampled"])
        spent = {stage: ns * 1e-9 for stage, ns in self._clock.spent_ns.items()}
        spent["the rest"] = total_s - sum(spent.values())
        for stage, seconds in spent.items():
            self.found.stages_s.setdefault(stage, []).append(seconds)
        self.found.total_s.append(total_s)
