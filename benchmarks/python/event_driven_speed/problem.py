"""What is played: batches in lock-step and by events, with and without a network that decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from environment_speed.problem import EPISODE, SEED, draw_actions, setup_config
from numpy.typing import NDArray
from speed.measure import WrongAnswerError

from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.vector_grid_env import VectorGridEnv

__all__ = ["CASES", "LOCK_STEP", "Batch", "Network", "compare", "make"]

Float32 = NDArray[np.float32]

LOCK_STEP = "VectorGridEnv"
# Timings with one decision an agent and step.
CASES: dict[str, Mapping[str, Any]] = {
    "by events, no delays": {},
    "by events, small delays": {
        "coordinator": {"obs_delay": 2.0},
        "field": {"act_delay": 0.5},
    },
    "by events, messages to devices that tick every 10 min": {
        "coordinator": {"obs_delay": 2.0, "msg_delay": 1.0},
        "field": {"act_delay": 0.5, "tick_interval": 600.0},
    },
}
N_HIDDEN = 64


class Network:
    """A perceptron with two hidden layers of 64, as trained policies are; single precision."""

    def __init__(self, n_obs: int, n_entry: int) -> None:
        rng = np.random.default_rng(SEED)
        sizes = (n_obs, N_HIDDEN, N_HIDDEN, n_entry)
        self._weights = [
            rng.normal(0.0, a**-0.5, (a, b)).astype(np.float32) for a, b in pairwise(sizes)
        ]

    def act(self, observations: Float32) -> Float32:
        """Return actions, (n_lane, n_agent, n_entry)."""
        shape = observations.shape
        layer = observations.reshape(-1, shape[2]) * np.float32(0.01)
        for weights in self._weights:
            layer = np.tanh(layer @ weights)
        return layer.reshape(*shape[:2], -1)


@dataclass
class Batch:
    """An environment that goes on from episode to episode, and who acts in it."""

    envs: VectorGridEnv
    act: Callable[[Float32], Float32]
    observations: Float32

    def play(self, n: int) -> int:
        """Live through n steps of lanes, a multiple of their number."""
        for _ in range(n // self.envs.num_envs):
            self.observations = self.envs.step(self.act(self.observations))[0]
        return 0


def make(what: str, n_lane: int, *, has_network: bool) -> Batch:
    """Make a batch of `LOCK_STEP` or one of `CASES`, with a network or actions drawn beforehand."""
    envs: VectorGridEnv
    if what == LOCK_STEP:
        envs = VectorGridEnv(n_lane, setup_config(), autoreset_mode="SameStep")
    else:
        envs = EventDrivenVectorEnv(n_lane, setup_config(timing=CASES[what]))
    observations = envs.reset(seed=SEED)[0]
    n_agent, n_entry = envs.single_action_space.shape
    if has_network:
        return Batch(envs, Network(observations.shape[2], n_entry).act, observations)
    drawn = cycle(draw_actions(EPISODE, n_lane, n_agent, n_entry))
    return Batch(envs, lambda _: next(drawn), observations)


def compare(n_lane: int) -> None:
    """Demand that without delays two days by events are those in lock-step, to the last bit.

    Raises
    ------
    WrongAnswerError
        If they are not; also if a case with delays does not decide once an agent and step.
    """
    one = make(LOCK_STEP, n_lane, has_network=True)
    other = make("by events, no delays", n_lane, has_network=True)
    for number in range(2 * EPISODE):
        rewards = []
        for batch in (one, other):
            batch.observations, paid, *_ = batch.envs.step(batch.act(batch.observations))
            rewards.append(paid.tobytes() + batch.observations.tobytes())
        if rewards[0] != rewards[1]:
            raise WrongAnswerError(f"step {number}: by events it is not what it is in lock-step")
    for what in CASES:
        envs = make(what, n_lane, has_network=False).envs
        idle = envs.idle_actions()
        for number in range(EPISODE):
            infos = envs.step(idle)[4]
            if not infos["acting"].all() or (infos["n_interval"] != 1).any():
                raise WrongAnswerError(f"{what}, step {number}: not one decision an agent and step")
