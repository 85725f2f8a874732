"""A loop over single environments is a vector of them."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

import heron
from heron.envs import LoopedVectorEnv, VectorMultiAgentEnv, registry
from heron.errors import ConfigError, HeronError


def random_actions(envs, rng):
    shape = (envs.num_envs, *envs.single_action_space.shape)
    return rng.uniform(-1.0, 1.0, shape).astype(np.float32)


def test_it_is_a_vector_of_multi_agent_environments(make_lanes):
    envs = make_lanes(2)
    assert isinstance(envs, VectorMultiAgentEnv)
    assert envs.agents == ["zoe", "adam", "bea"]
    assert envs.single_observation_space == Box(-10.0, 10.0, (3, 3), np.float32)
    assert envs.single_action_space == Box(-1.0, 1.0, (3, 2), np.float32)
    assert envs.action_mask.all()
    assert envs.metadata["name"] == "drift_v0"


def test_a_lane_does_what_the_environment_does_alone(make_lanes, drift):
    envs, single = make_lanes(3), drift()
    rng = np.random.default_rng(1)
    observations, _ = envs.reset(seed=[7, 4, 9])
    seen, _ = single.reset(seed=4)
    for _ in range(12):
        assert observations[1].tolist() == [seen[agent].tolist() for agent in envs.agents]
        actions = random_actions(envs, rng)
        observations, rewards, terminations, truncations, infos = envs.step(actions)
        if not single.agents:
            seen, _ = single.reset()
            assert rewards[1].tolist() == [0.0, 0.0, 0.0]
            assert not terminations[1]
            assert not truncations[1]
            continue
        seen, paid, lost, late, told = single.step(dict(zip(envs.agents, actions[1], strict=True)))
        assert rewards[1].tolist() == [paid[agent] for agent in envs.agents]
        assert (terminations[1], truncations[1]) == (lost["zoe"], late["zoe"])
        assert infos["x"][1].tolist() == [told[agent]["x"] for agent in envs.agents]
        assert set(infos) == {"x", "k"}  # what all agents have, and is a number


def test_the_same_step_starts_the_next_episode_and_keeps_the_last_observations(make_lanes):
    envs = make_lanes(4, AutoresetMode.SAME_STEP)
    rng = np.random.default_rng(2)
    envs.reset(seed=0)
    n_over = 0
    for _ in range(12):
        observations, _, terminations, truncations, infos = envs.step(random_actions(envs, rng))
        for lane in np.flatnonzero(terminations | truncations):
            assert observations[lane, :, 2].tolist() == [0.0] * 3
            assert (infos["final_obs"][lane, :, 2] > 0.0).all()
            assert infos["k"][lane].tolist() == infos["final_obs"][lane, :, 2].tolist()
            n_over += 1
    assert n_over > 4


def test_a_mask_resets_some_lanes_with_their_own_seeds_and_options(make_lanes):
    envs = make_lanes(3, "Disabled")
    before, _ = envs.reset(seed=0)
    before = before.copy()
    mask = np.array([False, True, False])
    after, _ = envs.reset(seed=[None, 2, None], options={"reset_mask": mask, "wind": 3})
    assert after[[0, 2]].tolist() == before[[0, 2]].tolist()
    assert after[1].tolist() == make_lanes(1).reset(seed=2)[0][0].tolist()
    assert [env.options for env in envs.envs] == [{}, {"wind": 3}, {}]


def test_a_lane_that_is_over_waits_for_reset_if_it_is_to(make_lanes):
    envs = make_lanes(1, "Disabled", n_step=1)
    envs.reset(seed=0)
    actions = np.zeros((1, 3, 2), np.float32)
    assert envs.step(actions)[3].tolist() == [True]
    with pytest.raises(HeronError, match="lane 0 has no running episode"):
        envs.step(actions)


def test_what_fits_no_array_is_refused(make_lanes):
    with pytest.raises(ConfigError, match="num_envs is 0"):
        make_lanes(0)
    with pytest.raises(ConfigError, match=r"action_space of adam is .* equal for all agents"):
        make_lanes(1, narrow="adam")
    envs = make_lanes(2, leaver="bea")
    with pytest.raises(ConfigError, match=r"actions have shape \(3, 2\)"):
        envs.step(np.zeros((3, 2)))
    with pytest.raises(ConfigError, match="got 3 seeds for 2 lanes"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(ConfigError, match="reset_mask"):
        envs.reset(options={"reset_mask": [1, 0]})
    envs.reset(seed=0)
    with pytest.raises(HeronError, match="leave before the others"):
        envs.step(np.zeros((2, 3, 2)))


def test_closing_closes_all(make_lanes):
    envs = make_lanes(2)
    envs.close()
    assert all(env.is_closed for env in envs.envs)


def test_an_id_gives_its_own_vector_or_a_loop(monkeypatch, drift):
    def make_own(num_envs, env_config, autoreset_mode):
        return SimpleNamespace(num_envs=num_envs, config=env_config, mode=autoreset_mode)

    monkeypatch.setattr(registry, "_ENTRY_POINTS", {})
    monkeypatch.setattr(registry, "_VECTOR_ENTRY_POINTS", {})
    monkeypatch.setitem(sys.modules, "drifts", SimpleNamespace(Drift=drift, make_own=make_own))
    heron.register("loop-v0", "drifts:Drift")
    heron.register("own-v0", "drifts:Drift", "drifts:make_own")
    arguments = {"env_config": {"n_step": 9}, "autoreset_mode": "SameStep"}
    loop = heron.make_vec("loop-v0", 2, **arguments)
    assert isinstance(loop, LoopedVectorEnv)
    assert (loop.num_envs, loop.envs[1].n_step) == (2, 9)
    assert loop.autoreset_mode is AutoresetMode.SAME_STEP
    own = heron.make_vec("own-v0", 2, **arguments)
    assert (own.num_envs, own.config, own.mode) == (2, {"n_step": 9}, "SameStep")
    with pytest.raises(ConfigError, match="did you mean 'loop-v0'"):
        heron.make_vec("lop-v0", 2)
    with pytest.raises(ConfigError, match="registered already"):
        heron.register("own-v0", "drifts:Drift")
    with pytest.raises(ConfigError, match="vector_entry_point is 'drifts'"):
        heron.register("new-v0", "drifts:Drift", "drifts")


def test_an_id_registered_here_does_not_take_the_vector_that_a_package_offers(monkeypatch, drift):
    monkeypatch.setattr(registry, "_ENTRY_POINTS", {})
    monkeypatch.setitem(sys.modules, "drifts", SimpleNamespace(Drift=drift))
    heron.register("MultiAgentMicrogrids-v0", "drifts:Drift")
    assert isinstance(heron.make_vec("MultiAgentMicrogrids-v0", 1), LoopedVectorEnv)
