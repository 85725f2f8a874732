"""The optimum of an environment's day: against its bound, its power flow and its own steps."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.baselines import perfect_foresight_bound
from powergrid.baselines.writing import SetPoint, write_action
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.optimization import OpfLimits, episode_case, optimal_episode, optimal_power_flow
from powergrid.optimization.opf_case import copy_of
from powergrid.setups.loader import load_setup

DAY = 242


@pytest.fixture(scope="module")
def env():
    return MultiAgentMicrogrids(load_setup("ieee34_ieee13"))


@pytest.fixture(scope="module")
def relaxed(env):
    return optimal_episode(env, DAY)


def test_a_day_is_exact_and_costs_more_than_the_bound_without_a_network(env, relaxed):
    bound = perfect_foresight_bound(env, DAY).cost
    planned = optimal_episode(
        env, DAY, commitment="planned", end_soc=0.5, limits=OpfLimits(upper="lossless")
    )
    assert planned.exactness.is_exact
    assert planned.exactness.vm_error_pu < 1e-6
    assert planned.exactness.cost == pytest.approx(planned.cost, abs=1e-4)
    assert bound < relaxed.cost < planned.cost
    # Losses and limits are all that lies between.
    assert relaxed.cost < 1.05 * bound
    for name, series in planned.series.items():
        if "soc" in series:
            assert series["soc"][-1] >= 0.5 - 1e-6, name
    assert 0.95 - 1e-6 <= planned.exactness.v_min_pu <= planned.exactness.v_max_pu <= 1.05 + 1e-6


def test_the_regulators_stand_where_the_dispatch_wants_them(env, relaxed):
    control, flow = env.distribution.tap_control, copy_of(relaxed.flow)
    before = flow.tap_pos.copy()
    flow.settle_lanes(control.compiled(flow), 0, flow.n_lane)
    np.testing.assert_array_equal(flow.tap_pos, before)
    assert len(np.unique(before[0])) > 1  # not all hours at one position


def test_the_environment_lives_through_the_dispatch_at_its_cost():
    # Regulators that do not move, so that both have the same taps.
    config = load_setup("ieee34_ieee13")
    config["dso_config"]["line_drop_compensation"] = False
    env = MultiAgentMicrogrids(config)
    plan = optimal_episode(env, DAY, commitment="planned", limits=OpfLimits(0.9, 1.3))
    assert plan.exactness.is_exact
    env.reset(options={"day": DAY})
    paid, read = 0.0, []
    for k in range(env.max_episode_steps):
        *_, infos = env.step(actions_of(env, plan, k))
        paid += sum(info["cost"] for info in infos.values())
        read.append(env.power_flow.result.vm_pu.copy())
    assert paid == pytest.approx(plan.cost, rel=1e-5)
    np.testing.assert_allclose(np.array(read).T, plan.vm_pu, atol=2e-5)


def actions_of(env, plan, k):
    """Return the actions that bring about step `k` of a plan."""
    actions = {}
    for name, agent in env.agent_dict.items():
        points = {}
        for device_id, device in agent.devices.items():
            key = f"{name}/{device_id}"
            if key not in plan.p_mw:
                continue
            p, q = float(plan.p_mw[key][k]), float(plan.q_mvar[key][k])
            on = plan.series[key].get("is_on")
            offered = getattr(device, "available_power", 0.0)
            share = min(p / offered, 1.0) if offered > 1e-9 else 1.0
            is_on = on is not None and bool(on[k] > 0.5)
            points[device_id] = SetPoint(p_mw=p, q_mvar=q, is_on=is_on, share=share)
        actions[name] = write_action(env, name, points)
    return actions


def test_a_case_can_be_changed_before_it_is_solved(env, relaxed):
    case = episode_case(env, DAY)
    assert case.n_step == 24
    assert {unit.name for unit in case.units} >= {"MG1/gen1", "MG2/ess2b", "MG3/wind3"}
    case.flow.load_p_mw[:] *= 1.1
    assert optimal_power_flow(case).cost > relaxed.cost + 1.0


def test_an_environment_on_pandapower_is_refused(env, monkeypatch):
    monkeypatch.setattr(env.power_flow, "flow", object())
    with pytest.raises(ConfigError, match="power_flow: native"):
        optimal_episode(env, DAY)


def test_an_unknown_commitment_names_the_known_ones(env):
    with pytest.raises(ConfigError, match="did you mean 'planned'"):
        optimal_episode(env, DAY, commitment="plan")
