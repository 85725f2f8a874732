"""A wrong call says what would have been right and leaves the environment as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError

OK = np.zeros(9)


def snapshot(env: Any) -> tuple[Any, ...]:
    """Return everything that the rest of an episode depends on."""
    flow = env.power_flow
    return (
        env.table.values.tobytes(),
        flow.tap_pos.tobytes(),
        flow.sgen_p_mw.tobytes(),
        flow.result.vm_pu.tobytes(),
        flow.n_solve,
        list(env.agents),
        repr(env._rng.bit_generator.state),
        env.get_collective_metrics(),
        [dict(device.cost_parts) for a in env.agent_dict.values() for device in a.devices.values()],
    )


def rest_of_episode(env: Any) -> list[Any]:
    rng = np.random.default_rng(3)
    seen = []
    while env.agents:
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        observations, *answers = env.step(actions)
        seen.append(({a: o.tobytes() for a, o in observations.items()}, answers))
    observations, _ = env.reset()  # draws from the generator that an error must not have touched
    return [*seen, env.day, {a: o.tobytes() for a, o in observations.items()}]


def begun(env: Any) -> Any:
    env.reset(seed=7)
    rng = np.random.default_rng(1)
    for _ in range(2):
        env.step({a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents})
    return env


def bent(at: int, value: float) -> np.ndarray:
    action = OK.copy()
    action[at] = value
    return action


WRONG_STEPS: list[tuple[dict[str, Any], str]] = [
    ({"A": bent(3, np.nan), "B": OK}, "action of A is not finite at ESS0.p"),
    ({"A": OK, "B": bent(8, np.inf)}, "action of B is not finite at Transformer0.tap"),
    ({"A": OK, "B": bent(0, -np.inf)}, "action of B is not finite at Generator0.p"),
    ({"A": OK, "B": np.zeros(8)}, r"action of B has shape \(8,\), expected \(9,\): Generator0.p, "),
    ({"A": np.zeros((1, 9)), "B": OK}, r"action of A has shape \(1, 9\), expected \(9,\)"),
    ({"A": 0.5, "B": OK}, r"action of A has shape \(\), expected \(9,\)"),
    ({"A": None, "B": OK}, r"action of A has shape \(\), expected \(9,\)"),
    (
        {"A": ["up"] * 9, "B": OK},
        r"action of A is no array of numbers \(could not .*'up'\), expected",
    ),
    ({"A": {"c": OK}, "B": OK}, "action of A is no array of numbers"),
    ({"A": OK}, "no action for B: each of A, B needs one"),
    ({}, "no action for A, B"),
    ({"A": OK, "B": OK, "C": OK}, "unknown agent 'C'.* Known: 'A', 'B'"),
    ({"a": OK, "B": OK}, "unknown agent 'a'; did you mean 'A'"),
]


@pytest.fixture(scope="module")
def right_ending(make_villages: Callable[..., Any]) -> list[Any]:
    return rest_of_episode(begun(make_villages()))


@pytest.fixture(scope="module")
def env(make_villages: Callable[..., Any]) -> Any:
    return make_villages()


@pytest.mark.parametrize(("actions", "said"), WRONG_STEPS)
def test_a_wrong_action_is_named_and_changes_nothing(
    env: Any, actions: dict[str, Any], said: str
) -> None:
    begun(env)
    before = snapshot(env)
    with pytest.raises(ValueError, match=said):
        env.step(actions)
    assert snapshot(env) == before


def test_an_episode_goes_on_as_if_nothing_wrong_had_been_asked(
    env: Any, right_ending: list[Any]
) -> None:
    begun(env)
    for actions, _ in WRONG_STEPS:
        with pytest.raises(ValueError):  # noqa: PT011 - the messages are tested above
            env.step(actions)
    assert rest_of_episode(env) == right_ending


@pytest.mark.parametrize(
    ("reset", "said"),
    [
        ({"options": {"day": 2}}, r"day 2 does not exist: the split has 0\.\.1"),
        ({"options": {"day": -1}}, "day -1 does not exist"),
        ({"options": {"day": "monday"}}, "day 'monday' does not exist"),
        ({"options": {"day": 0.5}}, "day 0.5 does not exist"),
        ({"options": {"days": 1}}, "reset options: unknown key 'days'; did you mean 'day'"),
        ({"seed": 1, "options": {"day": 9}}, "day 9 does not exist"),
    ],
)
def test_a_wrong_reset_is_named_and_the_episode_goes_on(
    env: Any, right_ending: list[Any], reset: dict[str, Any], said: str
) -> None:
    begun(env)
    before = snapshot(env)
    with pytest.raises(ConfigError, match=said):
        env.reset(**reset)
    assert snapshot(env) == before
    assert rest_of_episode(env) == right_ending


def test_options_of_others_are_let_pass(env: Any) -> None:
    first, _ = env.reset(seed=0)
    second, _ = env.reset(seed=0, options={"colour": "blue"})
    assert all(np.array_equal(first[agent], second[agent]) for agent in first)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("c", np.full(7, np.nan), "action of A is not finite at Generator0.p"),
        ("c", np.zeros(6), r"action of A has parts .*'c': \(6,\).*expected .*'c': \(7,\)"),
        (
            "d",
            np.array([0, 3]),
            r"discrete action of A is \[0, 3\], expected integers below \[2, 3\]",
        ),
        ("d", np.array([0.5, 0]), "discrete action of A is .* expected integers"),
        ("d", np.array([np.nan, 0]), "discrete action of A is .* expected integers"),
        ("d", None, "action of A has parts"),
        ("x", np.zeros(2), "action of A has parts"),
    ],
)
def test_a_wrong_part_of_a_dict_action_is_named(
    make_villages: Callable[..., Any], part: str, value: Any, said: str
) -> None:
    env = make_villages(action_mode="dict")
    env.reset(seed=0)
    right = {agent: env.idle_action(agent) for agent in env.agents}
    wrong = copy.deepcopy(right)
    wrong["A"][part] = value
    before = snapshot(env)
    with pytest.raises(ValueError, match=said):
        env.step(wrong)
    with pytest.raises(ValueError, match="action of A has parts ndarray, expected"):
        env.step({"A": OK, "B": right["B"]})
    assert snapshot(env) == before
    env.step(right)


@pytest.mark.parametrize(
    "ask", ["observation_names", "action_names", "idle_action", "observation_space", "action_space"]
)
def test_an_unknown_agent_is_named_everywhere(env: Any, ask: str) -> None:
    with pytest.raises(ConfigError, match="unknown agent 'AA'; did you mean 'A'"):
        getattr(env, ask)("AA")
