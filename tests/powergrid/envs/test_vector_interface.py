"""The batched environment keeps the interface of vectors as a loop over single ones does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import heron
from heron.envs import LoopedVectorEnv, VectorMultiAgentEnv
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.vector_grid_env import VectorGridEnv

N_LANE = 7
STEP = ("cost", "safety", "energy_bought_mwh", "energy_sold_mwh")
PARTS = ("safety_device", "safety_voltage", "safety_loading", "safety_distribution")


@pytest.fixture
def config(
    small_config: dict[str, Any], draw_series: Callable[..., dict[str, np.ndarray]]
) -> dict[str, Any]:
    """Return a configuration whose first day ends in its third hour, without a power flow."""
    series = draw_series(seed=1)
    series["load"][2] = 200.0
    return {**small_config, "dataset": {"train": series}}


def pair(
    env_class: type[NetworkedGridEnv], config: dict[str, Any], mode: AutoresetMode
) -> tuple[VectorGridEnv, LoopedVectorEnv]:
    return (
        VectorGridEnv(N_LANE, config, env_class=env_class, autoreset_mode=mode),
        LoopedVectorEnv(lambda: env_class(config), N_LANE, autoreset_mode=mode),
    )


def demand_equal(
    answer: tuple[Any, ...], expected: tuple[Any, ...], lived: np.ndarray, over: np.ndarray
) -> None:
    """Compare two answers of `step`; `lived` are the lanes that did more than start."""
    for values, others in zip(answer[:4], expected[:4], strict=True):
        assert values.tolist() == others.tolist()
    infos, others = answer[4], expected[4]
    if lived.any():
        assert infos["converged"][lived].tolist() == others["converged"][lived, 0].tolist()
        converged = lived & infos["converged"]
        for name in STEP:
            assert infos[name][lived] == pytest.approx(others[name][lived], abs=1e-12), name
        for name in PARTS:
            if converged.any():
                values, wanted = infos[name][converged], others[name][converged]
                assert values == pytest.approx(wanted, abs=1e-12), name
    for name in (*STEP, *PARTS):
        assert not infos[name][~lived].any()
    if "final_obs" in infos and over.any():
        assert infos["final_obs"][over].tobytes() == others["final_obs"][over].tobytes()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_steps_and_resets_are_those_of_a_loop(
    env_of_config: type[NetworkedGridEnv], config: dict[str, Any], mode: AutoresetMode
) -> None:
    envs, loop = pair(env_of_config, config, mode)
    for each in (envs, loop):
        assert isinstance(each, VectorMultiAgentEnv)
        assert each.metadata["autoreset_mode"] is each.autoreset_mode is mode
    assert envs.agents == loop.agents
    assert envs.single_observation_space == loop.single_observation_space
    assert envs.single_action_space == loop.single_action_space
    rng = np.random.default_rng(0)
    first, expected = envs.reset(seed=40), loop.reset(seed=40)
    assert first[0].tobytes() == expected[0].tobytes()
    was_over = np.zeros(N_LANE, np.bool_)
    ends = set()
    for _ in range(16):
        actions = rng.uniform(-1.2, 1.2, envs.action_space.shape).astype(np.float32)
        answer, expected = envs.step(actions), loop.step(actions)
        over = answer[2] | answer[3]
        starts = was_over if mode is AutoresetMode.NEXT_STEP else np.zeros_like(over)
        demand_equal(answer, expected, ~starts, over)
        ends |= set(zip(answer[2].tolist(), answer[3].tolist(), strict=True))
        if mode is AutoresetMode.DISABLED and over.any():
            again = {
                "seed": rng.integers(1000, size=N_LANE).tolist(),
                "options": {"reset_mask": over},
            }
            assert envs.reset(**again)[0].tobytes() == loop.reset(**again)[0].tobytes()
        was_over = over.copy()
    assert ends == {(False, False), (True, False), (False, True)}


def test_make_vec_gives_the_batch_of_a_registered_id() -> None:
    config = {"max_episode_steps": 2}
    envs = heron.make_vec(
        "MultiAgentMicrogrids-v0", 3, env_config=config, autoreset_mode="SameStep"
    )
    assert isinstance(envs, VectorGridEnv)
    assert (envs.num_envs, envs.config.max_episode_steps) == (3, 2)
    assert envs.autoreset_mode is AutoresetMode.SAME_STEP


def test_a_step_in_which_all_lanes_start_costs_nothing(
    env_of_config: type[NetworkedGridEnv], small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(2, {**small_config, "max_episode_steps": 1}, env_class=env_of_config)
    envs.reset(seed=0)
    actions = envs.idle_actions()
    assert envs.step(actions)[4]["cost"].all()
    _, rewards, _, truncations, infos = envs.step(actions)
    assert not rewards.any()
    assert not truncations.any()
    assert infos["converged"].all()
    assert not any(infos[name].any() for name in (*STEP, *PARTS))
