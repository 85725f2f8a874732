"""Lanes of a batch beside single environments, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from environment_evidence.cases import config_of, n_variant
from environment_evidence.extreme_actions import STYLES, extreme_actions
from powergrid import _core
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv

__all__ = ["SameBits", "compare", "instruction_sets"]

LEVELS = ("baseline", "avx2", "avx512")


@dataclass
class SameBits:
    """How many numbers were compared, and how many differ in any bit."""

    what: str
    simd: str
    n_lane: int
    n_thread: int
    n_step: int = 0
    n_number: int = 0
    n_different: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return self.n_different == 0 < self.n_number


def instruction_sets() -> list[str]:
    """Return the sets that this machine has, from least to best."""
    return list(LEVELS[: LEVELS.index(_core.best_simd_level()) + 1])


def compare(case: str, n_lane: int, n_thread: int, simd: str, n_step: int = 24) -> SameBits:
    """Play an episode in all lanes, and the same ones one after the other, in every variant."""
    found = SameBits(case, simd, n_lane, n_thread)
    with _instructions(simd):
        for variant in range(n_variant(case)):
            _compare(case, variant, n_step, found)
    return found


def _compare(case: str, variant: int, n_step: int, found: SameBits) -> None:
    config = config_of(case, variant, max_episode_steps=n_step)
    envs = VectorGridEnv(found.n_lane, config, n_thread=found.n_thread)
    rng = np.random.default_rng([variant, found.n_lane])
    seeds = rng.permutation(10 * found.n_lane)[: found.n_lane].tolist()
    streams = [
        extreme_actions(envs.single_action_space.shape, rng, STYLES[k % len(STYLES)])
        for k in range(found.n_lane)
    ]
    actions = np.stack([[next(stream) for stream in streams] for _ in range(n_step)])
    seen = [envs.reset(seed=seeds)[0].copy()]
    tables, paid = [envs.state().copy()], []
    for of_step in actions:
        observations, rewards, *_ = envs.step(of_step)
        seen.append(observations.copy())
        tables.append(envs.state().copy())
        paid.append(rewards.copy())
    envs.close()
    env = MultiAgentMicrogrids(config)
    names = env.possible_agents
    for lane, seed in enumerate(seeds):
        observations = env.reset(seed=seed)[0]
        rewards = None
        for step in range(n_step + 1):
            if step:
                of_step = dict(zip(names, actions[step - 1, lane], strict=True))
                observations, rewards, *_ = env.step(of_step)
            alone = np.stack(list(observations.values()))
            _count(seen[step][lane], alone, found)
            _count(tables[step][:, lane], env.table.values[:, 0], found)
            if rewards is not None:
                _count(paid[step - 1][lane], np.array(list(rewards.values())), found)
                found.n_step += 1


def _count(ours: np.ndarray, theirs: np.ndarray, found: SameBits) -> None:
    a, b = (np.ascontiguousarray(x) for x in (ours, theirs))
    kind = f"i{a.dtype.itemsize}"
    found.n_number += a.size
    found.n_different += int((a.view(kind) != b.view(kind)).sum())


@contextmanager
def _instructions(simd: str) -> Iterator[None]:
    """Fix the instructions of the power flows that are made inside."""
    before = os.environ.get("HERON_SIMD")
    os.environ["HERON_SIMD"] = simd
    try:
        yield
    finally:
        if before is None:
            del os.environ["HERON_SIMD"]
        else:
            os.environ["HERON_SIMD"] = before
