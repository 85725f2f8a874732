"""A multi-agent environment of a few lines, for what is to work with any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from pettingzoo import ParallelEnv

from heron.envs import LoopedVectorEnv


class Drift(ParallelEnv):
    """Agents push a point each and pay for its distance from 0.

    An episode terminates when a point is farther than 2 away, and is truncated after `n_step`
    steps. Where points begin, and a drift, are drawn by the seed.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "drift_v0", "render_modes": ["ansi"], "render_fps": 1
    }  # fmt: skip

    def __init__(
        self, env_config: Mapping[str, Any] | None = None, *, render_mode: str | None = None
    ) -> None:
        config = {"n_step": 5, "leaver": None, "narrow": None, **(env_config or {})}
        self.n_step, self.leaver, self.narrow = (
            config[name] for name in ("n_step", "leaver", "narrow")
        )
        self.possible_agents = ["zoe", "adam", "bea"]  # not in alphabetical order
        self.agents: list[str] = []
        self.render_mode = render_mode
        self.is_closed = False
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> Box:
        return Box(-10.0, 10.0, (3,), np.float32)

    def action_space(self, agent: str) -> Box:
        return Box(-1.0, 1.0, (1 if agent == self.narrow else 2,), np.float32)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.k = 0
        self.x = dict(zip(self.agents, self._rng.uniform(-1.0, 1.0, 3), strict=True))
        self.drift = float(self._rng.uniform(-0.7, 0.7))
        self.options = options
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], ...]:
        acting = list(self.agents)
        self.k += 1
        for agent in acting:
            push = np.clip(actions[agent], -1.0, 1.0).astype(np.float64)
            self.x[agent] += self.drift + 0.2 * float(push[0]) - 0.1 * float(push[-1])
        is_lost = any(abs(x) > 2.0 for x in self.x.values())
        is_late = self.k >= self.n_step and not is_lost
        if is_lost or is_late:
            self.agents = []
        elif self.leaver is not None:
            self.agents.remove(self.leaver)
        rewards = {agent: -abs(self.x[agent]) for agent in reversed(acting)}
        infos = {agent: {"x": self.x[agent], "k": self.k, "name": agent} for agent in acting}
        infos["zoe"]["only_mine"] = 1.0
        return (
            self._observe(), rewards, dict.fromkeys(acting, is_lost),
            dict.fromkeys(acting, is_late), infos,
        )  # fmt: skip

    def render(self) -> str:
        return f"step {self.k}"

    def close(self) -> None:
        self.is_closed = True

    def _observe(self) -> dict[str, np.ndarray]:
        of_agent = {
            agent: np.array([x, self.drift, self.k], np.float32) for agent, x in self.x.items()
        }
        return dict(reversed(of_agent.items()))


@pytest.fixture(scope="session")
def drift() -> type[Drift]:
    """Return the class of the small environment."""
    return Drift


@pytest.fixture(scope="session")
def make_lanes() -> Callable[..., LoopedVectorEnv]:
    """Return a maker of lanes of it."""

    def make(
        num_envs: int, mode: AutoresetMode | str = AutoresetMode.NEXT_STEP, **config: Any
    ) -> LoopedVectorEnv:
        return LoopedVectorEnv(lambda: Drift(config), num_envs, autoreset_mode=mode)

    return make
