from __future__ import annotations

import numpy as np
import pytest

from powergrid.baselines import Bound, EpisodeRecord, IdlePolicy, RandomPolicy
from powergrid.baselines.comparison import Comparison, bootstrap_mean, compare, spread_days

NAMES = ("idle", "random", "rules", "causal")


def record(name, value, n_violated=0, has_converged=True):
    return EpisodeRecord(
        policy=name,
        day=0,
        n_step=10,
        episode_return=value,
        cost=-value,
        agent_cost={"MG1": -value},
        energy_bought_mwh=1.0,
        energy_sold_mwh=0.0,
        safety=0.0,
        n_violated_step=n_violated,
        has_converged=has_converged,
        v_min_pu=1.0,
        v_max_pu=1.0,
    )


def comparison(idle=-100.0, random=-120.0, rules=-80.0, causal=-70.0, bound=-65.0, **changes):
    """Four episodes of different weight, in which the policies differ by the same amount."""
    shift = np.array([-20.0, -5.0, 5.0, 20.0])
    values = dict(zip(NAMES, (idle, random, rules, causal), strict=True))
    violated = {"random": 2, **changes.get("violated", {})}
    records = {
        name: [record(name, value + s, violated.get(name, 0)) for s in shift]
        for name, value in values.items()
    }
    return Comparison([0, 1, 2, 3], records, [Bound({"MG1": -(bound + s)}, 1.0) for s in shift])


def verdicts(**changes):
    return [claim.holds for claim in comparison(**changes).claims(*NAMES)]


def test_all_claims_hold_where_there_is_something_to_learn():
    assert all(verdicts())


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"rules": -96.0, "causal": -80.0}, [0]),
        ({"random": -83.0}, [1]),
        ({"causal": -76.0}, [2]),
        ({"bound": -70.5}, [3]),
        ({"violated": {"random": 0}}, [4]),
        ({"violated": {"idle": 1}}, [5]),
    ],
)
def test_a_claim_fails_alone_when_its_condition_does(changes, failing):
    assert [k for k, holds in enumerate(verdicts(**changes)) if not holds] == failing


def test_an_advantage_whose_interval_contains_zero_is_none():
    result = comparison()
    scattered = [record("rules", v) for v in (-180.0, 60.0, -150.0, 20.0)]
    result.records["rules"][:] = scattered
    assert result.advantage("rules", "idle").mean > 5.0
    assert not result.beats("rules", "idle", "idle").holds


def test_a_power_flow_that_failed_is_reported():
    result = comparison()
    result.records["random"][0] = record("random", -140.0, 2, has_converged=False)
    claim = result.claims(*NAMES)[-1]
    assert not claim.holds
    assert "random" in claim.text


def test_the_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for k in range(200):
        estimate = bootstrap_mean(rng.normal(3.0, 1.0, 30), n_resample=500, seed=k)
        hits += estimate.low <= 3.0 <= estimate.high
    assert 175 <= hits <= 200  # 95 % of 200, less a little for 30 samples


def test_a_mean_without_values_is_refused():
    with pytest.raises(ValueError, match="n >= 1"):
        bootstrap_mean([])


def test_days_are_spread_over_the_year():
    days = spread_days(365, 20)
    assert len(set(days)) == 20
    assert set(np.diff(days)) == {18, 19}
    assert days[0] == 9
    assert days[-1] == 355


@pytest.mark.parametrize("n", [0, 366])
def test_more_days_than_there_are_is_refused(n):
    with pytest.raises(ValueError, match=r"expected 1\.\.365"):
        spread_days(365, n)


def test_every_policy_lives_through_the_same_episodes(build):
    env = build(max_episode_steps=2)
    told = []
    result = compare(
        env,
        [IdlePolicy(), RandomPolicy()],
        [0],
        on_episode=lambda policy, day: told.append((policy, day)),
    )
    assert told == [("do-nothing", 0), ("random", 0)]
    assert {r.n_step for rs in result.records.values() for r in rs} == {2}
    assert result.is_bounded().holds
