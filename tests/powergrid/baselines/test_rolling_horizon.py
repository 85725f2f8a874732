from __future__ import annotations

import numpy as np
import pytest

from powergrid.baselines import IdlePolicy, RollingHorizonPolicy, RuleBasedPolicy, rollout


@pytest.fixture(scope="module")
def records(env):
    policies = [IdlePolicy(), RuleBasedPolicy(), RollingHorizonPolicy()]
    return {policy.name: rollout(env, policy, seed=0, day=0) for policy in policies}


def test_planning_costs_less_than_rules_and_rules_less_than_nothing(records):
    cost = {name: record.cost for name, record in records.items()}
    assert cost["rolling-horizon"] < cost["rule-based"] < cost["do-nothing"]


def test_plans_break_no_limit(records):
    assert records["rolling-horizon"].safety == 0.0


def test_a_plan_depends_on_the_observation_alone(env):
    policy = RollingHorizonPolicy()
    observations, _ = env.reset(seed=0, options={"day": 0})
    policy.reset(env)
    fresh = policy.act(env, observations)["MG1"]
    for _ in range(3):
        env.step({"MG1": np.ones(env.action_space("MG1").shape, dtype=np.float32)})
    policy.reset(env)
    np.testing.assert_array_equal(policy.act(env, observations)["MG1"], fresh)


def last_soc(env, policy):
    rollout(env, policy, seed=0, day=0)
    return env.agent_dict["MG1"].devices["ess"].state.storage.soc


def test_a_plan_that_knows_the_end_leaves_the_battery_empty(env):
    assert last_soc(env, RollingHorizonPolicy()) == pytest.approx(0.1, abs=1e-6)


def test_a_plan_that_does_not_know_the_end_saves_for_the_next_day(build):
    # The episode ends with the cheap hours: whoever looks beyond them has charged.
    env = build(max_episode_steps=7)
    assert last_soc(env, RollingHorizonPolicy(knows_end=False)) == pytest.approx(0.9, abs=1e-6)


def test_without_forecasts_there_is_nothing_to_plan_on(build):
    env = build(forecast_steps=0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="set forecast_steps"):
        RollingHorizonPolicy().reset(env)
