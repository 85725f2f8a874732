"""TorchRL's own checks pass, and its rollouts are what the lanes do."""

from __future__ import annotations

import numpy as np
import pytest

import heron
from heron.errors import ConfigError

torch = pytest.importorskip("torch", reason="needs the extra torchrl")
pytest.importorskip("torchrl", reason="needs the extra torchrl")

from torchrl.envs import RewardSum, TransformedEnv  # noqa: E402
from torchrl.envs.utils import check_env_specs  # noqa: E402

from heron.adapters.torchrl import TorchRLEnv  # noqa: E402

N_LANE = 4


@pytest.fixture
def env(make_lanes):
    return TorchRLEnv(make_lanes(N_LANE, "Disabled"), info_names=["x"])


def pushes(n_step, seed=0):
    """Draw actions of some steps, (n_step, lane, agent, entry)."""
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(-1.0, 1.0, (n_step, N_LANE, 3, 2)), dtype=torch.float32)


def policy_of(actions):
    """Return a policy that plays these, whatever it sees."""
    steps = iter(actions)
    return lambda td: td.set(("agents", "action"), next(steps))


def test_torchrls_checker_passes(env):
    check_env_specs(env)
    check_env_specs(TransformedEnv(env, RewardSum(reset_keys=["_reset"])))


def test_torchrls_checker_passes_on_the_grid():
    lanes = heron.make_vec(
        "MultiAgentMicrogrids-v0", 3, env_config={"max_episode_steps": 4},
        autoreset_mode="Disabled",
    )  # fmt: skip
    env = TorchRLEnv(lanes, info_names=["cost", "safety"])
    check_env_specs(env)
    td = env.rollout(6, break_when_any_done=False)
    assert td["next", "truncated"][:, :, 0].tolist() == [[False] * 3 + [True] + [False] * 2] * 3
    cost = td["next", "agents", "info", "cost"]
    safety = td["next", "agents", "info", "safety"]
    assert torch.allclose(td["next", "agents", "reward"], -cost - 10.0 * safety, rtol=1e-4)


def test_agents_are_a_group_and_lanes_a_batch(env):
    td = env.rollout(3, break_when_any_done=False)
    assert env.batch_size == (N_LANE,)
    assert env.group_map == {"agents": ["zoe", "adam", "bea"]}
    assert td["agents"].batch_size == (N_LANE, 3, 3)
    assert td["agents", "action"].shape == (N_LANE, 3, 3, 2)
    assert td["next", "agents", "info", "x"].shape == (N_LANE, 3, 3, 1)
    assert td["next", "done"].shape == (N_LANE, 3, 1)
    assert env.action_spec["agents", "action"].space.low.min() == -1.0


def test_a_rollout_is_what_the_lanes_do(env, make_lanes):
    lanes = make_lanes(N_LANE, "Disabled")
    actions = pushes(14)
    env.set_seed(6)
    td = env.rollout(14, policy_of(actions), break_when_any_done=False)
    observations, _ = lanes.reset(seed=6)
    n_over = 0
    for k in range(14):
        assert np.array_equal(td["agents", "observation"][:, k], observations)
        step = td["next"][:, k]
        observations, rewards, terminations, truncations, infos = lanes.step(actions[k].numpy())
        assert np.array_equal(step["agents", "observation"], observations)
        assert np.array_equal(step["agents", "reward"][..., 0], rewards.astype(np.float32))
        assert np.array_equal(step["terminated"][:, 0], terminations)
        assert np.array_equal(step["truncated"][:, 0], truncations)
        assert np.array_equal(step["agents", "info", "x"][..., 0], infos["x"].astype(np.float32))
        over = terminations | truncations
        if over.any():
            n_over += over.sum()
            observations, _ = lanes.reset(options={"reset_mask": over})
    assert n_over > 5


def test_a_seed_gives_the_same_rollout_again(env):
    rollouts = []
    for seed in (3, 3, 4):
        env.set_seed(seed)
        rollouts.append(env.rollout(9, policy_of(pushes(9)), break_when_any_done=False))
    first, again, other = (td["next", "agents", "observation"] for td in rollouts)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_reset_of_some_lanes_leaves_the_others(env):
    env.set_seed(0)
    td = env.rollout(2, policy_of(pushes(2)))[:, -1]["next"]
    mask = torch.tensor([False, True, False, False])[:, None]
    td["done"] = mask.clone()
    before = td["agents", "observation"].clone()
    after = env.reset(td.set("_reset", mask))
    assert torch.equal(after["agents", "observation"][[0, 2, 3]], before[[0, 2, 3]])
    assert after["agents", "observation"][1, :, 2].tolist() == [0.0] * 3  # its first step
    assert not after["done"].any()


def test_options_of_a_reset_reach_the_environment(env):
    env.reset(wind=2)
    assert [lane.options for lane in env.env.envs] == [{"wind": 2}] * N_LANE


def test_what_torchrl_cannot_use_is_refused(make_lanes):
    with pytest.raises(ConfigError, match="autoreset_mode='Disabled', not 'NextStep'"):
        TorchRLEnv(make_lanes(2))
    env = TorchRLEnv(make_lanes(2, "Disabled"))
    env.close()
    assert all(lane.is_closed for lane in env.env.envs)
