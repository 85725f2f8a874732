"""Random policies draw from their own copy of a space."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from heron.core.policies import RandomPolicy


def test_actions_lie_in_the_space_and_repeat_by_seed():
    space = spaces.Box(-1.0, 1.0, (3,))
    one, two = RandomPolicy(space, seed=5), RandomPolicy(space, seed=5)
    actions = [one.forward(None) for _ in range(3)]
    assert all(space.contains(action) for action in actions)
    assert np.array_equal(actions, [two.forward(None) for _ in range(3)])
    assert not np.array_equal(actions[0], actions[1])


def test_seeding_starts_the_draws_anew_and_reset_does_not():
    policy = RandomPolicy(spaces.Discrete(1_000_000), seed=5)
    first = policy.forward(None)
    policy.reset()
    assert policy.forward(None) != first
    policy.seed(5)
    assert policy.forward(None) == first


def test_the_given_space_keeps_its_own_draws():
    space, twin = spaces.Discrete(1_000_000, seed=1), spaces.Discrete(1_000_000, seed=1)
    RandomPolicy(space, seed=5).forward(None)
    assert space.sample() == twin.sample()
