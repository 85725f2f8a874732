"""Gymnasium sees vectors of multi-agent environments as it sees its own."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as wrappers

import heron
from heron.adapters.gymnasium import (
    AgentVectorEnv,
    JointEnv,
    JointVectorEnv,
    register_environments,
)
from heron.envs import registry
from heron.errors import ConfigError, HeronError

GRID = "heron/MultiAgentMicrogrids-v0"
N_LANE = 5
MODES = list(AutoresetMode)


@pytest.fixture
def drift_id(monkeypatch, drift):
    """Return an id under which Gymnasium knows the small environment."""
    monkeypatch.setattr(registry, "_ENTRY_POINTS", {})
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    monkeypatch.setattr(gymnasium, "registry", gymnasium.envs.registration.registry)
    monkeypatch.setitem(sys.modules, "drifts", SimpleNamespace(Drift=drift))
    heron.register("Drift-v3", "drifts:Drift")
    register_environments()
    return "heron/Drift-v3"


def demand_equal(infos, expected):
    """Compare infos where there are any, masks and final ones included."""
    assert set(infos) == set(expected)
    for name, values in expected.items():
        if name.startswith("_"):
            assert infos[name].tolist() == values.tolist(), name
        elif isinstance(values, dict):
            demand_equal(infos[name], values)
        elif name == "final_obs":
            assert [v is None for v in infos[name]] == [v is None for v in values]
            for seen, other in zip(infos[name], values, strict=True):
                assert np.array_equal(seen, other)
        else:
            at = expected[f"_{name}"]
            assert infos[name][at].tolist() == values[at].tolist(), name


def play_both(envs, sync, n_step=12, *, names=None):
    """Play a vector and Gymnasium's own beside each other; return how many episodes ended."""
    rng = np.random.default_rng(0)
    mode = sync.metadata["autoreset_mode"]
    assert envs.metadata["autoreset_mode"] is mode
    for name in (
        "num_envs", "observation_space", "action_space", "single_observation_space",
        "single_action_space",
    ):  # fmt: skip
        assert getattr(envs, name) == getattr(sync, name), name
    answers = [each.reset(seed=11) for each in (envs, sync)]
    assert answers[0][0].tolist() == answers[1][0].tolist()
    assert answers[0][1] == answers[1][1] == {}
    n_over = 0
    for _ in range(n_step):
        actions = rng.uniform(-1.0, 1.0, sync.action_space.shape).astype(np.float32)
        answer, expected = envs.step(actions), sync.step(actions)
        for values, wanted in zip(answer[:4], expected[:4], strict=True):
            assert values.dtype == wanted.dtype
            assert values.tolist() == wanted.tolist()
        if names is None:
            demand_equal(answer[4], expected[4])
        else:
            demand_equal(*({n: i[n] for n in names if n in i} for i in (answer[4], expected[4])))
        over = expected[2] | expected[3]
        n_over += over.sum()
        if mode is AutoresetMode.DISABLED and over.any():
            seeds = rng.integers(100, size=len(over)).tolist()
            again = [
                each.reset(seed=seeds, options={"reset_mask": over.copy()})[0]
                for each in (envs, sync)
            ]
            assert again[0].tolist() == again[1].tolist()
    return n_over


# --- one environment ------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*For Box action spaces, we recommend:UserWarning")
def test_gymnasiums_checker_passes(drift_id):
    env = gymnasium.make(drift_id, env_config={"n_step": 3}, render_mode="ansi")
    assert env.unwrapped.parallel_env.n_step == 3
    check_env(env.unwrapped)


@pytest.mark.filterwarnings("ignore:.*Box observation space m.* value is:UserWarning")
def test_gymnasiums_checker_passes_on_the_grid():
    env = gymnasium.make(GRID, env_config={"max_episode_steps": 2}).unwrapped
    check_env(env, skip_render_check=True)
    env.reset(seed=0)
    answers = [env.step(env.action_space.sample()) for _ in range(2)]
    assert [(a[2], a[3]) for a in answers] == [(False, False), (False, True)]
    assert answers[0][4]["cost"].shape == (3,)


def test_all_agents_are_joined_in_their_order(drift):
    env, alone = JointEnv(drift()), drift()
    assert env.observation_space == Box(-10.0, 10.0, (9,), np.float32)
    assert env.action_space == Box(-1.0, 1.0, (6,), np.float32)
    seen, _ = env.reset(seed=3)
    of_agent, _ = alone.reset(seed=3)
    names = ["zoe", "adam", "bea"]
    assert seen.tolist() == np.concatenate([of_agent[a] for a in names]).tolist()
    action = np.linspace(-1.0, 1.0, 6, dtype=np.float32)
    seen, reward, *_, info = env.step(action)
    of_agent, rewards, *_, infos = alone.step(
        {"zoe": action[:2], "adam": action[2:4], "bea": action[4:]}
    )
    assert seen.tolist() == np.concatenate([of_agent[a] for a in names]).tolist()
    assert reward == pytest.approx(sum(rewards.values()))
    assert info["x"].tolist() == [infos[a]["x"] for a in names]


