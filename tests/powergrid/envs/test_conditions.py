"""Conditions: whom they wake, when, and what that does to lanes that run by events."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.disturbances import GridView, VoltageAlarm
from powergrid.disturbances.condition_watch import ConditionWatch
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.vector_grid_env import VectorGridEnv

STEP_S = 100.0


def watch(*conditions: Any, n_lane: int = 3) -> ConditionWatch:
    slots = {"A.bus_voltages.v_min": 0, "A.bus_voltages.v_max": 1}
    slots |= {"B.bus_voltages.v_min": 2, "B.bus_voltages.v_max": 3}
    features = np.ones((4, n_lane))
    status = np.zeros(n_lane, np.int8)
    return ConditionWatch(conditions, ["A", "B"], slots.__getitem__, features, status, STEP_S)


def set_voltages(of: ConditionWatch, low: Any, high: Any) -> None:
    """Set each agent's extremes, (n_agent, n_lane)."""
    of._features[0::2], of._features[1::2] = low, high


def test_an_alarm_looks_at_both_ends_of_the_band_in_all_lanes_at_once() -> None:
    one = watch(VoltageAlarm(low_pu=0.95, high_pu=1.05))
    set_voltages(one, [[0.94, 0.95, 1.0], [0.0, 1.0, 1.0]], [[1.0, 1.05, 1.06], [1.0, 1.0, 1.0]])
    one.check(0, 3)
    assert one.woken[0].tolist() == [[True, False, True], [True, False, False]]
    lane, agent, time_s = one.wake_ups()
    assert (lane.tolist(), agent.tolist()) == ([0, 0, 2], [0, 1, 0])
    assert time_s.tolist() == [STEP_S] * 3
    assert (lane.dtype, agent.dtype) == (np.int32, np.int32)


@pytest.mark.parametrize(("low_pu", "high_pu", "expected"), [(None, 1.05, 1), (0.95, None, 0)])
def test_either_end_may_be_left_out(low_pu: Any, high_pu: Any, expected: int) -> None:
    one = watch(VoltageAlarm(low_pu=low_pu, high_pu=high_pu), n_lane=2)
    set_voltages(one, [[0.9, 1.0], [1.0, 1.0]], [[1.0, 1.1], [1.0, 1.0]])
    one.check(0, 2)
    assert one.woken[0, 0].tolist() == [expected == 0, expected == 1]


def history(one: ConditionWatch, n: int, first: int = 0, last: int = 1) -> list[bool]:
    told = []
    for _ in range(n):
        one.check(first, last)
        told.append(bool(one.woken[0, 0, first]))
    return told


def test_without_a_cool_down_it_wakes_at_every_end_of_an_interval() -> None:
    one = watch(VoltageAlarm())
    set_voltages(one, 0.9, 1.0)
    assert history(one, 3) == [True] * 3


def test_a_cool_down_is_kept_and_counts_from_the_last_time() -> None:
    one = watch(VoltageAlarm(cool_down_s=2.5 * STEP_S))
    set_voltages(one, 0.9, 1.0)
    assert history(one, 7) == [True, False, False, True, False, False, True]
    one.reset(0, 1)
    assert history(one, 2) == [True, False]


def test_a_one_shot_wakes_each_agent_once_an_episode() -> None:
    one = watch(VoltageAlarm(one_shot=True))
    set_voltages(one, [[0.9] * 3, [1.0] * 3], 1.0)
    one.check(0, 1)
    set_voltages(one, 0.9, 1.0)
    one.check(0, 1)
    assert one.woken[0, :, 0].tolist() == [False, True]
    assert history(one, 3) == [False] * 3
    one.reset(0, 1)
    one.check(0, 1)
    assert one.woken[0, :, 0].all()


def test_lanes_and_agents_count_for_themselves() -> None:
    one = watch(VoltageAlarm(agents=("B",), cool_down_s=1e9))
    set_voltages(one, 0.9, 1.0)
    one._status[2] = 1  # without a solution nothing is known
    one.check(1, 3)
    assert one.woken[0].tolist() == [[False] * 3, [False, True, False]]
    one.check(0, 3)
    assert one.woken[0, 1].tolist() == [True, False, False]
    assert one.time_s.tolist() == [STEP_S, 2 * STEP_S, 2 * STEP_S]


