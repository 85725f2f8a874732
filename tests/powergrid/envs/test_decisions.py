"""The ring of decisions that are on their way."""

from __future__ import annotations

import numpy as np
import pytest

from powergrid.envs import decisions
from powergrid.envs.decisions import Decisions

NOTHING = 2**63 - 1  # what the control loop says where nothing is on its way


@pytest.mark.parametrize("capacity", [1, 4, 64])
def test_what_is_on_its_way_stays_as_it_was_decided(
    capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FIRST_CAPACITY", capacity)
    rng = np.random.default_rng(0)
    alive: dict[int, np.ndarray] = {}
    ring = Decisions(2, lambda: min(alive, default=NOTHING))
    for _ in range(300):
        actions = rng.normal(size=(rng.integers(0, 6), 2))
        numbers = ring.add(actions)
        alive |= dict(zip(numbers.tolist(), actions, strict=True))
        for number in list(alive):
            if rng.random() < 0.2:
                del alive[number]
        for number, action in alive.items():
            row = ring.row(np.array([number]))
            np.testing.assert_array_equal(ring.flat[row][0], action)


def test_the_ring_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "FIRST_CAPACITY", 8)
    ring = Decisions(1, lambda: NOTHING)
    for _ in range(100):
        ring.add(np.zeros((4, 1)))
    assert len(ring) == 400
    assert ring.flat.shape == (8, 1)
