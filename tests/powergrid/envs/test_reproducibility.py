"""The same seed gives the same episode: later, elsewhere, whatever came before."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup


def far_episode() -> str:
    """Return a digest of an episode in a new environment of a shipped setup."""
    config = load_setup("ieee34_ieee13")
    config.update(train=False, max_episode_steps=3, variability=True)
    return play(MultiAgentMicrogrids(config), 11)


def play(env: Any, seed: int | None, action_seed: int = 5, **options: Any) -> str:
    """Return a digest of everything that an episode of random actions shows."""
    observations, _ = env.reset(seed=seed, options=options)
    rng = np.random.default_rng(action_seed)
    digest = hashlib.sha256()
    while True:
        for values in (*observations.values(), env.table.values):
            digest.update(values.tobytes())
        if not env.agents:
            return digest.hexdigest()
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        observations, rewards, _, _, infos = env.step(actions)
        digest.update(repr((rewards, infos)).encode())


def test_an_episode_does_not_depend_on_what_came_before(small: Any) -> None:
    first = play(small, 4)
    play(small, 9, action_seed=1)
    assert play(small, 4) == first


def test_an_episode_after_taps_and_units_moved_is_the_same(ieee34: Any) -> None:
    first = play(ieee34, 4)
    play(ieee34, 8, action_seed=1)
    assert play(ieee34, 4) == first


def test_other_seeds_give_other_days(small: Any) -> None:
    assert len({play(small, seed, action_seed=0) for seed in range(6)}) > 1


def test_without_a_seed_the_days_go_on_as_the_first_seed_says(make_villages: Any) -> None:
    def days(seed: int) -> list[int]:
        env = make_villages(dataset=None, max_episode_steps=1)
        env.reset(seed=seed)
        found = [env.day]
        for _ in range(3):
            env.reset()
            found.append(env.day)
        return found

    assert days(1) == days(1)
    assert len(set(days(1))) > 1
    assert days(1) != days(2)


def test_the_configured_seed_starts_the_days(make_villages: Any) -> None:
    found = []
    for _ in range(2):
        env = make_villages(seed=17, dataset=None)
        env.reset()
        found.append(env.day)
    given = make_villages(dataset=None)
    given.reset(seed=17)
    assert found == [given.day, given.day]


def test_a_wanted_day_is_played(small: Any) -> None:
    small.reset(seed=0, options={"day": 1})
    assert small.day == 1
    price = small.agent_dict["A"].state.market.price
    assert price == small.config.dataset["train"]["price"][24]


def test_global_random_state_is_neither_read_nor_changed(small: Any) -> None:
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()  # noqa: NPY002
    first = play(small, 4)
    after = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(before[1], after[1])
    np.random.seed(1)  # noqa: NPY002
    assert play(small, 4) == first


def test_another_process_lives_through_the_same_episode() -> None:
    code = f"import runpy; print(runpy.run_path({__file__!r})['far_episode']())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == far_episode()


@pytest.mark.parametrize("seed", [0, 1])
def test_fluctuation_is_keyed_by_the_seed(make_villages: Any, seed: int) -> None:
    env = make_villages(variability=True, step_s=300.0)
    assert play(env, seed) == play(make_villages(variability=True, step_s=300.0), seed)