def test_agents_may_have_unequal_boxes_in_a_single_environment(drift):
    env = JointEnv(drift({"narrow": "adam"}))
    assert env.action_space.shape == (5,)
    env.reset(seed=0)
    env.step(np.zeros(5, np.float32))


def test_wrong_steps_of_a_single_environment_are_refused(drift):
    env = JointEnv(drift({"n_step": 1}))
    with pytest.raises(HeronError, match="without a running episode"):
        env.step(np.zeros(6, np.float32))
    env.reset(seed=0)
    with pytest.raises(ConfigError, match=r"action has shape \(3, 2\), expected \(6,\)"):
        env.step(np.zeros((3, 2), np.float32))
    env.step(np.zeros(6, np.float32))
    with pytest.raises(HeronError, match="without a running episode"):
        env.step(np.zeros(6, np.float32))


def test_agents_that_leave_early_are_refused(drift):
    env = JointEnv(drift({"leaver": "zoe"}))
    env.reset(seed=0)
    env.step(np.zeros(6, np.float32))
    with pytest.raises(HeronError, match="of all agents"):
        env.step(np.zeros(6, np.float32))


# --- vectors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_joint_vector_does_what_gymnasiums_own_does(make_lanes, drift, mode):
    envs = JointVectorEnv(make_lanes(N_LANE, mode))
    sync = SyncVectorEnv([lambda: JointEnv(drift())] * N_LANE, autoreset_mode=mode)
    assert play_both(envs, sync) > 5


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_the_grid_does_so_too(mode):
    config = {"max_episode_steps": 3}
    envs = gymnasium.make_vec(GRID, 3, "vector_entry_point", env_config=config, autoreset_mode=mode)
    sync = gymnasium.make_vec(
        GRID, 3, "sync", vector_kwargs={"autoreset_mode": mode}, env_config=config
    )
    names = [
        f"{mark}{n}" for n in ("final_obs", "cost", "safety", "energy_bought_mwh")
        for mark in ("", "_")
    ]  # fmt: skip
    assert play_both(envs, sync, 8, names=names) == 6
    envs.close()
    assert envs.closed


@pytest.mark.parametrize("mode", MODES)
def test_rows_are_the_agents_of_each_lane_in_turn(make_lanes, mode):
    envs, lanes = AgentVectorEnv(make_lanes(N_LANE, mode)), make_lanes(N_LANE, mode)
    assert envs.num_envs == 15
    assert envs.single_observation_space == Box(-10.0, 10.0, (3,), np.float32)
    assert envs.action_space.shape == (15, 2)
    rng = np.random.default_rng(3)
    seen, expected = envs.reset(seed=2)[0], lanes.reset(seed=2)[0]
    for _ in range(9):
        assert seen.tolist() == expected.reshape(15, 3).tolist()
        actions = rng.uniform(-1.0, 1.0, (15, 2)).astype(np.float32)
        seen, rewards, terminations, truncations, infos = envs.step(actions)
        expected, paid, lost, late, told = lanes.step(actions.reshape(N_LANE, 3, 2))
        assert rewards.tolist() == paid.reshape(-1).tolist()
        assert terminations.reshape(N_LANE, 3).tolist() == [[end] * 3 for end in lost.tolist()]
        assert truncations.reshape(N_LANE, 3).tolist() == [[end] * 3 for end in late.tolist()]
        assert infos["x"].tolist() == told["x"].reshape(-1).tolist()
        over = lost | late
        if mode is AutoresetMode.SAME_STEP and over.any():
            assert infos["_final_obs"].tolist() == np.repeat(over, 3).tolist()
            row = 3 * int(np.flatnonzero(over)[0]) + 1
            assert infos["final_obs"][row].tolist() == told["final_obs"][over][0, 1].tolist()
        if mode is AutoresetMode.DISABLED and over.any():
            seen, _ = envs.reset(seed=9, options={"reset_mask": np.repeat(over, 3)})
            expected, _ = lanes.reset(seed=9, options={"reset_mask": over})


def test_what_is_said_of_rows_must_hold_for_their_lane(make_lanes):
    envs = AgentVectorEnv(make_lanes(2, "Disabled"))
    envs.reset(seed=[4, 4, 4, 1, 1, 1])
    with pytest.raises(ConfigError, match="seed differs among rows of a lane"):
        envs.reset(seed=[4, 4, 5, 1, 1, 1])
    with pytest.raises(ConfigError, match="reset_mask differs among rows"):
        envs.reset(options={"reset_mask": np.arange(6) < 4})
    with pytest.raises(ConfigError, match=r"seed has shape \(2,\), expected \(6,\)"):
        envs.reset(seed=[4, 5])
    with pytest.raises(ConfigError, match=r"actions have shape \(2, 3, 2\), expected \(6, 2\)"):
        envs.step(np.zeros((2, 3, 2)))


