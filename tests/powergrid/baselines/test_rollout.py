from __future__ import annotations

import numpy as np
import pytest

from powergrid.baselines import IdlePolicy, RandomPolicy, rollout


def test_a_record_agrees_with_the_environments_own_totals(env):
    record = rollout(env, RandomPolicy(), seed=3, day=0)
    metrics = env.get_collective_metrics()
    assert record.n_step == 24
    assert record.cost == pytest.approx(metrics["total_cost"])
    assert record.safety == pytest.approx(metrics["total_safety"])
    assert record.episode_return == pytest.approx(metrics["mean_reward"] * 24)
    assert record.episode_return == pytest.approx(-record.cost - 10.0 * record.safety)


def test_a_seed_repeats_a_random_episode(env):
    first, second = (rollout(env, RandomPolicy(), seed=7, day=0) for _ in range(2))
    assert first == second


def test_other_seeds_give_other_random_actions(env):
    policy, draws = RandomPolicy(), []
    observations, _ = env.reset(seed=0)
    for seed in (1, 2):
        policy.reset(env, seed)
        draws.append(policy.act(env, observations)["MG1"])
    assert not np.array_equal(*draws)


def test_random_actions_lie_in_the_action_space_of_either_mode(env, build):
    for member in (env, build(action_mode="dict")):
        observations, _ = member.reset(seed=0)
        action = RandomPolicy(5).act(member, observations)["MG1"]
        assert member.action_space("MG1").contains(action)


def test_doing_nothing_moves_no_device(env):
    rollout(env, IdlePolicy(), seed=0, day=0)
    devices = env.agent_dict["MG1"].devices
    assert devices["ess"].state.storage.soc == 0.5
    assert devices["gen"].state.electrical.p_MW == 0.0
    assert devices["reg"].state.tap.tap == 0.0


@pytest.mark.parametrize("mode", ["flat", "dict"])
def test_by_events_without_delays_the_record_is_that_of_the_steps(build, mode):
    env = build(action_mode=mode)
    steps = rollout(env, RandomPolicy(), seed=3, day=0)
    events = rollout(env, RandomPolicy(), seed=3, day=0, by_events=True)
    assert events == steps
    assert all(agent.policy is None for agent in env.agent_dict.values())
    assert rollout(env, RandomPolicy(), seed=3, day=0) == steps


def test_by_events_lost_messages_leave_the_devices_idle(build):
    lossy = build(timing={"faults": {"loss": 1.0}})
    record = rollout(lossy, RandomPolicy(), seed=3, day=0, by_events=True)
    idle = rollout(build(), IdlePolicy(), seed=3, day=0)
    assert record.cost == pytest.approx(idle.cost, rel=1e-9)
