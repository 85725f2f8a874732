"""RLlib's multi-agent runner over a vector of environments."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from gymnasium.vector import AutoresetMode
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.env.env_context import EnvContext
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.utils.metrics import RLMODULE_INFERENCE_TIMER

from heron.adapters.rllib.batched.fallback import reason_in_config, reason_in_pipelines
from heron.adapters.rllib.batched.lane_metrics import log_episodes, log_steps
from heron.adapters.rllib.batched.lanes import Lanes
from heron.adapters.rllib.batched.rollout import Chunk
from heron.adapters.rllib.batched.sampler import LaneSampler
from heron.adapters.rllib.central.state_in_observations import LanesWithState
from heron.adapters.rllib.entry import make_vector_environment
from heron.errors import ConfigError

__all__ = ["BatchedEnvRunner"]


class BatchedEnvRunner(MultiAgentEnvRunner):
    """Sample from all environments of a worker at once.

    Given as ``config.env_runners(env_runner_cls=BatchedEnvRunner, num_envs_per_env_runner=32)``
    beside ``config.environment(RLlibMultiAgentEnv, env_config={"env": ..., "env_config": ...})``.
    The lanes are those of the environment's own vector, if `make_vector_environment` finds one.

    It samples what RLlib's own runner samples: the same episodes in the same order, cut at the same
    steps, under the same metrics (with the environment's "NextStep"; by "SameStep" lanes waste no
    step between episodes). Between two steps of the lanes there is one forward pass for each
    module, and no work by environment or agent; episodes are made of arrays when a call returns.
    Besides RLlib's metrics there is ``episode_infos_mean``: of each number in the environment's
    infos its sum over the steps and agents of an episode, of each flag its share of them.

    Connectors between environment and module, and callbacks for episodes, have to be asked step by
    step: with them everything is left to RLlib's own runner, and a warning says so.

    Attributes
    ----------
    is_batched : bool
        False if RLlib's own runner does the work.
    """

    is_batched = False
    _sampler: LaneSampler

    def __init__(self, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        if self.is_batched:
            reason = reason_in_pipelines(self._env_to_module, self._module_to_env)
            if reason is not None:
                self._make_stock_env(reason)

    # --- what RLlib calls ---------------------------------------------------------------------

    def make_env(self) -> None:
        """Make the lanes, or RLlib's environments if something needs these."""
        context = self._env_context()
        reason = reason_in_config(self.config, self._callbacks)
        if reason is None:
            try:
                lanes = _make_lanes(context, self.config.num_envs_per_env_runner)
            except ConfigError as error:  # what is wrong to RLlib's runner too, it will say itself
                reason = str(error)
        if reason is not None:
            self._make_stock_env(reason)
            return
        if self.env is not None:
            self.env.close()
        self.env = lanes
        self.num_envs = lanes.num_envs
        sampler = LaneSampler(lanes, self.config, self._device)
        if self.is_batched:  # one that failed is replaced
            sampler.tally.done = self._sampler.tally.done
        self._sampler = sampler
        self.is_batched = True
        self._needs_initial_reset = True
        make_callback(
            "on_environment_created",
            callbacks_objects=self._callbacks,
            callbacks_functions=self.config.callbacks_on_environment_created,
            kwargs={
                "env_runner": self,
                "metrics_logger": self.metrics,
                "env": lanes,
                "env_context": context,
            },
        )

    def get_metrics(self) -> Any:
        """Return what was measured since the last call."""
        if self.is_batched:
            log_episodes(self.metrics, self.config, self._sampler.tally)
        return super().get_metrics()

    def _sample(
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[MultiAgentEpisode]:
        if not self.is_batched:
            stock: list[MultiAgentEpisode] = super()._sample(
                num_timesteps=num_timesteps,
                num_episodes=num_episodes,
                explore=explore,
                random_actions=random_actions,
                force_reset=force_reset,
            )
            return stock
        if force_reset or num_episodes is not None or self._needs_initial_reset:
            self._reset_envs_and_episodes(explore)
        if num_episodes is not None:
            self._needs_initial_reset = True
        if random_actions:
            self._sampler.forget_outputs()
        elif self.module is not None:
            # Otherwise RLlib's modules change their mode and back in every pass.
            for name in self.module.keys():  # noqa: SIM118  it is not a mapping
                _to_inference(self.module[name])
        done: list[MultiAgentEpisode] = []
        kept: list[Chunk] = []
        n_kept = 0
        n_step = n_ended = 0  # since environments last failed
        unit = 1 if self.config.count_steps_by == "env_steps" else len(self._sampler.agents)
        while (
            n_step * unit < (num_timesteps or 0) if num_episodes is None else n_kept < num_episodes
        ):
            sampler = self._sampler
            actions = self._act(explore, random_actions, n_step)
            answer: Any = self._try_env_step(actions)  # type: ignore[no-untyped-call]
            if isinstance(answer, str):  # the environments failed, and are others now
                done += sampler.finish(kept, cut=False)
                self._count(sampler, n_step, n_ended)
                kept, n_step, n_ended = [], 0, 0
                self._reset_envs_and_episodes(explore)
                continue
            n_lived, ended = sampler.record(*answer, weights_seq_no=self._weights_seq_no)
            n_step += n_lived
            n_ended += len(ended)
            if num_episodes is not None:
                ended = ended[: num_episodes - n_kept]
            kept += ended
            n_kept += len(ended)
        self._count(self._sampler, n_step, n_ended)
        return done + self._sampler.finish(kept, cut=num_timesteps is not None)

    def _reset_envs_and_episodes(self, explore: bool) -> None:
        if not self.is_batched:
            super()._reset_envs_and_episodes(explore)
            return
        seed = self._seed if self._needs_initial_reset else None
        observations, _ = self._try_env_reset(seed=seed, options=None)
        self._sampler.begin_all(observations)
        self._needs_initial_reset = False

    # --- inside -------------------------------------------------------------------------------

    def _act(self, explore: bool, random_actions: bool, n_step: int) -> Any:
        if random_actions:
            return self._sampler.act_randomly()
        # What this runner and those beside it have sampled, about.
        n_runner = self.config.num_env_runners or 1
        n_lifetime = (self.num_env_steps_sampled_lifetime // n_runner + n_step) * n_runner
        with self.metrics.log_time(RLMODULE_INFERENCE_TIMER):
            return self._sampler.act(self.module, explore=explore, n_step_lifetime=n_lifetime)

    def _count(self, sampler: LaneSampler, n_step: int, n_episode: int) -> None:
        if n_step:
            self._log_env_steps(metric=self._metrics_num_env_steps_sampled, num_steps=n_step)
        log_steps(self.metrics, n_step, n_episode, sampler.agents, dict(sampler.n_by_module))
        sampler.n_by_module.clear()

    def _make_stock_env(self, reason: str) -> None:
        warnings.warn(
            f"BatchedEnvRunner leaves the work to RLlib's MultiAgentEnvRunner: {reason}",
            stacklevel=2,
        )
        self.is_batched = False
        super().make_env()  # type: ignore[no-untyped-call]

    def _env_context(self) -> EnvContext:
        context = self.config.env_config
        if isinstance(context, EnvContext):
            return context
        return EnvContext(
            context,
            worker_index=self.worker_index,
            num_workers=self.config.num_env_runners,
            remote=self.config.remote_worker_envs,
        )


def _to_inference(module: Any) -> None:
    if isinstance(module, torch.nn.Module):
        module.eval()


def _make_lanes(context: EnvContext, num_envs: int) -> Lanes:
    make = partial(
        make_vector_environment,
        context["env"],
        num_envs,
        context.get("env_config"),
        vector_env=context.get("vector_env"),
    )
    settings = context.get("vector_config", {})
    vector: Any
    if context.get("with_state"):
        mode = settings.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        others = {name: value for name, value in settings.items() if name != "autoreset_mode"}
        vector = LanesWithState(partial(make, **others), autoreset_mode=mode)
    else:
        vector = make(**settings)
    return Lanes(vector, context.worker_index or 0)
