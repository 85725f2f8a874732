"""What is told of event-driven episodes, held to the environments themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from powergrid.baselines import (
    BatchedIdlePolicy,
    BatchedRuleBasedPolicy,
    RuleBasedPolicy,
    rollout,
)
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.evaluation import evaluate_event_driven, mean_interval, paired_difference

CONFIG = {"max_episode_steps": 12, "variability": True}
LATE: dict[str, Any] = {
    "coordinator": {"tick_interval": 1500.0, "obs_delay": 4000.0, "msg_delay": 30.0},
    "field": {"tick_interval": 600.0, "act_delay": 20.0},
    "faults": {"loss": 0.25},
}


def test_without_delays_the_figures_are_those_of_single_environments() -> None:
    found = evaluate_event_driven(BatchedRuleBasedPolicy(), CONFIG, {}, seeds=[3, 8])
    env = MultiAgentMicrogrids(CONFIG)
    for k, seed in enumerate([3, 8]):
        record = rollout(env, RuleBasedPolicy(), seed=seed)
        assert found.episode_return[k] == pytest.approx(record.episode_return, rel=1e-6)
        assert found.agent_return[k].sum() == pytest.approx(record.episode_return, rel=1e-6)
        assert found.cost[k] == pytest.approx(record.cost, rel=1e-6)
        assert found.safety[k] == pytest.approx(record.safety, abs=1e-6)
        assert found.n_violated[k] == record.n_violated_step
        assert found.energy_bought_mwh[k] == pytest.approx(record.energy_bought_mwh, rel=1e-6)
        assert found.energy_sold_mwh[k] == pytest.approx(record.energy_sold_mwh, abs=1e-6)
    assert found.n_interval.tolist() == [12, 12]
    assert found.n_decision.tolist() == [36, 36]
    assert not found.n_blind.any()
    assert (found.age_95_s == 0.0).all()
    assert (found.latency_max_s == 0.0).all()
    assert not found.n_unsolved.any()


def test_parts_add_up_and_every_command_is_accounted_for() -> None:
    found = evaluate_event_driven(BatchedRuleBasedPolicy(), CONFIG, LATE, seeds=4)
    np.testing.assert_allclose(sum(found.cost_by_cause.values()), found.cost)
    np.testing.assert_allclose(sum(found.violation_by_kind.values()), found.safety, atol=1e-12)
    assert found.cost_by_cause["energy"].all()
    messages = found.messages
    n_device = 14 + 1
    assert (messages["sent"] == found.n_decision // 3 * n_device).all()
    # What is neither delivered nor lost is on its way when the episode ends.
    flying = messages["sent"] - messages["lost"] - messages["delivered"]
    assert (flying >= 0).all()
    assert (flying <= n_device).all()
    np.testing.assert_allclose(found.lost_share, 0.25, atol=0.08)


def test_ages_and_latencies_are_those_of_the_configuration() -> None:
    found = evaluate_event_driven(BatchedIdlePolicy(), CONFIG, LATE, seeds=2)
    decided_s = np.arange(29) * 1500.0  # in 12 hours
    seen_s = np.floor((decided_s - 4000.0) / 3600.0) * 3600.0
    age_s = (decided_s - seen_s)[decided_s >= 4000.0]
    assert found.n_decision.tolist() == [3 * 29] * 2
    assert found.n_blind.tolist() == [3 * 3] * 2
    np.testing.assert_allclose(found.age_mean_s, age_s.mean())
    np.testing.assert_allclose(found.age_95_s, np.quantile(np.repeat(age_s, 3), 0.95))
    # Sent at 0, 1500, 3000, ... and 30 s later obeyed at the next tick, every 600 s, and 20 s on.
    arrived_s = decided_s + 30.0
    latency_s = np.ceil(arrived_s / 600.0) * 600.0 + 20.0 - decided_s
    np.testing.assert_allclose(found.latency_max_s, latency_s.max())
    assert (found.latency_mean_s > latency_s.min()).all()
    assert (found.latency_mean_s < latency_s.max()).all()


def test_equal_seeds_meet_equal_days_and_weather_whatever_the_timing() -> None:
    """Nobody's devices do anything, so only weather and prices are left, and they are equal."""
    timings: list[dict[str, Any]] = [
        {}, LATE, {"coordinator": {"tick_interval": 7000.0, "jitter_type": "gaussian"}},
    ]  # fmt: skip
    found = [evaluate_event_driven(BatchedIdlePolicy(), CONFIG, t, seeds=6) for t in timings]
    for other in found[1:]:
        np.testing.assert_array_equal(other.days, found[0].days)
        np.testing.assert_array_equal(other.energy_bought_mwh, found[0].energy_bought_mwh)
        np.testing.assert_array_equal(
            other.cost_by_cause["energy"], found[0].cost_by_cause["energy"]
        )
    assert len(set(found[0].days.tolist())) > 3
    apart = evaluate_event_driven(BatchedIdlePolicy(), CONFIG, LATE, seeds=[4, 1])
    np.testing.assert_array_equal(apart.episode_return, found[1].episode_return[[4, 1]])
    again = evaluate_event_driven(
        BatchedIdlePolicy(), CONFIG, LATE, seeds=[4, 1], days=found[1].days[[4, 1]]
    )
    assert again.days.tolist() == found[1].days[[4, 1]].tolist()


def test_an_episode_that_ends_early_counts_up_to_its_end() -> None:
    class Extreme(BatchedIdlePolicy):
        """Drive taps and reactive power to where the power flow finds no solution."""

        def act(self, observations: Any, infos: Any) -> Any:
            return np.ones_like(self._idle)

    config = {"max_episode_steps": 12}
    config["microgrid_configs"] = [
        {
            "name": "MG1", "connection_bus": "DSO Bus 850", "load_scale": 0.1,
            "devices": [
                {"type": "ESS", "name": "big", "bus": "Bus 671", "e_capacity_MWh": 50.0,
                 "p_max_MW": 60.0},
                {"type": "Grid", "name": "grid"},
            ],
        }
    ]  # fmt: skip
    config |= {"dataset": "shipped", "forecast_steps": 2}
    found = evaluate_event_driven(Extreme(), config, {}, seeds=2)
    assert (found.n_interval < 12).all()
    assert (found.n_unsolved == 1).all()
    assert (found.episode_return < -100.0).all()


def test_a_frame_has_a_row_for_each_episode() -> None:
    found = evaluate_event_driven(BatchedIdlePolicy(), CONFIG, LATE, seeds=[5, 9])
    frame = found.to_frame()
    assert frame["seed"].tolist() == [5, 9]
    assert frame["episode_return"].to_numpy() == pytest.approx(found.episode_return)
    assert frame["messages_lost"].to_numpy() == pytest.approx(found.messages["lost"])
    assert frame["cost_energy"].notna().all()


def test_an_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covers = [
        found.low <= 1.0 <= found.high
        for found in (mean_interval(rng.normal(1.0, 2.0, 8)) for _ in range(2000))
    ]
    assert np.mean(covers) == pytest.approx(0.95, abs=0.015)


def test_pairing_takes_out_what_episodes_have_in_common() -> None:
    rng = np.random.default_rng(1)
    day = rng.normal(0.0, 100.0, 50)
    base, worse = day + rng.normal(0.0, 0.1, 50), day - 1.0 + rng.normal(0.0, 0.1, 50)
    found = paired_difference(worse, base)
    assert -1.1 < found.low < found.high < -0.9
    with pytest.raises(ValueError, match="n >= 1"):
        mean_interval([])
    assert mean_interval([2.0]).high == np.inf
