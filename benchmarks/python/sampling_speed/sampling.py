"""Sampling alone: environment steps a second of both runners."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from speed.measure import Case, Measurement, take_turns

from heron.adapters.rllib import BatchedEnvRunner
from sampling_speed.problem import EPISODE, make_config

__all__ = ["BATCHED", "STOCK", "measure"]

STOCK = "RLlib's MultiAgentEnvRunner"
BATCHED = "BatchedEnvRunner"
KINDS = {STOCK: MultiAgentEnvRunner, BATCHED: BatchedEnvRunner}


def measure(n_envs: Sequence[int], turn_s: float, n_turn: int) -> list[Measurement]:
    """Measure exploring runners of these numbers of environments, in turns by number."""
    measured: list[Measurement] = []
    for n_env in n_envs:
        cases = [_case(what, n_env, turn_s) for what in KINDS]
        measured += take_turns("environment step", cases, n_turn)
    return measured


def _case(what: str, n_env: int, turn_s: float) -> Case:
    """Make a case whose turn takes about so many seconds, in whole episodes of all environments."""
    runner = KINDS[what](config=make_config(n_env))
    unit = EPISODE * n_env

    def run(n: int) -> float:
        # What it returns is collected in its own turn.
        began = time.process_time_ns()
        episodes = runner.sample(num_timesteps=n, explore=True)
        runner.get_metrics()
        assert sum(len(episode) for episode in episodes) >= n
        del episodes
        return (time.process_time_ns() - began) * 1e-9

    run(unit)
    once = run(unit)
    return Case(what, {"environments": n_env}, run, max(1, round(turn_s / once)) * unit)