def test_wrong_conditions_are_named() -> None:
    with pytest.raises(ConfigError, match=r"conditions.0: unknown agent 'a'; did you mean 'A'"):
        watch(VoltageAlarm(agents=("a",)))
    with pytest.raises(ConfigError, match=r"conditions.1: another one is called 'voltage_alarm'"):
        watch(VoltageAlarm(), VoltageAlarm(low_pu=0.9))


@dataclass
class LowCharge:
    """Wakes B when its battery is nearly empty."""

    below: float = 0.4
    name: str = "low_charge"
    agents: tuple[str, ...] | None = ("B",)
    cool_down_s: float = 0.0
    one_shot: bool = False

    def is_met(self, view: GridView) -> Any:
        soc = view.feature("B/store.storage.soc")
        return np.array([soc < self.below for _ in view.agents])


@dataclass
class Nonsense(LowCharge):
    def is_met(self, view: GridView) -> Any:
        return np.zeros(view.n_lane)


CONDITIONS: list[Any] = [
    {"kind": "voltage_alarm", "low_pu": 0.99, "high_pu": None, "cool_down_s": 7200.0},
    LowCharge(),
]
FAULTS = [{"kind": "line_outage", "rate_per_h": 0.3, "duration_s": 4000.0}]


def play(env: Any, actions: np.ndarray, seed: int) -> list[list[bool]]:
    env.reset(seed=seed)
    told = []
    for of_step in actions:
        infos = env.step(dict(zip(env.agents, of_step, strict=True)))[4]
        told.append(
            [
                info[f"condition_{n}"]
                for n in ("voltage_alarm", "low_charge")
                for info in infos.values()
            ]
        )
    return told


def test_infos_tell_alike_on_all_roads(make_villages: Callable[..., Any]) -> None:
    changes = {"uniform_spaces": True, "conditions": CONDITIONS, "disturbances": FAULTS}
    env = make_villages(**changes)
    twin = make_villages(**changes, backend="reference")
    envs = VectorGridEnv(5, env.env_config, env_class=type(env), n_thread=2)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.0, 1.0, (6, 5, *envs.single_action_space.shape)).astype(np.float32)
    envs.reset(seed=20)
    told = []
    for of_step in actions:
        infos = envs.step(of_step)[4]
        names = ("condition_voltage_alarm", "condition_low_charge")
        assert infos[names[0]].shape == (5, 2)
        told.append(np.concatenate([infos[name] for name in names], axis=1).copy())
    all_told = np.array(told)
    assert 0.0 < all_told[..., :2].mean() < 1.0
    assert not all_told[..., 2].any()
    assert 0.0 < all_told[..., 3].mean() < 1.0
    for lane in range(5):
        for one in (env, twin):
            assert np.array_equal(play(one, actions[:, lane], 20 + lane), all_told[:, lane])


def test_saved_lanes_keep_their_cool_downs(make_villages: Callable[..., Any]) -> None:
    conditions = [VoltageAlarm(low_pu=1.5, high_pu=None, cool_down_s=9000.0)]
    env = make_villages(uniform_spaces=True, conditions=conditions)
    one, other = (VectorGridEnv(2, env.env_config, env_class=type(env)) for _ in range(2))
    for envs in (one, other):
        envs.reset(seed=0)
    one.step(one.idle_actions())
    assert one.step(one.idle_actions())[4]["condition_voltage_alarm"].any() is np.False_
    other.load_state(pickle.loads(pickle.dumps(one.save_state())))
    told = [envs.step(envs.idle_actions())[4]["condition_voltage_alarm"] for envs in (one, other)]
    assert not told[0].any()
    assert not told[1].any()
    assert other.step(other.idle_actions())[4]["condition_voltage_alarm"].all()


def test_a_condition_that_answers_wrongly_is_named(make_villages: Callable[..., Any]) -> None:
    env = make_villages(conditions=[Nonsense()])
    env.reset(seed=0)
    with pytest.raises(ConfigError, match=r"'low_charge': is_met gives float64 of shape \(1,\)"):
        env.step({a: env.idle_action(a) for a in env.agents})


# --- by events ----------------------------------------------------------------------------------


