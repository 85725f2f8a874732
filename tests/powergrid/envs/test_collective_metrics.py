"""Metrics over all agents and over the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
import pytest


def play(env: Any, n_step: int) -> tuple[list[dict[str, Any]], list[dict[str, float]]]:
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    infos, rewards = [], []
    for _ in range(n_step):
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        _, reward, _, _, info = env.step(actions)
        infos.append(info)
        rewards.append(reward)
    return infos, rewards


def sums(infos: list[dict[str, Any]], key: str) -> np.ndarray:
    return np.array([sum(info[agent][key] for info in infos) for agent in ("A", "B")])


@pytest.mark.parametrize("n_step", [1, 4, 6])
def test_an_episode_is_summed_up(small: Any, n_step: int) -> None:
    infos, rewards = play(small, n_step)
    found = small.get_collective_metrics()
    cost, safety = sums(infos, "cost"), sums(infos, "safety")
    assert set(found) == {"total_cost", "total_safety", "mean_reward", "cooperation_score"}
    assert found["total_cost"] == pytest.approx(cost.sum())
    assert found["total_safety"] == pytest.approx(safety.sum())
    assert found["mean_reward"] == pytest.approx(np.mean([list(r.values()) for r in rewards]))
    score = 1.0 / (1.0 + np.var(-(cost + safety)))
    assert found["cooperation_score"] == pytest.approx(score)


def test_the_last_step_can_be_asked_for(small: Any) -> None:
    infos, rewards = play(small, 3)
    found = small.get_collective_metrics(which="step")
    cost = sums(infos[-1:], "cost")
    assert found["total_cost"] == pytest.approx(cost.sum())
    assert found["mean_reward"] == pytest.approx(np.mean(list(rewards[-1].values())))
    safety = sums(infos[-1:], "safety")
    assert found["cooperation_score"] == pytest.approx(1.0 / (1.0 + np.var(cost + safety)))


def test_metrics_of_a_finished_episode_last_until_the_next_reset(small: Any) -> None:
    play(small, 6)
    finished = small.get_collective_metrics()
    small.step({})
    assert small.agents == []
    assert small.get_collective_metrics() == finished
    small.reset(seed=1)
    assert small.get_collective_metrics() == {
        "total_cost": 0.0,
        "total_safety": 0.0,
        "mean_reward": 0.0,
        "cooperation_score": 1.0,
    }


def test_rewards_count_as_they_are_paid_out(make_villages: Any) -> None:
    def overload(net: pp.pandapowerNet) -> None:  # so that a reward is not minus the cost
        net.line["max_i_ka"] = 0.005

    env = make_villages(edit_net=overload, share_reward=True, penalty=100.0)
    infos, rewards = play(env, 3)
    found = env.get_collective_metrics()
    assert found["mean_reward"] == pytest.approx(np.mean([r["A"] for r in rewards]))
    assert sums(infos, "safety").sum() > 0.0
    assert found["mean_reward"] < -found["total_cost"] / 6.0


def test_another_span_is_refused(small: Any) -> None:
    with pytest.raises(ValueError, match="which is 'day', expected 'episode' or 'step'"):
        small.get_collective_metrics("day")


def test_the_network_is_summed_up(small: Any) -> None:
    play(small, 2)
    found, net = small.get_power_grid_metrics(), small.net
    assert found["converged"] is True
    assert found["v_min_pu"] == pytest.approx(net.res_bus.vm_pu.min())
    assert found["v_max_pu"] == pytest.approx(net.res_bus.vm_pu.max())
    assert found["max_line_loading_percent"] == pytest.approx(net.res_line.loading_percent.max())
    vm = net.res_bus.vm_pu
    assert found["n_voltage_violation"] == ((vm < 0.95) | (vm > 1.05)).sum()
    assert found["n_overload"] == (net.res_line.loading_percent > 100.0).sum()
    assert found["source_p_mw"] == pytest.approx(net.res_ext_grid.p_mw.sum())
    assert found["load_mw"] == pytest.approx(net.load.p_mw.sum())
    taps = net.trafo[net.trafo["tap_pos"].notna()]
    assert found["tap_positions"] == dict(zip(taps["name"], taps["tap_pos"], strict=True))
    assert set(found["tap_positions"]) == {"D REG", "A REG", "B REG"}
