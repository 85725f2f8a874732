"""PettingZoo's own tests; every warning of theirs is an error here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids


def test_a_small_environment_conforms(make_villages: Callable[..., Any]) -> None:
    parallel_api_test(make_villages(), num_cycles=12)


def test_the_dict_action_mode_conforms(make_villages: Callable[..., Any]) -> None:
    parallel_api_test(make_villages(action_mode="dict"), num_cycles=12)


@pytest.mark.parametrize("setup", ["ieee34", "ieee123"])
def test_the_shipped_setups_conform(setup: str, request: pytest.FixtureRequest) -> None:
    env: MultiAgentMicrogrids = request.getfixturevalue(setup)
    parallel_api_test(env, num_cycles=20)
    assert env.agents == []


@pytest.mark.parametrize("mode", ["flat", "dict"])
def test_two_environments_of_one_seed_agree(make_villages: Callable[..., Any], mode: str) -> None:
    parallel_seed_test(lambda: make_villages(action_mode=mode, variability=True), num_cycles=6)


@pytest.mark.parametrize("setup", ["ieee34", "ieee123"])
def test_a_shipped_setup_agrees_with_itself(setup: str, request: pytest.FixtureRequest) -> None:
    env = request.getfixturevalue(setup)
    other = MultiAgentMicrogrids(env.env_config)
    environments = iter([env, other])
    parallel_seed_test(lambda: next(environments), num_cycles=4)
