"""Playing a policy through episodes that run by events, all seeds at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from powergrid.baselines.batched import BatchedPolicy
from powergrid.envs.config import config_mapping
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.timing import TimingConfig
from powergrid.evaluation.record import Evaluation, Recorder

__all__ = ["evaluate_event_driven"]


def evaluate_event_driven(
    policy: BatchedPolicy,
    config: Mapping[str, Any] | None = None,
    timing: TimingConfig | Mapping[str, Any] | None = None,
    *,
    seeds: int | Sequence[int] = 50,
    days: Sequence[int] | None = None,
    env_class: type[NetworkedGridEnv] = MultiAgentMicrogrids,
    n_thread: int = 1,
) -> Evaluation:
    """Play one episode for each seed, side by side, and return what they came to.

    An episode's day and fluctuations depend on its seed alone, so evaluations of the same seeds,
    whatever their policies and timings, can be compared seed by seed.

    Parameters
    ----------
    policy : BatchedPolicy
        Is reset, without a seed.
    config : mapping, optional
        Of the environment.
    timing : TimingConfig or mapping, optional
        In place of ``config["timing"]``.
    seeds : int or sequence of int
        That many from 0 on, or these.
    days : sequence of int, optional
        Day of the split of each episode; drawn by its seed if not given.
    env_class, n_thread
        As for `EventDrivenVectorEnv`.

    Examples
    --------
    >>> from powergrid.baselines import BatchedRuleBasedPolicy
    >>> timing = {"coordinator": {"msg_delay": 60.0}, "field": {"tick_interval": 60.0}}
    >>> found = evaluate_event_driven(BatchedRuleBasedPolicy(), timing=timing, seeds=2)
    >>> found.n_interval, found.latency_max_s
    (array([24, 24]), array([60., 60.]))
    """
    taken = config_mapping("evaluate_event_driven", config)
    if timing is not None:
        taken["timing"] = timing if isinstance(timing, TimingConfig) else dict(timing)
    of = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    envs = EventDrivenVectorEnv(len(of), taken, env_class=env_class, n_thread=n_thread)
    try:
        options = {} if days is None else {"day": list(days)}
        observations, infos = envs.reset(seed=of, options=options)
        began = envs.days
        policy.reset(envs)
        recorder = Recorder(envs)
        while recorder.going.any():
            recorder.book_decisions(infos)
            observations, _, _, _, infos = envs.step(policy.act(observations, infos))
        return recorder.evaluation(policy.name, of, began)
    finally:
        envs.close()
