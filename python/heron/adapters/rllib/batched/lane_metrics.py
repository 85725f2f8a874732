"""What RLlib reports of sampling, and sums of infos, logged for many steps at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.rllib.utils.metrics import (
    EPISODE_AGENT_RETURN_MEAN,
    EPISODE_AGENT_STEPS,
    EPISODE_DURATION_SEC_MEAN,
    EPISODE_LEN_MAX,
    EPISODE_LEN_MEAN,
    EPISODE_LEN_MIN,
    EPISODE_MODULE_RETURN_MEAN,
    EPISODE_RETURN_MAX,
    EPISODE_RETURN_MEAN,
    EPISODE_RETURN_MIN,
    NUM_AGENT_STEPS_SAMPLED,
    NUM_AGENT_STEPS_SAMPLED_LIFETIME,
    NUM_ENV_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    NUM_EPISODES,
    NUM_EPISODES_LIFETIME,
    NUM_MODULE_STEPS_SAMPLED,
    NUM_MODULE_STEPS_SAMPLED_LIFETIME,
)

from heron.adapters.rllib.batched.rollout import Chunk, Trajectories

__all__ = ["EPISODE_INFOS_MEAN", "EpisodeTotals", "Tally", "log_episodes", "log_steps"]

# Sums of each info over the steps and agents of an episode; of a flag, its share of them.
EPISODE_INFOS_MEAN = "episode_infos_mean"


@dataclass
class EpisodeTotals:
    """Sums over an episode, of as many of its parts as are added.

    Attributes
    ----------
    modules : list[str]
        By agent.
    returns : ndarray, (n_agent,)
    n_step : int
    duration_s : float
    infos : dict[str, float]
        Sums over steps and agents.
    """

    modules: list[str]
    returns: NDArray[np.float64]
    n_step: int = 0
    duration_s: float = 0.0
    infos: dict[str, float] | None = None


class Tally:
    """Add up episodes, lane by lane.

    Parameters
    ----------
    agents : sequence of str
        In the order of rows.
    """

    def __init__(self, agents: Sequence[str]) -> None:
        self.agents = list(agents)
        self.done: list[EpisodeTotals] = []
        self._ongoing: dict[int, EpisodeTotals] = {}

    def forget_ongoing(self) -> None:
        """Give up episodes that do not go on."""
        self._ongoing.clear()

    def add(self, chunk: Chunk, trajectories: Trajectories) -> None:
        """Add a part of an episode that `EpisodeMaker` has filled."""
        n = len(self.agents)
        totals = self._ongoing.pop(chunk.lane, None)
        if totals is None:
            modules = [chunk.episode.module_for(agent) for agent in self.agents]
            totals = EpisodeTotals(modules, np.zeros(n), infos={})
        rows = slice(chunk.lane * n, (chunk.lane + 1) * n)
        totals.returns += trajectories.rewards[rows, chunk.begin : chunk.end].sum(axis=1)
        totals.n_step += chunk.end - chunk.begin
        totals.duration_s += chunk.episode.get_duration_s()
        assert totals.infos is not None
        for group, (first, values) in trajectories.infos.items():
            if group.shape or group.dtype[1] not in "biuf" or first > chunk.begin:
                continue
            part = values[rows, chunk.begin - first : chunk.end - first]
            sums = part.sum(axis=(0, 1), dtype=np.float64).tolist()
            scale = 1.0 / n if group.dtype[1] == "b" else 1.0
            for name, value in zip(group.names, sums, strict=True):
                totals.infos[name] = totals.infos.get(name, 0.0) + scale * value
        if chunk.is_done:
            for group in trajectories.infos:
                if group.dtype[1] == "b" and not group.shape:
                    for name in group.names:
                        if name in totals.infos:
                            totals.infos[name] /= totals.n_step
            self.done.append(totals)
        else:
            self._ongoing[chunk.lane] = totals


def log_steps(
    metrics: Any, n_step: int, n_episode: int, agents: Iterable[str], n_by_module: dict[str, int]
) -> None:
    """Count steps as RLlib's runner does in each of them.

    Parameters
    ----------
    metrics : MetricsLogger
    n_step, n_episode : int
        Environment steps, and episodes that ended.
    agents : iterable of str
        Each of them lived through all steps.
    n_by_module : dict[str, int]
        Steps of each module's agents.
    """
    if n_step == 0:
        return
    metrics.log_value(NUM_ENV_STEPS_SAMPLED, n_step, reduce="sum")
    metrics.log_value(
        NUM_ENV_STEPS_SAMPLED_LIFETIME, n_step, reduce="lifetime_sum", with_throughput=True
    )
    if n_episode:
        metrics.log_value(NUM_EPISODES, n_episode, reduce="sum")
        metrics.log_value(NUM_EPISODES_LIFETIME, n_episode, reduce="lifetime_sum")
    for agent in agents:
        metrics.log_value((NUM_AGENT_STEPS_SAMPLED, agent), n_step, reduce="sum")
        key = (NUM_AGENT_STEPS_SAMPLED_LIFETIME, agent)
        metrics.log_value(key, n_step, reduce="lifetime_sum")
    for module, n in n_by_module.items():
        metrics.log_value((NUM_MODULE_STEPS_SAMPLED, module), n, reduce="sum")
        key = (NUM_MODULE_STEPS_SAMPLED_LIFETIME, module)
        metrics.log_value(key, n, reduce="lifetime_sum")


def log_episodes(metrics: Any, config: Any, tally: Tally) -> None:
    """Log the episodes that are done, under RLlib's names, and forget them.

    Parameters
    ----------
    metrics : MetricsLogger
    config : AlgorithmConfig
    tally : Tally
    """
    values: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for totals in tally.done:
        returns = totals.returns.tolist()
        values[EPISODE_LEN_MEAN,].append(totals.n_step)
        values[EPISODE_RETURN_MEAN,].append(sum(returns))
        values[EPISODE_DURATION_SEC_MEAN,].append(totals.duration_s)
        by_module: dict[str, float] = defaultdict(float)
        for agent, module, of_agent in zip(tally.agents, totals.modules, returns, strict=True):
            values[EPISODE_AGENT_RETURN_MEAN, agent].append(of_agent)
            values[EPISODE_AGENT_STEPS, agent].append(totals.n_step)
            by_module[module] += of_agent
        for module, of_module in by_module.items():
            values[EPISODE_MODULE_RETURN_MEAN, module].append(of_module)
        for name, value in (totals.infos or {}).items():
            values[EPISODE_INFOS_MEAN, name].append(value)
    tally.done.clear()
    # Each of several runners logs its share of what is averaged over.
    smoothing = config.metrics_num_episodes_for_smoothing
    window = max(1, math.ceil(smoothing / (config.num_env_runners or 1)))
    for key, of_key in values.items():
        _log_many(metrics, key, of_key, "mean", window)
    for mean, least, most in (
        (EPISODE_LEN_MEAN, EPISODE_LEN_MIN, EPISODE_LEN_MAX),
        (EPISODE_RETURN_MEAN, EPISODE_RETURN_MIN, EPISODE_RETURN_MAX),
    ):
        _log_many(metrics, (least,), values[mean,], "min", window)
        _log_many(metrics, (most,), values[mean,], "max", window)


def _log_many(
    metrics: Any, key: tuple[str, ...], values: list[float], reduce: str, window: int
) -> None:
    """Log values one after the other; more than a window's would be forgotten at once."""
    for value in values[-window:]:
        metrics.log_value(key, value, reduce=reduce, window=window)
