"""Series in time: steps, rows, clock, forecasts and what no forecast contains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError


def idle(env: Any) -> dict[str, Any]:
    return {agent: env.idle_action(agent) for agent in env.agents}


def entries(env: Any, observation: np.ndarray, prefix: str) -> np.ndarray:
    rows = [k for k, name in enumerate(env.observation_names("A")) if name.startswith(prefix)]
    return observation[rows]


def lived(env: Any, day: int = 0, seed: int = 0) -> dict[str, np.ndarray]:
    """Play an idle episode; return price, load multiplier, sun and wind of each step."""
    env.reset(seed=seed, options={"day": day})
    seen: dict[str, list[float]] = {"price": [], "load": [], "solar": [], "wind": []}
    a, b = (env.agent_dict[name] for name in ("A", "B"))
    while env.agents:
        seen["price"].append(a.state.market.price)
        seen["solar"].append(a.devices["pv"].available_power / 0.1)
        seen["wind"].append(b.devices["wind"].available_power / 0.15)
        env.step(idle(env))
        seen["load"].append(a.state.grid.total_load_MW / 0.25)
    return {kind: np.array(values) for kind, values in seen.items()}


KINDS = ("price", "load", "solar", "wind")


@pytest.mark.parametrize("day", [0, 1])
def test_rows_of_the_day_are_lived_through_in_order(small: Any, day: int) -> None:
    seen = lived(small, day)
    rows = small.config.dataset["train"]
    for kind in KINDS:
        assert seen[kind] == pytest.approx(rows[kind][24 * day : 24 * day + 6])


def test_the_other_split_is_the_other_series(make_villages: Callable[..., Any]) -> None:
    env = make_villages(train=False)
    assert lived(env)["price"] == pytest.approx(env.config.dataset["test"]["price"][:6])


def test_a_forecast_comes_true(small: Any) -> None:
    observations, _ = small.reset(seed=0, options={"day": 1})
    forecasts = {kind: [] for kind in KINDS}
    while small.agents:
        for kind in KINDS:
            forecasts[kind].append(entries(small, observations["A"], f"forecast.{kind}["))
        observations, *_ = small.step(idle(small))
    seen = lived(small, 1)
    for kind in KINDS:
        for k in range(6):
            known = min(3, 6 - k)
            assert forecasts[kind][k][:known] == pytest.approx(seen[kind][k : k + known])


def test_a_forecast_begins_with_the_interval_that_begins_now(small: Any) -> None:
    observations, _ = small.reset(seed=0)
    while small.agents:
        price = entries(small, observations["A"], "price")
        assert entries(small, observations["A"], "forecast.price[0]") == price
        observations, *_ = small.step(idle(small))


def test_the_forecast_at_the_end_of_the_series_wraps_round(
    make_villages: Callable[..., Any], draw_series: Callable[..., Any]
) -> None:
    rows = draw_series(24)
    env = make_villages(dataset={"train": rows}, max_episode_steps=24, forecast_steps=4)
    observations, _ = env.reset(seed=0)
    while env.agents:
        observations, *_ = env.step(idle(env))
    found = entries(env, observations["A"], "forecast.price")
    assert found == pytest.approx(rows["price"][:4])


def test_a_quarter_hour_holds_its_hours_row(make_villages: Callable[..., Any]) -> None:
    env = make_villages(step_s=900.0, max_episode_steps=8)
    rows = env.config.dataset["train"]
    seen = lived(env)
    for kind in KINDS:
        assert seen[kind] == pytest.approx(np.repeat(rows[kind][:2], 4))


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_forecasts_may_be_hours_apart_at_shorter_steps(
    make_villages: Callable[..., Any], backend: str
) -> None:
    env = make_villages(step_s=900.0, forecast_step_s=3600.0, max_episode_steps=6, backend=backend)
    rows = env.config.dataset["train"]
    observations, _ = env.reset(seed=0, options={"day": 1})
    for k in range(6):
        for kind in KINDS:
            found = entries(env, observations["A"], f"forecast.{kind}[")
            first = 24 + k // 4
            assert found == pytest.approx(rows[kind][first : first + 3])
        observations, *_ = env.step(idle(env))
    assert env.agent_dict["A"].window.n_step == 6


@pytest.mark.parametrize("apart_s", [1000.0, 450.0])
def test_forecasts_between_steps_are_refused(
    make_villages: Callable[..., Any], apart_s: float
) -> None:
    with pytest.raises(ConfigError, match="multiple of step_s"):
        make_villages(step_s=900.0, forecast_step_s=apart_s)


def test_linear_interpolation_goes_from_row_to_row(make_villages: Callable[..., Any]) -> None:
    env = make_villages(step_s=900.0, max_episode_steps=8, interpolation="linear")
    rows = env.config.dataset["train"]
    seen = lived(env)
    for kind in KINDS:
        wanted = np.interp(np.arange(8) / 4.0, np.arange(3), rows[kind][:3])
        assert seen[kind] == pytest.approx(wanted)


def test_rows_may_last_a_minute(make_villages: Callable[..., Any]) -> None:
    env = make_villages(step_s=60.0, row_s=60.0, dataset="shipped_minute", max_episode_steps=3)
    rows = env.source.profiles.rows("price", "BANC")
    assert len(rows) == 7 * 1440
    seen = lived(env, day=2)
    assert seen["price"] == pytest.approx(rows[2 * 1440 : 2 * 1440 + 3])


@pytest.mark.parametrize("step_s", [60.0, 900.0])
def test_fluctuation_stays_near_the_forecast_and_is_not_in_it(
    make_villages: Callable[..., Any], step_s: float
) -> None:
    config = {"step_s": step_s, "interpolation": "linear", "max_episode_steps": 12}
    smooth = lived(make_villages(**config))
    env = make_villages(**config, variability=True)
    lively = lived(env, seed=3)
    assert lively["price"] == pytest.approx(smooth["price"])
    for kind, width in (("load", 0.1), ("wind", 0.6)):
        assert not np.allclose(lively[kind], smooth[kind], rtol=1e-4)
        assert lively[kind] == pytest.approx(smooth[kind], rel=width)
    observations, _ = env.reset(seed=3, options={"day": 0})
    forecast = entries(env, observations["A"], "forecast.load[")
    assert forecast == pytest.approx(smooth["load"][:3])
    assert env.agent_dict["A"].devices["pv"].available_power <= 0.1


def test_fluctuation_never_lifts_sun_or_wind_above_the_rating(
    make_villages: Callable[..., Any],
) -> None:
    full = {"train": {"solar": np.ones(24), "wind": np.ones(24)}}
    env = make_villages(dataset=full, variability=True, step_s=300.0, max_episode_steps=12)
    seen = lived(env)
    actual = env.agent_dict["A"].window.actual
    for kind in ("solar", "wind"):
        assert actual[kind].max() == seen[kind].max() == 1.0
        assert seen[kind].min() < 1.0


def test_the_clock_turns_once_a_day_and_once_a_week(make_villages: Callable[..., Any]) -> None:
    env = make_villages(first_weekday=2, step_s=6 * 3600.0, max_episode_steps=4, dataset=None)
    env.reset(seed=0, options={"day": 3})
    for k in range(4):
        clock = env.agent_dict["B"].state.clock
        hour, day = 2 * np.pi * k / 4, 2 * np.pi * (5 + k / 4) / 7
        assert (clock.sin_hour, clock.cos_hour) == pytest.approx((np.sin(hour), np.cos(hour)))
        assert (clock.sin_weekday, clock.cos_weekday) == pytest.approx((np.sin(day), np.cos(day)))
        env.step(idle(env))


def test_shipped_series_know_their_weekday(make_villages: Callable[..., Any]) -> None:
    env = make_villages(dataset="shipped", train=False)
    env.reset(seed=0, options={"day": 0})  # 1 January 2023 was a Sunday
    clock = env.agent_dict["A"].state.clock
    sunday = 2 * np.pi * 6 / 7
    assert (clock.sin_weekday, clock.cos_weekday) == pytest.approx((np.sin(sunday), np.cos(sunday)))


def test_an_episode_fits_into_the_series(make_villages: Callable[..., Any]) -> None:
    env = make_villages(dataset="shipped", max_episode_steps=48)
    env.reset(seed=0, options={"day": 363})
    with pytest.raises(ValueError, match=r"the split has 0\.\.363"):
        env.reset(options={"day": 364})


def test_the_length_of_a_step_is_in_what_a_battery_stores(
    make_villages: Callable[..., Any],
) -> None:
    for step_s in (3600.0, 900.0, 60.0):
        env = make_villages(step_s=step_s)
        env.reset(seed=0)
        actions = idle(env)
        actions["A"][env.action_names("A").index("ESS0.p")] = -0.5
        env.step(actions)
        store = env.agent_dict["A"].devices["store"].state
        assert store.electrical.p_MW == pytest.approx(-0.075)
        gained = store.storage.e_stored_MWh - 0.2
        assert gained == pytest.approx(0.075 * 0.9 * step_s / 3600.0)
