"""Policies for many lanes decide in each what the single ones do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.baselines import (
    AgentwisePolicy,
    BatchedIdlePolicy,
    BatchedRuleBasedPolicy,
    RuleBasedPolicy,
    SchedulePolicy,
)
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

HOURLY: dict[str, Any] = {}
MINUTES = {"step_s": 60.0, "forecast_step_s": 3600.0, "variability": True, "max_episode_steps": 60}
LATE = {"timing": {"coordinator": {"obs_delay": 3 * 3600.0, "jitter_type": "uniform"}}}


def assert_as_single(envs: VectorGridEnv, rules: dict[str, float], n_step: int) -> set[str]:
    """Compare both policies over real steps; return which agents did anything."""
    batched, single = BatchedRuleBasedPolicy(**rules), RuleBasedPolicy(**rules)
    env = envs.description
    observations, infos = envs.reset(seed=5)
    batched.reset(envs)
    single.reset(env)
    rng, idle, moved = np.random.default_rng(0), envs.idle_actions(), set()
    for _ in range(n_step):
        found = batched.act(observations, infos)
        assert found.dtype == np.float32
        for lane in range(envs.num_envs):
            seen = dict(zip(envs.agents, observations[lane], strict=True))
            acting = infos.get("acting", np.ones((envs.num_envs, len(seen)), bool))[lane]
            expected = single.act(env, seen)
            for k, name in enumerate(envs.agents):
                wanted = expected[name] if acting[k] else idle[lane, k]
                np.testing.assert_allclose(found[lane, k], wanted, rtol=0.0, atol=1e-7)
                if (wanted != idle[lane, k]).any():
                    moved.add(name)
        noise = rng.uniform(-1.0, 1.0, found.shape) * (rng.random(found.shape) < 0.2)
        observations, _, _, _, infos = envs.step((found + noise).astype(np.float32))
    return moved


@pytest.mark.parametrize("config", [HOURLY, MINUTES, {"normalize_obs": True}])
@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
def test_batched_rules_are_the_single_ones(setup: str, config: dict[str, Any]) -> None:
    envs = VectorGridEnv(3, {**load_setup(setup), **config})
    assert assert_as_single(envs, {}, 26) == set(envs.agents)


def test_batched_rules_are_the_single_ones_without_forecasts_and_with_other_rules() -> None:
    assert_as_single(VectorGridEnv(2, {"forecast_steps": 0}), {}, 8)
    assert_as_single(VectorGridEnv(2), {"cheap": 0.4, "dear": 0.6, "look_h": 8.0}, 26)


def test_batched_rules_look_ahead_over_a_start_that_takes_time() -> None:
    config = load_setup("ieee34_ieee13")
    unit = config["microgrid_configs"][0]["devices"][0]
    unit.update(startup_time_hr=2.0, shutdown_time_hr=1.0)
    assert_as_single(VectorGridEnv(3, config), {}, 26)
    assert_as_single(VectorGridEnv(3, {**config, "forecast_steps": 2}), {}, 26)


def test_who_acts_late_decides_by_what_is_seen_and_others_are_left_idle() -> None:
    assert_as_single(EventDrivenVectorEnv(3, LATE), {}, 40)


def test_who_knows_nothing_does_nothing() -> None:
    envs, policy = EventDrivenVectorEnv(2, LATE), BatchedRuleBasedPolicy()
    observations, infos = envs.reset(seed=0)
    policy.reset(envs)
    assert np.isinf(infos["age_s"]).all()
    np.testing.assert_array_equal(policy.act(observations, infos), envs.idle_actions())
    single = RuleBasedPolicy()
    single.reset(envs.description)
    nothing = np.zeros_like(observations[0, 0])
    np.testing.assert_array_equal(
        single.act(envs.description, {"MG1": nothing})["MG1"], envs.idle_actions()[0, 0]
    )


def test_rules_of_a_minute_follow_the_prices_of_hours() -> None:
    """Hourly forecasts at minute steps give batteries the same reasons as hourly steps do."""
    stored = {}
    for name, config in (("hours", {}), ("minutes", {"step_s": 60.0, "forecast_step_s": 3600.0})):
        n = 24 if name == "hours" else 1440
        envs = VectorGridEnv(1, {**config, "max_episode_steps": n})
        policy = BatchedRuleBasedPolicy()
        observations, infos = envs.reset(seed=1, options={"day": 30})
        policy.reset(envs)
        slot = envs.state_names.index("MG1/ess1.storage.soc")
        soc = []
        for _ in range(n - 1):
            soc.append(envs.state()[slot, 0])
            observations, _, _, _, infos = envs.step(policy.act(observations, infos))
        stored[name] = np.array(soc)[:: n // 24][:23]
    assert np.ptp(stored["hours"]) > 0.5
    np.testing.assert_allclose(stored["minutes"], stored["hours"], atol=0.02)


def test_a_function_decides_agent_by_agent_or_for_rows() -> None:
    envs = EventDrivenVectorEnv(3, LATE)
    observations, infos = envs.reset(seed=0)
    n_entry = envs.single_action_space.shape[1]

    def one(agent: str, observation: np.ndarray) -> np.ndarray:
        return np.full(n_entry, float(agent[-1]) / 10.0 + observation[0])

    def rows(agent: str, observations: np.ndarray) -> np.ndarray:
        return np.stack([one(agent, row) for row in observations])

    single, many = AgentwisePolicy(one), AgentwisePolicy(rows, takes_rows=True)
    idle = BatchedIdlePolicy()
    for policy in (single, many, idle):
        policy.reset(envs)
    for _ in range(5):
        found = single.act(observations, infos)
        np.testing.assert_array_equal(found, many.act(observations, infos))
        acting = infos["acting"]
        k = np.broadcast_to(np.arange(1, 4) / 10.0, acting.shape)[acting]
        np.testing.assert_allclose(found[acting][:, 0], k + observations[acting][:, 0], rtol=1e-6)
        resting = idle.act(observations, infos)
        np.testing.assert_array_equal(found[~acting], resting[~acting])
        observations, _, _, _, infos = envs.step(resting)


def test_a_schedule_goes_by_the_time_of_the_episode() -> None:
    envs = EventDrivenVectorEnv(2, {"timing": {"coordinator": {"tick_interval": 1800.0}}})
    rows = np.arange(3.0).reshape(3, 1, 1) * np.ones((3, *envs.single_action_space.shape))
    policy = SchedulePolicy(rows / 3.0, 3600.0)
    observations, infos = envs.reset(seed=0)
    for k in range(9):
        assert (infos["time_s"] == 1800.0 * k).all()
        found = policy.act(observations, infos)
        np.testing.assert_allclose(found, k // 2 % 3 / 3.0, rtol=1e-6)
        observations, _, _, _, infos = envs.step(found)
    with pytest.raises(ConfigError, match="by events"):
        policy.act(observations, {})
