from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.baselines import (
    IdlePolicy,
    Policy,
    RandomPolicy,
    RollingHorizonPolicy,
    perfect_foresight_bound,
    present_episode_bound,
    rollout,
)


class Extreme(Policy):
    """Every entry of every action at one of its ends, drawn at random."""

    name = "extreme"

    def reset(self, env, seed=None):
        self._rng = np.random.default_rng(seed)

    def act(self, env, observations):
        size = env.action_space("MG1").shape
        return {agent: self._rng.choice([-1.0, 1.0], size) for agent in observations}


class Constant(Policy):
    """The same value for every entry, always."""

    name = "constant"

    def __init__(self, value):
        self.value = value

    def act(self, env, observations):
        shape = env.action_space("MG1").shape
        return {agent: np.full(shape, self.value) for agent in observations}


POLICIES = [
    IdlePolicy(),
    RandomPolicy(),
    Extreme(),
    Constant(1.0),
    Constant(-1.0),
    RollingHorizonPolicy(),
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: f"{p.name} {getattr(p, 'value', '')}")
def test_no_policy_earns_more_than_the_bound(env, policy):
    bound = perfect_foresight_bound(env, 0, seed=1)
    record = rollout(env, policy, seed=1, day=0)
    assert record.has_converged
    assert record.cost > bound.cost
    assert record.episode_return < bound.episode_return


def test_the_bound_is_close_to_what_planning_reaches(env):
    # Losses, the start of the unit and limits are all that lies between.
    bound = perfect_foresight_bound(env, 0, seed=1)
    planned = rollout(env, RollingHorizonPolicy(), seed=1, day=0)
    idle = rollout(env, IdlePolicy(), seed=1, day=0)
    assert bound.cost > planned.cost - 0.2 * (idle.cost - planned.cost)


def test_the_bound_knows_what_no_forecast_contains(build):
    env = build(variability=True, step_s=900.0, max_episode_steps=8, forecast_steps=8)
    costs = {perfect_foresight_bound(env, 0, seed=seed).cost for seed in (1, 2)}
    assert len(costs) == 2
    for seed in (1, 2):
        record = rollout(env, IdlePolicy(), seed=seed, day=0)
        assert record.cost > present_episode_bound(env).cost


def test_an_always_on_unit_pays_its_constant_cost_and_least_power(build):
    unit = {"type": "Generator", "name": "gen", "bus": "Bus 633", "p_max_MW": 0.1}
    unit |= {"p_min_MW": 0.05, "cost_curve_coefs": [0.0, 500.0, 7.0]}
    env = build([unit], max_episode_steps=2)
    load = 0.5 * env.agent_dict["MG1"].zone.base_load_p_mw.sum()
    price = 60.0 + 20.0  # an hour each
    expected = (load - 0.05) * price + 2 * (500.0 * 0.05 + 7.0)
    assert perfect_foresight_bound(env, 0).cost == pytest.approx(expected)


def test_energy_not_taken_from_the_sun_is_paid_for_in_the_bound(build):
    plant = {"type": "SolarPlant", "name": "pv", "bus": "Bus 675", "p_rated_MW": 0.1}
    env = build([plant | {"curtailment_cost": 30.0}], max_episode_steps=12)
    record = rollout(env, Constant(-1.0), day=0)  # takes nothing
    bound = perfect_foresight_bound(env, 0)
    sun = 0.1 * env.agent_dict["MG1"].window.actual["solar"][:12]
    price = env.agent_dict["MG1"].window.actual["price"][:12]
    load = 0.5 * env.agent_dict["MG1"].zone.base_load_p_mw.sum()
    assert bound.cost == pytest.approx(float((load - sun) @ price))
    # Losses cost a little more.
    assert record.cost - bound.cost == pytest.approx(float(sun @ (price + 30.0)), rel=0.05)


def test_a_negative_price_is_refused(env):
    env.reset(seed=0, options={"day": 0})
    agent = env.agent_dict["MG1"]
    price = agent.window.actual["price"].copy()
    price[3] = -5.0
    agent.set_window(replace(agent.window, actual={**agent.window.actual, "price": price}))
    with pytest.raises(ConfigError, match="lowest price is -5"):
        present_episode_bound(env)


def test_a_device_of_an_unknown_kind_is_refused(build):
    turbine = {"type": "WindTurbine", "name": "wind", "bus": "Bus 675", "p_rated_MW": 0.1}
    with pytest.raises(ConfigError, match=r"no optimum is known .* wind"):
        perfect_foresight_bound(build([turbine]), 0)


def test_before_any_episode_there_is_nothing_to_bound(build):
    with pytest.raises(ConfigError, match="call reset"):
        present_episode_bound(build([]))
