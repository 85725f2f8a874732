"""Batches, their lanes out of phase, held to single environments."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from speed.measure import WrongAnswerError

from environment_speed.problem import EPISODE, SEED, draw_actions, setup_config
from environment_speed.subject import Subject
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv

__all__ = ["BATCH", "Batch", "subject"]

BATCH = "VectorGridEnv"
# An episode's steps, and the one in which a lane only starts anew.
ROUND = EPISODE + 1
N_FLOAT = 1 << 22  # actions kept for repetition: 16 MiB


class Batch:
    """A batch whose lanes end their episodes in turns, a twenty-fifth of them in each step.

    Parameters
    ----------
    n_lane, n_thread
        Size, and who shares it.
    """

    def __init__(self, n_lane: int, n_thread: int = 1) -> None:
        self.envs = VectorGridEnv(n_lane, setup_config(), n_thread=n_thread)
        shape = self.envs.single_action_space.shape
        n_block = min(ROUND, max(2, N_FLOAT // (n_lane * shape[0] * shape[1])))
        self.actions = draw_actions(n_block, n_lane, *shape)
        self.phase = np.arange(n_lane) % ROUND
        self._next = cycle(self.actions)

    def begin(self) -> None:
        """Start all lanes in phase, and their actions anew."""
        self.envs.reset(seed=SEED)
        self._next = cycle(self.actions)

    def step_out_of_phase(self, number: int) -> np.ndarray:
        """Do one of the first `ROUND` steps, before which some lanes start anew; return rewards."""
        mask = self.phase == number
        if mask.any():
            self.envs.reset(options={"reset_mask": mask})
        return self.step()

    def step(self) -> np.ndarray:
        """Do one step; return rewards."""
        return self.envs.step(next(self._next))[1]

    def scatter(self) -> None:
        """Bring the lanes out of phase."""
        self.begin()
        for number in range(ROUND):
            self.step_out_of_phase(number)

    def play(self, n: int) -> int:
        """Live through n steps of lanes, whole episodes of all of them."""
        step, following = self.envs.step, self._next
        for _ in range(n // (EPISODE * self.envs.num_envs) * ROUND):
            step(next(following))
        return 0


def subject(n_lane: int, n_thread: int, singles: Sequence[MultiAgentMicrogrids]) -> Subject:
    """Return a batch with its lanes out of phase, some of them compared with `singles`."""
    batch = Batch(n_lane, n_thread)
    compare(batch, singles)
    n_agent = len(batch.envs.agents)
    return Subject(BATCH, batch.play, EPISODE * n_lane, n_agent, n_lane, n_thread, error=0.0)


def compare(batch: Batch, singles: Sequence[MultiAgentMicrogrids]) -> None:
    """Demand of some lanes that they do what single environments do, over two episodes.

    Raises
    ------
    WrongAnswerError
        If rewards or observations differ in any bit.
    """
    n_lane = batch.envs.num_envs
    lanes = np.unique(np.linspace(0, n_lane - 1, len(singles)).round().astype(int)).tolist()
    envs = dict(zip(lanes, singles, strict=False))
    batch.begin()
    for lane, env in envs.items():
        env.reset(seed=SEED + lane)
    for number in range(2 * ROUND):
        actions = batch.actions[number % len(batch.actions)]
        rewards = batch.step_out_of_phase(number) if number < ROUND else batch.step()
        observations = batch.envs.engine.observer.observations
        for lane, env in envs.items():
            if batch.phase[lane] == number:
                env.reset()
            if env.agents:
                seen, paid, *_ = env.step(dict(zip(env.agents, actions[lane], strict=True)))
            else:  # the step after the last of an episode starts the next
                seen, paid = env.reset()[0], dict.fromkeys(env.possible_agents, 0.0)
            same = observations[lane].tobytes() == b"".join(o.tobytes() for o in seen.values())
            if not same or rewards[lane].tolist() != list(paid.values()):
                raise WrongAnswerError(
                    f"{BATCH}, lane {lane} of {n_lane}, step {number}: not what a single "
                    f"environment does"
                )
