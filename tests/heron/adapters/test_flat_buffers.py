"""The contract of flat buffers, point by point; with PufferLib itself where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

import heron
from heron.adapters.flat_buffers import FlatBufferEnv
from heron.errors import ConfigError, HeronError

N_LANE, N_ROW = 4, 12
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]


@pytest.fixture
def buf():
    """Return buffers as a caller would own them, full of what does not belong there."""
    return {
        "observations": np.full((N_ROW, 3), 7.0, np.float32),
        "rewards": np.full(N_ROW, 7.0, np.float32),
        "terminals": np.ones(N_ROW, np.bool_),
        "truncations": np.ones(N_ROW, np.bool_),
        "masks": np.zeros(N_ROW, np.bool_),
        "actions": np.zeros((N_ROW, 2), np.float32),
    }


def test_rows_are_the_agents_of_each_lane_in_turn(make_lanes):
    env = FlatBufferEnv(make_lanes(N_LANE))
    assert (env.num_envs, env.num_agents, env.agents_per_batch) == (N_LANE, N_ROW, N_ROW)
    assert env.single_observation_space == Box(-10.0, 10.0, (3,), np.float32)
    assert env.single_action_space == Box(-1.0, 1.0, (2,), np.float32)
    assert env.observation_space.shape == env.observations.shape == (N_ROW, 3)
    assert env.action_space.shape == env.actions.shape == (N_ROW, 2)
    assert env.agent_ids.tolist() == list(range(N_ROW))
    assert env.driver_env is env
    assert env.emulated is env.done is False


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_own", [True, False])
def test_the_callers_buffers_hold_what_the_lanes_say(make_lanes, buf, mode, is_own):
    env, lanes = FlatBufferEnv(make_lanes(N_LANE, mode), buf), make_lanes(N_LANE, mode)
    views = {name: values[5:7] for name, values in buf.items()}
    rng = np.random.default_rng(0)
    seen, infos = env.reset(seed=3)
    assert seen is buf["observations"]
    assert infos == []
    assert seen.tolist() == lanes.reset(seed=3)[0].reshape(N_ROW, 3).tolist()
    assert not any(buf[name].any() for name in ("rewards", "terminals", "truncations"))
    assert buf["masks"].all()
    over = np.zeros(N_LANE, np.bool_)
    for _ in range(14):
        actions = rng.uniform(-1.0, 1.0, (N_ROW, 2)).astype(np.float32)
        if is_own:  # a policy writes into the buffer
            buf["actions"][:] = actions
            answer = env.step(buf["actions"])
        else:
            answer = env.step(actions)
        names = ("observations", "rewards", "terminals", "truncations")
        assert all(a is buf[name] for a, name in zip(answer[:4], names, strict=True))
        expected, paid, lost, late, _ = lanes.step(actions.reshape(N_LANE, 3, 2))
        assert buf["observations"].tolist() == expected.reshape(N_ROW, 3).tolist()
        assert buf["rewards"].tolist() == paid.reshape(-1).astype(np.float32).tolist()
        assert buf["terminals"].tolist() == np.repeat(lost, 3).tolist()
        assert buf["truncations"].tolist() == np.repeat(late, 3).tolist()
        starts = over if mode is AutoresetMode.NEXT_STEP else np.zeros_like(over)
        assert buf["masks"].tolist() == np.repeat(~starts, 3).tolist()
        assert buf["actions"].tolist() == actions.tolist()
        over = lost | late
        for name, view in views.items():
            assert view.tolist() == buf[name][5:7].tolist()


@pytest.mark.parametrize("mode", MODES)
def test_infos_are_means_over_the_episodes_that_ended(make_lanes, mode):
    env = FlatBufferEnv(make_lanes(N_LANE, mode))
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    total, length = np.zeros(N_LANE), np.zeros(N_LANE)
    n_told = 0
    for _ in range(20):
        actions = rng.uniform(-1.0, 1.0, (N_ROW, 2)).astype(np.float32)
        _, rewards, terminals, truncations, infos = env.step(actions)
        total += rewards.reshape(N_LANE, 3).sum(axis=1)
        length += env.masks[::3]
        over = (terminals | truncations)[::3]
        if not over.any():
            assert infos == []
            continue
        (told,) = infos
        assert told["episode_return"] == pytest.approx(total[over].mean(), rel=1e-6)
        assert told["episode_length"] == length[over].mean()
        n_told += told["n_episode"]
        total[over] = length[over] = 0.0
    assert n_told > 8


def test_sending_and_receiving_is_stepping(make_lanes):
    env, other = FlatBufferEnv(make_lanes(2)), FlatBufferEnv(make_lanes(2))
    with pytest.raises(HeronError, match=r"recv\(\) before a reset"):
        env.recv()
    env.async_reset(5)
    other.reset(5)
    rng = np.random.default_rng(0)
    for _ in range(8):
        observations, rewards, terminals, truncations, infos, ids, masks = env.recv()
        assert observations.tolist() == other.observations.tolist()
        assert rewards.tolist() == other.rewards.tolist()
        assert terminals.tolist() == other.terminals.tolist()
        assert truncations.tolist() == other.truncations.tolist()
        assert masks.tolist() == other.masks.tolist()
        assert (infos, ids.tolist()) == (other.infos, list(range(6)))
        actions = rng.uniform(-1.0, 1.0, (6, 2)).astype(np.float32)
        env.send(actions)
        other.step(actions)


def test_a_seed_starts_the_same_episodes_again(make_lanes):
    env = FlatBufferEnv(make_lanes(2))
    first = env.reset(seed=4)[0].copy()
    env.step(np.ones((6, 2), np.float32))
    assert env.reset(seed=4)[0].tolist() == first.tolist()
    assert env.reset()[0].tolist() != first.tolist()


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("rewards", np.zeros(N_ROW), "'rewards' is float64 of shape .12,., expected a C-cont"),
        ("masks", None, "'masks' is NoneType, expected a C-contiguous, writeable bool of shape"),
        ("observations", np.zeros((3, N_ROW), np.float32).T, "is non-contiguous float32"),
        ("terminals", np.broadcast_to(np.False_, (N_ROW,)), "is non-contiguous read-only bool"),
        ("actions", np.zeros((N_ROW, 3), np.float32), r"shape \(12, 3\).*shape \(12, 2\)"),
    ],
)
def test_a_buffer_of_another_kind_is_refused(make_lanes, buf, name, wrong, message):
    buf[name] = wrong
    with pytest.raises(ConfigError, match=message):
        FlatBufferEnv(make_lanes(N_LANE), buf)


def test_wrong_calls_are_refused(make_lanes):
    with pytest.raises(ConfigError, match="start anew by themselves"):
        FlatBufferEnv(make_lanes(2, "Disabled"))
    env = FlatBufferEnv(make_lanes(2))
    with pytest.raises(HeronError, match=r"before reset\(\)"):
        env.step(env.actions)
    env.reset(seed=0)
    with pytest.raises(ConfigError, match=r"actions have shape \(2, 3, 2\), expected \(6, 2\)"):
        env.step(np.zeros((2, 3, 2), np.float32))
    env.close()
    assert all(lane.is_closed for lane in env.env.envs)


def test_the_grid_steps_in_flat_buffers():
    config = {"env_config": {"max_episode_steps": 2}, "autoreset_mode": "SameStep"}
    lanes, twin = (heron.make_vec("MultiAgentMicrogrids-v0", 3, **config) for _ in range(2))
    env = FlatBufferEnv(lanes)
    env.reset(seed=0)
    twin.reset(seed=0)
    for _ in range(2):
        *_, infos = twin.step(env.actions.reshape(3, 3, -1))
    assert env.step(env.actions)[4] == []
    _, _, terminals, truncations, (told,) = env.step(env.actions)
    assert (told["n_episode"], told["episode_length"]) == (3, 2.0)
    returns = infos["final_episode_reward"].sum(axis=1)
    assert told["episode_return"] == pytest.approx(returns.mean())
    assert truncations.all()
    assert not terminals.any()


def test_pufferlib_takes_it_for_one_of_its_own(make_lanes):
    vector = pytest.importorskip("pufferlib.vector", reason="PufferLib is built by hand")

    class Puffer(FlatBufferEnv, vector.PufferEnv):
        def __init__(self, num_envs=N_LANE, buf=None, seed=0):
            super().__init__(make_lanes(num_envs, "SameStep"), buf)

    native = vector.make(Puffer)
    serial = vector.make(Puffer, env_kwargs={"num_envs": 2}, num_envs=2, backend=vector.Serial)
    rng = np.random.default_rng(0)
    for vecenv in (native, serial):
        vecenv.async_reset(3)
        for _ in range(12):
            observations, rewards, *_, ids, masks = vecenv.recv()
            assert observations.shape == (N_ROW, 3)
            assert ids.tolist() == list(range(N_ROW))
            assert masks.all()
            vecenv.send(rng.uniform(-1.0, 1.0, (N_ROW, 2)).astype(np.float32))
        assert (rewards < 0.0).all()
        vecenv.close()
