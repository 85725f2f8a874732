"""A power flow that has no solution is an outcome, not an accident."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.errors import HeronError


def collapse(n_row: int = 48, at: int = 2) -> dict[str, Any]:
    """Return series with one hour of a load that no network of ours can carry."""
    load = np.full(n_row, 0.8)
    load[at] = 200.0
    return {"train": {"load": load, "solar": np.full(n_row, 0.5)}}


def idle(env: Any) -> dict[str, Any]:
    return {agent: env.idle_action(agent) for agent in env.agents}


def charge(env: Any) -> dict[str, Any]:
    actions = idle(env)
    for agent, action in actions.items():
        action[env.action_names(agent).index("ESS0.p")] = -0.5
    return actions


def test_a_failed_step_terminates_by_default(make_villages: Any) -> None:
    env = make_villages(dataset=collapse())
    env.reset(seed=0, options={"day": 0})
    for _ in range(2):
        *_, infos = env.step(idle(env))
        assert infos["A"]["converged"] is True
    _, _, terminated, truncated, infos = env.step(idle(env))
    assert terminated == {"A": True, "B": True}
    assert truncated == {"A": False, "B": False}
    assert env.agents == []
    assert infos["A"]["converged"] is infos["B"]["converged"] is False


def test_a_failed_step_may_let_the_episode_go_on(make_villages: Any) -> None:
    env = make_villages(dataset=collapse(), on_convergence_failure="continue")
    env.reset(seed=0, options={"day": 0})
    converged = []
    while env.agents:
        _, _, terminated, truncated, infos = env.step(idle(env))
        converged.append(infos["A"]["converged"])
        assert not any(terminated.values())
    assert converged == [True, True, False, True, True, True]
    assert all(truncated.values())


def test_the_configured_reward_and_safety_replace_the_usual_ones(make_villages: Any) -> None:
    env = make_villages(
        dataset=collapse(),
        convergence_failure_reward=-50.0,
        convergence_failure_safety=3.0,
        penalty=2.0,
    )
    env.reset(seed=0, options={"day": 0})
    for _ in range(3):
        _, rewards, _, _, infos = env.step(idle(env))
    assert rewards == {"A": -56.0, "B": -56.0}
    assert infos["A"]["safety"] == infos["B"]["safety"] == 3.0
    assert env.get_collective_metrics("step")["total_safety"] == 6.0


def test_the_defaults_are_minus_200_and_20_times_the_penalty(make_villages: Any) -> None:
    env = make_villages(dataset=collapse())
    env.reset(seed=0, options={"day": 0})
    for _ in range(3):
        _, rewards, *_ = env.step(idle(env))
    assert rewards == {"A": -400.0, "B": -400.0}


def test_observations_keep_the_last_voltages_and_show_the_new_devices(make_villages: Any) -> None:
    env = make_villages(dataset=collapse(), on_convergence_failure="continue")
    env.reset(seed=0, options={"day": 0})
    env.step(charge(env))
    before, *_ = env.step(charge(env))
    after, *_ = env.step(charge(env))
    names = env.observation_names("A")
    assert not env.power_flow.result.converged
    for agent in ("A", "B"):
        assert env.observation_space(agent).contains(after[agent])
        assert np.isfinite(after[agent]).all()
        for name in ("grid.v_min", "grid.v_max", "ESS0.v_pu"):
            assert after[agent][names.index(name)] == before[agent][names.index(name)]
    soc = names.index("ESS0.soc")
    assert after["A"][soc] > before["A"][soc]
    assert after["A"][names.index("grid.total_load_MW")] == pytest.approx(0.25 * 200.0)


def test_the_step_after_a_failure_is_solved_as_if_nothing_had_been(make_villages: Any) -> None:
    failed = make_villages(dataset=collapse(at=2), on_convergence_failure="continue")
    failed.reset(seed=0, options={"day": 0})
    for _ in range(4):
        failed.step(idle(failed))
    sound = make_villages(dataset=collapse(at=30))
    sound.reset(seed=0, options={"day": 0})
    for _ in range(4):
        sound.step(idle(sound))
    vm = failed.power_flow.result.vm_pu
    assert np.abs(vm - sound.power_flow.result.vm_pu).max() < 1e-8
    taps = (env.get_power_grid_metrics()["tap_positions"] for env in (failed, sound))
    assert next(taps) == next(taps)


def test_reset_draws_another_day_where_the_first_has_no_solution(make_villages: Any) -> None:
    env = make_villages(dataset=collapse(n_row=24 * 4, at=24), max_episode_steps=2)
    days = set()
    for seed in range(16):
        env.reset(seed=seed)
        days.add(env.day)
    assert days == {0, 2, 3}


def test_reset_gives_up_after_ten_days_and_names_the_weakest_bus(make_villages: Any) -> None:
    env = make_villages(dataset={"train": {"load": np.full(24 * 50, 200.0)}})
    with pytest.raises(
        HeronError, match=r"start of 10 day.*lowest voltage is 0\.\d+ p.u., at A Bus 3"
    ):
        env.reset(seed=0)
    assert env.power_flow.n_failed >= 10


def test_after_a_failed_reset_a_step_asks_for_another(make_villages: Any) -> None:
    env = make_villages(dataset=collapse(n_row=48, at=24))
    env.reset(seed=0, options={"day": 0})
    with pytest.raises(HeronError, match=r"start of 1 day"):
        env.reset(options={"day": 1})
    with pytest.raises(HeronError, match=r"step\(\) before reset\(\)"):
        env.step({"A": np.zeros(9), "B": np.zeros(9)})
    env.reset(options={"day": 0})
    env.step(idle(env))
