"""When an episode begins and ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.errors import HeronError


def idle(env: Any) -> dict[str, Any]:
    return {agent: env.idle_action(agent) for agent in env.agents}


def test_the_time_limit_truncates_and_does_not_terminate(small: Any) -> None:
    small.reset(seed=0)
    for k in range(6):
        _, _, terminated, truncated, _ = small.step(idle(small))
        assert terminated == {"A": False, "B": False}
        assert truncated == dict.fromkeys(("A", "B"), k == 5)
    assert small.agents == []


def test_keys_are_agents_and_nothing_else(small: Any) -> None:
    observations, infos = small.reset(seed=0)
    assert list(observations) == list(infos) == small.possible_agents == ["A", "B"]
    assert infos == {"A": {}, "B": {}}
    for answer in small.step(idle(small)):
        assert list(answer) == ["A", "B"]


def test_the_last_step_still_observes(small: Any) -> None:
    small.reset(seed=0)
    while small.agents:
        observations, *_ = small.step(idle(small))
    for agent, observation in observations.items():
        assert small.observation_space(agent).contains(observation)
        assert np.isfinite(observation).all()


def test_a_step_after_the_end_gives_nothing(small: Any) -> None:
    small.reset(seed=0)
    while small.agents:
        small.step(idle(small))
    table = small.table.values.tobytes()
    assert small.step({}) == ({}, {}, {}, {}, {})
    assert small.step({"A": np.zeros(9)}) == ({}, {}, {}, {}, {})
    assert small.table.values.tobytes() == table


def test_a_step_before_reset_is_refused(make_villages: Any) -> None:
    env = make_villages()
    assert env.agents == []
    with pytest.raises(HeronError, match=r"step\(\) before reset\(\): call env.reset\(\) first"):
        env.step({})


def test_an_episode_can_be_broken_off(small: Any) -> None:
    first, _ = small.reset(seed=3)
    small.step(idle(small))
    again, _ = small.reset(seed=3)
    assert small.agents == ["A", "B"]
    assert all(np.array_equal(first[agent], again[agent]) for agent in first)
