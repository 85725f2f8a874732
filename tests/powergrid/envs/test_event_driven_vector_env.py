"""Environments run by events: the synchronous ones without delays, and what delays change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError, HeronError
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

LATE = {
    "coordinator": {
        "tick_interval": 1800.0, "obs_delay": 4000.0, "msg_delay": 30.0, "jitter_type": "uniform",
        "jitter_ratio": 0.3,
    },
    "field": {
        "tick_interval": 600.0, "act_delay": 20.0, "jitter_type": "gaussian", "jitter_ratio": 0.1,
    },
    "faults": {"loss": 0.2, "duplication": 0.1, "reordering": 0.3, "reordering_delay": 900.0},
}  # fmt: skip

# What wakes agents, and what loses their messages and changes the network under them.
DISTURBED: dict[str, Any] = {
    "disturbances": [
        {"kind": "communication_outage", "rate_per_h": 0.3, "duration_s": {"mean_s": 3000.0}},
        {"kind": "line_outage", "rate_per_h": 0.2, "duration_s": 5000.0},
        {"kind": "tap_stuck", "rate_per_h": 0.4, "duration_s": 5000.0},
        {"kind": "generator_trip", "rate_per_h": 0.4, "duration_s": 5000.0},
    ],
    "conditions": [{"kind": "voltage_alarm", "low_pu": 0.98, "cool_down_s": 7000.0}],
}


def actions_of(seed: int, n_call: int, envs: VectorGridEnv, lanes: list[int]) -> np.ndarray:
    """Return random actions by call and lane; a lane has the same ones in every batch."""
    shape = (n_call, *envs.action_space.shape[1:])
    of_lanes = [np.random.default_rng((seed, lane)).uniform(-1.2, 1.2, shape) for lane in lanes]
    return np.stack(of_lanes, axis=1).astype(np.float32)


def run(envs: EventDrivenVectorEnv, lanes: list[int], n_call: int) -> list[tuple[Any, ...]]:
    """Return what each call answers, with seeds and actions of these lanes.

    Lanes act at different times, so each takes its k-th action when it acts for the k-th time.
    """
    observations, infos = envs.reset(seed=[100 + lane for lane in lanes])
    actions = actions_of(1, n_call, envs, lanes)
    at = np.zeros(len(lanes), np.intp)
    told: list[list[tuple[Any, ...]]] = [[] for _ in lanes]
    rewards = np.zeros((len(lanes), len(envs.agents)))
    paid = np.zeros_like(rewards)
    while min(len(of_lane) for of_lane in told) < n_call:
        now = actions[np.minimum(at, n_call - 1), np.arange(len(lanes))]
        for k, of_lane in enumerate(told):
            if infos["acting"][k].any():
                acting = infos["acting"][k]
                of_lane.append(
                    (
                        observations[k][acting].copy(), acting.copy(), paid[k].copy(),
                        infos["time_s"][k][acting].copy(), infos["age_s"][k][acting].copy(),
                        infos["episode_cost"][k].copy(), envs.state()[:, k].copy(),
                    )
                )  # fmt: skip
                paid[k] = 0.0
                at[k] += 1
        observations, rewards, _, _, infos = envs.step(now)
        paid += rewards
    return [entry for of_lane in told for entry in of_lane[:n_call]]


def assert_same(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
def test_without_delays_every_step_is_the_synchronous_one(setup: str) -> None:
    config = {**load_setup(setup), "max_episode_steps": 24}
    events = EventDrivenVectorEnv(3, config)
    steps = VectorGridEnv(3, config, autoreset_mode="SameStep")
    first, _ = steps.reset(seed=7)
    np.testing.assert_array_equal(events.reset(seed=7)[0], first)
    for now in actions_of(0, 50, steps, [0, 1, 2]):
        expected, found = steps.step(now), events.step(now)
        for a, b in zip(expected[:4], found[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        for name, values in expected[4].items():
            np.testing.assert_array_equal(found[4][name], values, err_msg=name)
        np.testing.assert_array_equal(steps.state(), events.state())
        assert found[4]["acting"].all()
        assert (found[4]["n_interval"] == 1).all()
        assert (found[4]["age_s"] == 0.0).all()


@pytest.mark.parametrize("rule", ["terminate", "continue"])
def test_a_power_flow_without_solution_is_what_it_is_in_synchronous_steps(rule: str) -> None:
    load = np.full(48, 0.8)
    load[[5, 15, 30]] = 200.0  # no network of ours carries it
    config = {
        "max_episode_steps": 8, "on_convergence_failure": rule, "dataset": {"train": {"load": load}}
    }  # fmt: skip
    events = EventDrivenVectorEnv(3, config)
    steps = VectorGridEnv(3, config, autoreset_mode="SameStep")
    for envs in (events, steps):
        envs.reset(seed=1)
    n_failed = 0
    for now in actions_of(0, 20, steps, [0, 1, 2]):
        expected, found = steps.step(now), events.step(now)
        for a, b in zip(expected[:4], found[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        for name, values in expected[4].items():
            np.testing.assert_array_equal(found[4][name], values, err_msg=name)
        n_failed += int((~found[4]["converged"]).sum())
    assert n_failed > 3


@pytest.mark.parametrize(
    ("timing", "disturbed"),
    [(LATE, {}), ({**LATE, "faults": {}}, {}), ({}, {}), (LATE, DISTURBED)],
)
def test_lanes_are_those_of_smaller_batches(
    timing: dict[str, Any], disturbed: dict[str, Any]
) -> None:
    config = {"max_episode_steps": 8, "timing": timing, **disturbed}
    together = run(EventDrivenVectorEnv(5, config), [0, 1, 2, 3, 4], 40)
    apart = [run(EventDrivenVectorEnv(1, config), [lane], 40) for lane in range(5)]
    assert_same(together, [entry for of_lane in apart for entry in of_lane])


@pytest.mark.parametrize("disturbed", [{}, DISTURBED])
def test_threads_change_nothing(disturbed: dict[str, Any]) -> None:
    config = {"max_episode_steps": 8, "timing": LATE, **disturbed}
    lanes = list(range(40))
    one, two = (EventDrivenVectorEnv(40, config, n_thread=n) for n in (1, 2))
    assert_same(run(one, lanes, 12), run(two, lanes, 12))
    two.close()


def test_an_observation_is_as_old_as_the_delay() -> None:
    late = EventDrivenVectorEnv(2, {"timing": {"coordinator": {"obs_delay": 7200.0}}})
    now = VectorGridEnv(2, autoreset_mode="SameStep")
    seen = [now.reset(seed=3)[0].copy()]
    observations, infos = late.reset(seed=3)
    idle = now.idle_actions()
    for k in range(10):
        if k < 2:
            assert not observations.any()
            assert np.isinf(infos["age_s"]).all()
        else:
            np.testing.assert_array_equal(observations, seen[k - 2])
            assert (infos["age_s"] == 7200.0).all()
        observations, _, _, _, infos = late.step(idle)
        seen.append(now.step(idle)[0].copy())


def test_a_delay_of_any_length_is_one_that_an_episode_can_have() -> None:
    """Nothing is known in an episode that is shorter than the delay, and nothing kept for it."""
    timing = {"coordinator": {"obs_delay": 1e11, "jitter_type": "gaussian"}}
    envs = EventDrivenVectorEnv(1, {"max_episode_steps": 4, "timing": timing})
    observations, infos = envs.reset(seed=0)
    for _ in range(6):
        assert not observations.any()
        assert np.isinf(infos["age_s"]).all()
        observations, _, _, _, infos = envs.step(envs.idle_actions())


@pytest.mark.parametrize(("step_s", "delay_s"), [(0.1, 0.3), (0.1, 0.7), (0.7, 2.1)])
def test_steps_that_floats_cannot_hold_leave_nothing_unknown(step_s: float, delay_s: float) -> None:
    """Times are rounded, so what is just as old as the delay may count as younger."""
    timing = {"coordinator": {"obs_delay": delay_s}}
    envs = EventDrivenVectorEnv(
        1, {"step_s": step_s, "max_episode_steps": 200, "timing": timing, "forecast_steps": 0}
    )
    now = VectorGridEnv(1, {"step_s": step_s, "max_episode_steps": 200, "forecast_steps": 0})
    seen = [now.reset(seed=3)[0].copy()]
    observations, infos = envs.reset(seed=3)
    idle = now.idle_actions()
    for k in range(100):
        if k > round(delay_s / step_s):
            age = round(infos["age_s"][0, 0] / step_s)  # exact, but for the rounding
            assert infos["age_s"].max() > delay_s - 1e-9
            np.testing.assert_array_equal(observations, seen[k - age])
        observations, _, _, _, infos = envs.step(idle)
        seen.append(now.step(idle)[0].copy())


def test_a_command_in_the_middle_of_an_interval_counts_from_there() -> None:
    """Half an hour of idling, then half an hour of discharging, is half the energy."""
    timing = {"coordinator": {"msg_delay": 1800.0}, "field": {"tick_interval": 60.0}}
    envs = EventDrivenVectorEnv(1, {"timing": timing})
    envs.reset(seed=0)
    slot = {name: k for k, name in enumerate(envs.state_names)}
    before = envs.state()[:, 0].copy()
    action = envs.idle_actions()
    ess = [k for k, name in enumerate(envs.action_names) if "ESS" in name and name.endswith(".p")]
    action[..., ess] = 1.0
    envs.step(action)
    after = envs.state()[:, 0]
    for name in envs.agents:
        stores = [
            s for s in slot if s.startswith(f"{name}/") and s.endswith(".storage.e_stored_MWh")
        ]
        for store in stores:
            owner = store.removesuffix(".storage.e_stored_MWh")
            p_mw, eff = (
                after[slot[f"{owner}.electrical.p_MW"]],
                after[slot[f"{owner}.storage.dsc_eff"]],
            )
            assert p_mw > 0.0
            assert before[slot[store]] - after[slot[store]] == pytest.approx(p_mw * 0.5 / eff)


def test_lost_commands_leave_the_devices_as_they_are() -> None:
    envs = EventDrivenVectorEnv(4, {"timing": {"faults": {"loss": 1.0}}})
    idle = EventDrivenVectorEnv(4)
    np.testing.assert_array_equal(envs.reset(seed=1)[0], idle.reset(seed=1)[0])
    for now in actions_of(0, 10, envs, [0, 1, 2, 3]):
        found, expected = envs.step(now), idle.step(idle.idle_actions())
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6, atol=1e-6)
    assert (envs.message_counters()["lost"] > 0).all()


def test_a_tap_moves_once_for_a_command_that_is_held() -> None:
    timing = {"coordinator": {"tick_interval": 4 * 3600.0}}
    envs = EventDrivenVectorEnv(1, {"timing": timing})
    envs.reset(seed=0)
    tap = next(k for k, name in enumerate(envs.state_names) if name.endswith("reg1.tap.tap"))
    action = envs.idle_actions()
    entry = next(k for k, name in enumerate(envs.action_names) if name.endswith(".tap"))
    action[0, 0, entry] = 1.0
    before = envs.state()[tap, 0]
    _, _, _, _, infos = envs.step(action)
    assert infos["n_interval"].tolist() == [4]
    assert envs.state()[tap, 0] == before + 1.0


class WornESS(ESS):
    """A battery whose hooks name a cost of its own, and that may break."""

    is_broken = False

    def update_state(self, net_results: Any = None, dt: float = 1.0) -> None:
        if type(self).is_broken:
            raise RuntimeError("broken")
        super().update_state(net_results, dt)

    def cost_by_cause(self) -> dict[str, float]:
        return {"wear": 3.0}


@pytest.fixture
def worn_config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(DEVICE_REGISTRY, "WornESS", WornESS)
    monkeypatch.setattr(WornESS, "is_broken", False)
    config: dict[str, Any] = load_setup("ieee34_ieee13")
    store = {"type": "WornESS", "name": "store", "bus": "Bus 675", "e_capacity_MWh": 1.0,
             "p_max_MW": 0.2, "p_min_MW": -0.2}  # fmt: skip
    config["microgrid_configs"][1]["devices"].append(store)
    return {**config, "uniform_spaces": True}


def test_a_cause_that_is_new_as_the_episode_ends_is_told(worn_config: dict[str, Any]) -> None:
    config = {**worn_config, "max_episode_steps": 1}
    events = EventDrivenVectorEnv(2, config)
    steps = VectorGridEnv(2, config, autoreset_mode="SameStep")
    for envs in (events, steps):
        envs.reset(seed=0)
    for _ in range(2):
        found, expected = (envs.step(envs.idle_actions())[4] for envs in (events, steps))
        assert found["cost_wear"].tolist() == [[0.0, 3.0, 0.0]] * 2
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def step_through(envs: EventDrivenVectorEnv, actions: np.ndarray) -> None:
    for now in actions:
        envs.step(now)


def test_after_a_call_that_failed_midway_a_reset_makes_all_good(
    worn_config: dict[str, Any],
) -> None:
    config = {**worn_config, "timing": LATE}
    broken, sound = (EventDrivenVectorEnv(2, config) for _ in range(2))
    broken.reset(seed=0)
    WornESS.is_broken = True
    actions = actions_of(0, 30, broken, [0, 1])
    with pytest.raises(RuntimeError, match="broken"):
        step_through(broken, actions)
    WornESS.is_broken = False
    with pytest.raises(HeronError, match="call reset"):
        broken.step(actions[0])
    first, _ = broken.reset(seed=1)
    np.testing.assert_array_equal(first, sound.reset(seed=1)[0])
    for now in actions:
        for a, b in zip(broken.step(now)[:4], sound.step(now)[:4], strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_on_its_way_is_not_saved() -> None:
    envs = EventDrivenVectorEnv(1)
    envs.reset(seed=0)
    with pytest.raises(HeronError, match="not saved"):
        envs.fork(0, [0])


@pytest.mark.parametrize(
    ("timing", "message"),
    [
        ({"coordinator": {"obs_dely": 1.0}}, "obs_delay"),
        ({"agents": {"MG9": {}}}, "MG9"),
        ({"faults": {"outages": [{"start": 0.0, "sender": "MG9"}]}}, "MG9"),
        ({"coordinator": {"tick_interval": 0.0}}, "tick_interval"),
    ],
)
def test_wrong_timing_is_refused(timing: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EventDrivenVectorEnv(1, {"timing": timing})
