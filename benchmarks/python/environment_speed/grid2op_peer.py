"""Grid2Op, a published power-grid environment, on its 14-bus grid with lightsim2grid."""

from __future__ import annotations

import importlib.util
import time
import warnings
from itertools import cycle
from typing import Any

import numpy as np
from speed.measure import WrongAnswerError

from environment_speed.problem import SEED
from environment_speed.subject import Subject

__all__ = ["GRID2OP", "is_installed", "subjects"]

GRID2OP = "Grid2Op, 14 buses, lightsim2grid"
ENVIRONMENT = "l2rpn_case14_sandbox"  # in its package
N_STEP = 48
N_ACTION = 64


def is_installed() -> bool:
    """Tell whether the packages are there."""
    return all(importlib.util.find_spec(name) for name in ("grid2op", "lightsim2grid"))


def subjects() -> list[Subject]:
    """Return it with an agent that does nothing, and with one that redispatches at random."""
    return [
        Peer(redispatch).subject(f"{GRID2OP}, {how}")
        for redispatch, how in ((False, "no action"), (True, "redispatch"))
    ]


class Peer:
    """One environment and its actions.

    It has no twin here; every step must do what was asked. Its episodes are as long as its series,
    or end before by its own rules; its resets, which are slow, are not counted.
    """

    def __init__(self, redispatch: bool) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import grid2op
            from lightsim2grid import LightSimBackend

            self.env = grid2op.make(ENVIRONMENT, test=True, backend=LightSimBackend())
        self.env.seed(SEED)
        self.env.reset()
        self._next = cycle(self._draw() if redispatch else [self.env.action_space({})])

    def _draw(self) -> list[Any]:
        """Draw changes of the dispatch within the generators' ramps."""
        env, rng = self.env, np.random.default_rng(SEED)
        can = np.flatnonzero(env.gen_redispatchable)
        # A tenth of the ramp keeps the dispatch away from limits, where it would do nothing.
        reach = 0.1 * np.minimum(env.gen_max_ramp_up, env.gen_max_ramp_down)[can]
        return [
            env.action_space(
                {"redispatch": [(int(g), float(x)) for g, x in zip(can, of_action, strict=True)]}
            )
            for of_action in rng.uniform(-1.0, 1.0, (N_ACTION, len(can))) * reach
        ]

    def play(self, n: int) -> int:
        """Live through n steps; return the nanoseconds of resets."""
        env, following, left_out = self.env, self._next, 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(n):
                _, _, is_over, info = env.step(next(following))
                if info["exception"] and not is_over:
                    raise WrongAnswerError(f"{GRID2OP}: {info['exception']}")
                if is_over:
                    began = time.process_time_ns()
                    env.reset()
                    left_out += time.process_time_ns() - began
        return left_out

    def subject(self, what: str) -> Subject:
        """Return it as something to be timed."""
        return Subject(what, self.play, N_STEP, n_agent=1)