def acting(make_villages: Callable[..., Any], **changes: Any) -> tuple[Any, list[np.ndarray]]:
    """Run lanes by events with rare ticks; return who acted, and when, call by call."""
    env = make_villages(
        uniform_spaces=True,
        timing={"coordinator": {"tick_interval": 1e6}, "field": {"tick_interval": 600.0}},
        **changes,
    )
    envs = EventDrivenVectorEnv(3, env.env_config, env_class=type(env))
    envs.reset(seed=1)
    told = []
    for _ in range(5):
        told.append(np.where(envs._acting, envs._act_s, -1.0))
        infos = envs.step(envs.idle_actions())[4]
    return infos, told


def test_agents_are_woken_at_the_end_of_the_interval(make_villages: Callable[..., Any]) -> None:
    _, alone = acting(make_villages)
    assert [(t >= 0.0).all() for t in alone[1:]] == [True] * 4  # only at the starts of episodes
    assert all((t == 0.0).all() for t in alone)
    alarm = VoltageAlarm(low_pu=1.5, high_pu=None, agents=("B",), cool_down_s=4000.0)
    _, woken = acting(make_villages, conditions=[alarm])
    assert (woken[0] == 0.0).all()
    for call, when_s in enumerate((3600.0, 10800.0, 18000.0), 1):
        assert (woken[call][:, 0] == -1.0).all()
        assert (woken[call][:, 1] == when_s).all()


def test_what_is_sent_during_a_communication_outage_is_lost(
    make_villages: Callable[..., Any],
) -> None:
    entry = {
        "kind": "communication_outage", "target": "A", "at_s": 3600.0, "duration_s": 2 * 3600.0
    }  # fmt: skip
    env = make_villages(uniform_spaces=True, max_episode_steps=50, disturbances=[entry])
    envs = EventDrivenVectorEnv(2, env.env_config, env_class=type(env))
    envs.reset(seed=0)
    devices = [m.owner.split("/")[0] for m in envs.engine.scene.members]
    lost = []
    for _ in range(5):
        before = envs.message_counters()["outage"].copy()
        _, _, _, _, infos = envs.step(envs.idle_actions())
        lost.append((envs.message_counters()["outage"] - before).tolist())
        assert infos["disturbance_communication_outage"].tolist() == [len(lost) in (2, 3)] * 2
    assert lost == [[0, 0], [devices.count("A")] * 2, [devices.count("A")] * 2, [0, 0], [0, 0]]


def test_drawn_communication_outages_differ_by_lane_and_repeat_by_seed(
    make_villages: Callable[..., Any],
) -> None:
    entry = {"kind": "communication_outage", "rate_per_h": 0.5, "duration_s": {"mean_s": 5000.0}}
    env = make_villages(uniform_spaces=True, disturbances=[entry])
    lost = []
    for n_lane in (6, 3):
        envs = EventDrivenVectorEnv(n_lane, env.env_config, env_class=type(env))
        envs.reset(seed=4)
        for _ in range(4):
            envs.step(envs.idle_actions())
        lost.append(envs.message_counters()["outage"].tolist())
    assert lost[1] == lost[0][:3]
    assert len(set(lost[0])) > 2


def test_disturbances_strike_lanes_that_run_by_events_alike(
    make_villages: Callable[..., Any],
) -> None:
    faults = [
        {"kind": "generator_trip", "rate_per_h": 0.7, "duration_s": 5000.0},
        {"kind": "tap_stuck", "rate_per_h": 0.5, "duration_s": 5000.0},
        {"kind": "load_spike", "rate_per_h": 0.5, "duration_s": 5000.0, "size": 1.4},
        *FAULTS,
    ]
    env = make_villages(uniform_spaces=True, disturbances=faults)
    make = {"env_class": type(env), "autoreset_mode": "SameStep"}
    by_steps = VectorGridEnv(8, env.env_config, **make)
    by_events = EventDrivenVectorEnv(8, env.env_config, **make)
    for envs in (by_steps, by_events):
        envs.reset(seed=30)
    rng = np.random.default_rng(0)
    n_disturbed = 0
    for _ in range(9):
        actions = rng.uniform(-1.0, 1.0, by_steps.action_space.shape).astype(np.float32)
        told = [envs.step(actions) for envs in (by_steps, by_events)]
        for k in range(4):
            assert np.array_equal(told[0][k], told[1][k])
        assert np.array_equal(by_steps.state(), by_events.state())
        for name, values in told[0][4].items():
            assert np.array_equal(values, told[1][4][name]), name
            n_disturbed += int(values.sum()) if name.startswith("disturbance_") else 0
    assert n_disturbed > 40