@pytest.mark.parametrize("view", [JointVectorEnv, AgentVectorEnv])
def test_answers_are_the_readers_to_keep_unless_copies_are_declined(make_lanes, view):
    actions = np.zeros(view(make_lanes(2)).action_space.shape, np.float32)
    for copy in (True, False):
        envs = view(make_lanes(2), copy=copy)
        first, _ = envs.reset(seed=0)
        kept = first.copy()
        second, *_ = envs.step(actions)
        assert (first.tolist() == kept.tolist()) is copy
        assert np.shares_memory(first, second) is not copy


def test_other_spaces_are_refused(make_lanes):
    lanes = make_lanes(1)
    lanes.single_action_space = gymnasium.spaces.Discrete(3)
    with pytest.raises(ConfigError, match="single_action_space is Discrete"):
        JointVectorEnv(lanes)


# --- wrappers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [JointVectorEnv, AgentVectorEnv])
def test_episode_statistics_are_recorded(make_lanes, view):
    envs = wrappers.RecordEpisodeStatistics(view(make_lanes(4)))
    rng = np.random.default_rng(0)
    envs.reset(seed=0)
    total, length = np.zeros(envs.num_envs), np.zeros(envs.num_envs)
    over = np.zeros(envs.num_envs, np.bool_)
    n_over = 0
    for _ in range(20):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        length += ~over  # those that were over only start
        _, rewards, terminations, truncations, infos = envs.step(actions)
        total += rewards
        over = terminations | truncations
        if over.any():
            assert infos["episode"]["r"][over] == pytest.approx(total[over])
            assert infos["episode"]["l"][over].tolist() == length[over].tolist()
            assert infos["_episode"].tolist() == over.tolist()
            total[over] = length[over] = 0.0
            n_over += over.sum()
    assert envs.episode_count == n_over > 8


@pytest.mark.parametrize("view", [JointVectorEnv, AgentVectorEnv])
def test_observations_rewards_and_actions_are_transformed(make_lanes, view):
    envs = wrappers.NormalizeReward(wrappers.NormalizeObservation(view(make_lanes(20))))
    envs = wrappers.ClipAction(wrappers.RescaleAction(envs, np.float32(0.0), np.float32(1.0)))
    envs.reset(seed=0)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(40):
        actions = rng.uniform(0.0, 1.0, envs.action_space.shape).astype(np.float32)
        observations, rewards, *_ = envs.step(actions)
        seen.append(observations)
    assert np.abs(np.mean(seen[10:], axis=(0, 1))).max() < 0.3
    assert np.std(seen[10:], axis=(0, 1)) == pytest.approx(1.0, abs=0.3)
    assert np.abs(rewards).max() < 10.0


def test_infos_come_apart_into_a_list(make_lanes):
    envs = wrappers.DictInfoToList(JointVectorEnv(make_lanes(3, n_step=2)))
    envs.reset(seed=0)
    actions = np.zeros(envs.action_space.shape, np.float32)
    listed = [envs.step(actions)[4] for _ in range(3)]
    assert [info["k"].tolist() for info in listed[1]] == [[2, 2, 2]] * 3
    assert listed[2] == [{}, {}, {}]  # they only started


# --- ids ------------------------------------------------------------------------------------------


def test_an_id_makes_vectors_and_single_environments(drift_id):
    envs = gymnasium.make_vec(drift_id, num_envs=4, env_config={"n_step": 9}, copy=False)
    assert isinstance(envs.unwrapped, JointVectorEnv)
    assert (envs.num_envs, envs.unwrapped.env.envs[0].n_step) == (4, 9)
    assert envs.spec.id == drift_id
    assert isinstance(gymnasium.make(drift_id).unwrapped, JointEnv)
    again = gymnasium.make_vec(envs.spec)
    assert (again.num_envs, again.unwrapped.env.envs[0].n_step) == (4, 9)


def run(script):
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )


def test_importing_the_adapter_loads_no_environment_and_heron_no_gymnasium():
    run("""
import sys
import heron, heron.adapters
assert "gymnasium" not in sys.modules
import heron.adapters.gymnasium
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"powergrid", "pandapower", "numba", "torch"}, loaded
""")


def test_gymnasium_imports_the_module_that_stands_before_the_colon():
    done = run(f"""
import gymnasium
envs = gymnasium.make_vec("heron.adapters.gymnasium:{GRID}", num_envs=2)
print(envs)
""")
    assert done.stdout == f"JointVectorEnv({GRID}, num_envs=2)\n"
