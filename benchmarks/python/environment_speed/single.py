"""Environments stepped one at a time, through PettingZoo's interface."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from speed.measure import WrongAnswerError

from environment_speed.problem import EPISODE, SEED, draw_actions, make_single
from environment_speed.subject import Subject

__all__ = ["PETTINGZOO", "REFERENCE", "REFERENCE_NATIVE_FLOW", "Single", "subjects"]

PETTINGZOO = "PettingZoo environment"
REFERENCE = "reference, pandapower"
REFERENCE_NATIVE_FLOW = "reference, native power flow"
WITHIN = 1e-7  # of the reference, absolute and relative
N_BLOCK = 8 * EPISODE  # steps until actions repeat


class Single:
    """One environment and its actions.

    Parameters
    ----------
    changes
        Entries of the configuration.
    """

    def __init__(self, **changes: Any) -> None:
        self.env = make_single(**changes)
        names = self.env.possible_agents
        (n_entry,) = self.env.action_space(names[0]).shape
        drawn = draw_actions(N_BLOCK, 1, len(names), n_entry)[:, 0]
        self.actions = [dict(zip(names, of_step, strict=True)) for of_step in drawn]
        self._next = cycle(self.actions)
        self.env.reset(seed=SEED)

    def play(self, n: int) -> int:
        """Live through whole episodes of n steps together."""
        env, following = self.env, self._next
        for _ in range(n // EPISODE):
            env.reset()
            for _ in range(EPISODE):
                env.step(next(following))
            if env.agents:
                raise WrongAnswerError("an episode is longer than it should be")
        return 0

    def subject(self, what: str, error: float | None) -> Subject:
        """Return it as something to be timed."""
        return Subject(what, self.play, EPISODE, len(self.env.possible_agents), error=error)


def subjects() -> list[Subject]:
    """Return the PettingZoo environment and its references, their answers compared."""
    native = Single()
    reference = Single(backend="reference", power_flow="pandapower")
    plain = Single(backend="reference", power_flow="native")
    far = distance(native, reference)
    if far > 1.0:
        raise WrongAnswerError(
            f"{PETTINGZOO}: {far:.2g} times as far from the reference as the {WITHIN:.0e} allowed"
        )
    if distance(plain, native) > 0.0:
        raise WrongAnswerError(f"{REFERENCE_NATIVE_FLOW}: not the same to the last bit")
    return [
        reference.subject(REFERENCE, None),
        plain.subject(REFERENCE_NATIVE_FLOW, 0.0),
        native.subject(PETTINGZOO, far),
    ]


def distance(single: Single, other: Single) -> float:
    """Play an episode with both; return their largest difference as a multiple of `WITHIN`.

    Rewards and all features are compared, absolutely where they are below 1 and relatively above.
    """
    envs = (single.env, other.env)
    for env in envs:
        env.reset(seed=SEED)
    worst = 0.0
    for actions in single.actions[:EPISODE]:
        rewards = [np.array(list(env.step(actions)[1].values())) for env in envs]
        for ours, theirs in (rewards, [env.table.values[:, 0] for env in envs]):
            allowed = WITHIN * np.maximum(np.abs(theirs), 1.0)
            worst = max(worst, float((np.abs(ours - theirs) / allowed).max()))
    if any(env.agents for env in envs):
        raise WrongAnswerError("an episode is longer than it should be")
    return worst
