"""What disturbances do to an environment, on every road and in every lane."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heron.errors import ConfigError
from powergrid.agents.grid import Grid
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

HOUR_S = 3600.0
N_STEP = 6

# Something of every kind, often.
EVERYTHING: list[dict[str, Any]] = [
    {"kind": "load_spike", "rate_per_h": 0.4, "duration_s": {"mean_s": 5400.0}, "size": [0.5, 1.6]},
    {"kind": "generator_trip", "rate_per_h": 0.7, "duration_s": {"mean_s": 7200.0}},
    {"kind": "line_outage", "rate_per_h": 0.3, "duration_s": 5400.0},
    {"kind": "switch_outage", "rate_per_h": 0.1, "duration_s": 7200.0},
    {"kind": "tap_stuck", "rate_per_h": 0.5, "duration_s": 9000.0},
]


def once(kind: str, target: Any, at_s: float = HOUR_S, **entries: Any) -> dict[str, Any]:
    return {"kind": kind, "target": target, "at_s": at_s, "duration_s": 2 * HOUR_S, **entries}


class CountingESS(ESS):
    """A battery that runs by Python hooks."""

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        super().update_state(*args, **kwargs)


@pytest.fixture
def hooked_config(small_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setitem(DEVICE_REGISTRY, "CountingESS", CountingESS)
    small_config["microgrid_configs"][1]["devices"][0]["type"] = "CountingESS"
    small_config["microgrid_configs"][0]["devices"].append(
        {"type": "WindTurbine", "name": "turbine", "bus": "Bus 3", "p_rated_MW": 0.1}
    )
    return small_config


def random_actions(n_lane: int, shape: tuple[int, ...], n_step: int = N_STEP) -> np.ndarray:
    rng = np.random.default_rng(8)
    return rng.uniform(-1.0, 1.0, (n_step, n_lane, *shape)).astype(np.float32)


def play_single(env: Any, actions: np.ndarray, seed: int) -> list[np.ndarray]:
    """Play one lane's actions; return the features, rewards and counts after each step."""
    env.reset(seed=seed)
    told = []
    for of_step in actions:
        n = {a: env.action_space(a).shape[0] for a in env.agents}
        answers = env.step({a: of_step[k, : n[a]] for k, a in enumerate(env.agents)})
        info = answers[4][env.possible_agents[0]]
        counts = [v for name, v in info.items() if name.startswith("disturbance_")]
        told.append(np.concatenate([env.table.values[:, 0], list(answers[1].values()), counts]))
        if not env.agents:
            break
    return told


def lanes_told(envs: VectorGridEnv, infos: dict[str, Any]) -> np.ndarray:
    counts = [v for name, v in infos.items() if name.startswith("disturbance_")]
    return np.concatenate([envs.state(), envs._rewards.T, np.array(counts)])


# --- one by one ---------------------------------------------------------------------------------


def test_a_load_spike_multiplies_the_loads_of_a_grid(make_villages: Callable[..., Any]) -> None:
    plain = make_villages()
    env = make_villages(
        disturbances=[once("load_spike", "A", size=1.5), once("load_spike", ["A", "D"], size=1.2)]
    )
    for one in (plain, env):
        one.reset(seed=0, options={"day": 0})
    zone = env.net.bus["zone"].to_numpy()[env.net.load["bus"]]
    for k in range(4):
        infos = [one.step({a: one.idle_action(a) for a in one.agents})[4] for one in (plain, env)]
        factor = {"A": 1.8, "B": 1.0, "D": 1.2} if 1 <= k < 3 else dict.fromkeys("ABD", 1.0)
        for name, of_zone in factor.items():
            own = zone == name
            assert env.power_flow.load_p_mw[own] == pytest.approx(
                of_zone * plain.power_flow.load_p_mw[own]
            )
        a, before = (one.agent_dict["A"].state.grid.total_load_MW for one in (env, plain))
        assert a == pytest.approx(factor["A"] * before)
        assert infos[1]["B"]["disturbance_load_spike"] == (3 if 1 <= k < 3 else 0)
        assert "disturbance_load_spike" not in infos[0]["B"]


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_tripped_generator_stops_at_once_and_has_to_be_started_anew(
    small_config: dict[str, Any], env_of_config: Callable[..., Any], backend: str
) -> None:
    small_config |= {"backend": backend, "disturbances": [once("generator_trip", "A/gen")]}
    unit = small_config["microgrid_configs"][0]["devices"][0]
    unit |= {"startup_time_hr": 0.0, "shutdown_time_hr": 0.0}
    env = env_of_config(small_config)
    env.reset(seed=0)
    on = {a: np.ones(env.action_space(a).shape, np.float32) for a in env.agents}
    gen = env.agent_dict["A"].devices["gen"]
    states, parts = [], []
    for _ in range(5):
        before = gen.state.unit.status
        _, _, _, _, infos = env.step(on)
        states.append((before, gen.state.unit.status, gen.state.electrical.p_MW))
        parts.append((infos["A"]["cost_fuel"] > 0.0, infos["A"]["cost_switching"]))
    # Interval 0 runs; 1 and 2 are out, whatever is commanded; in 3 the command starts it again.
    assert states == [
        (0.0, 0.0, 0.2),  # tripped at the start of the next interval, which shows already
        (0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 1.0, 0.2),
        (1.0, 1.0, 0.2),
    ]
    assert parts == [(True, 3.0), (False, 0.0), (False, 0.0), (True, 3.0), (True, 0.0)]


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("path", ["A/pv", "B/wind", "B/store"])
def test_what_is_out_injects_nothing_and_costs_nothing(
    make_villages: Callable[..., Any], path: str, backend: str
) -> None:
    env = make_villages(disturbances=[once("generator_trip", path)], backend=backend)
    env.reset(seed=0)
    agent, name = path.split("/")
    device = env.agent_dict[agent].devices[name]
    rng = np.random.default_rng(0)
    given = []
    for k in range(5):
        stored = device.state.storage.e_stored_MWh if name == "store" else 0.0
        env.step({a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents})
        electrical = device.state.electrical
        given.append(abs(electrical.p_MW) + abs(electrical.q_MVAr) > 0.0)
        if 1 <= k < 3:
            assert device.cost == 0.0
            if name == "store":
                assert device.state.storage.e_stored_MWh == stored
            else:
                assert device.state.availability.available_p_MW == (
                    0.0 if k == 1 else pytest.approx(device.available_power)
                )
    assert given == [True, False, False, True, True]


def test_a_stuck_tap_ignores_commands_and_costs_nothing(
    make_villages: Callable[..., Any],
) -> None:
    for backend in ("native", "reference"):
        env = make_villages(disturbances=[once("tap_stuck", "B/reg")], backend=backend)
        env.reset(seed=0)
        taps, wear = [], []
        for _ in range(5):
            up = {a: np.ones(env.action_space(a).shape, np.float32) for a in env.agents}
            infos = env.step(up)[4]
            taps.append(env.agent_dict["B"].devices["reg"].state.tap.tap)
            wear.append(infos["B"]["cost_switching"])
        assert taps == [1.0, 1.0, 1.0, 2.0, 3.0]
        assert wear == [0.5, 0.0, 0.0, 0.5, 0.5]


def test_a_stuck_regulator_of_the_feeder_stays(ieee34: Any) -> None:
    config = {**ieee34.env_config, "max_episode_steps": 8}
    env = MultiAgentMicrogrids({**config, "disturbances": [once("tap_stuck", "DSO REG2", 0.0)]})
    ieee34.reset(seed=0, options={"day": 3})
    env.reset(seed=0, options={"day": 3})
    row = env.power_flow.trafo_names.index("DSO REG2")
    positions = []
    for one in (ieee34, env):
        taps = [float(one.power_flow.tap_pos[row])]
        for _ in range(6):
            one.step({a: one.idle_action(a) for a in one.agents})
            taps.append(float(one.power_flow.tap_pos[row]))
        positions.append(taps)
    assert positions[1][:3] == [float(env._tap_start[row])] * 3
    assert positions[0][0] != positions[1][0]
    assert positions[1][3] != positions[1][2]  # free again


@pytest.mark.parametrize(
    ("kind", "target"), [("line_outage", "B Line 2-3"), ("switch_outage", "B PCC")]
)
@pytest.mark.parametrize("power_flow", ["native", "pandapower"])
def test_what_is_cut_off_has_no_voltage_load_or_generation(
    make_villages: Callable[..., Any], kind: str, target: str, power_flow: str
) -> None:
    env = make_villages(disturbances=[once(kind, target)], power_flow=power_flow)
    env.reset(seed=0)
    b = env.agent_dict["B"]
    n_dead = 1 if kind == "line_outage" else 3
    rng = np.random.default_rng(0)
    for k in range(4):
        acted = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        _, _, _, _, infos = env.step(acted)
        assert infos["B"]["converged"]
        dead = b.state.bus_voltages.vm_pu == 0.0
        wind = b.devices["wind"].state
        if not 1 <= k < 3:
            assert not dead.any()
            continue
        assert dead.sum() == n_dead
        assert b.state.bus_voltages.v_min == 0.0
        # Each counts as one of 0 p.u.
        assert infos["B"]["safety_voltage"] >= 0.95 * n_dead
        assert wind.electrical.p_MW == wind.electrical.q_MVAr == wind.electrical.v_pu == 0.0
        served = env.power_flow.load_p_mw[b.zone.load_rows]
        assert (served == 0.0).sum() == n_dead - (n_dead == 3)
        assert b.state.grid.total_load_MW == pytest.approx(served.sum())
        if n_dead == 3:
            meter = next(d for d in b.devices.values() if isinstance(d, Grid))
            assert meter.state.electrical.p_MW == infos["B"]["energy_bought_mwh"] == 0.0
        net = env.net
        assert np.nan_to_num(net.res_bus["vm_pu"].to_numpy()) == pytest.approx(
            env.power_flow.result.vm_pu, abs=1e-7
        )
    assert env.net.switch["closed"].all()
    assert env.net.line["in_service"].all()


def test_a_disturbance_counts_where_it_is_in_force_at_an_intervals_start(
    make_villages: Callable[..., Any],
) -> None:
    spans = [(0.0, 3600.0), (1.0, 3598.0), (3599.0, 2.0), (7200.0, 1.0), (10000.0, 4500.0)]
    env = make_villages(
        disturbances=[
            {"kind": "load_spike", "size": 1.1, "target": "A", "at_s": at_s, "duration_s": for_s}
            for at_s, for_s in spans
        ]
    )
    env.reset(seed=0)
    counts = []
    for _ in range(6):
        infos = env.step({a: env.idle_action(a) for a in env.agents})[4]
        counts.append(infos["A"]["disturbance_load_spike"])
    assert counts == [1, 1, 1, 1, 1, 0]


# --- on all roads -------------------------------------------------------------------------------


def disturbed(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        **copy.deepcopy(config), "uniform_spaces": True, "disturbances": EVERYTHING, **changes
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["kernels", "hooks", "variability"])
def test_lanes_live_through_what_single_environments_do_bit_for_bit(
    hooked_config: dict[str, Any],
    make_villages: Callable[..., Any],
    small_config: dict[str, Any],
    env_of_config: Callable[..., Any],
    kind: str,
) -> None:
    if kind == "kernels":
        config = disturbed(make_villages().env_config)
    else:
        config = disturbed(hooked_config, variability=kind == "variability")
    envs = VectorGridEnv(11, config, env_class=type(make_villages()), n_thread=3)
    envs.reset(seed=40)
    actions = random_actions(11, envs.single_action_space.shape)
    told = []
    for of_step in actions:
        infos = envs.step(of_step)[4]
        told.append(lanes_told(envs, infos))
    assert sum(t[-len(EVERYTHING) :].sum() for t in told) > 60
    for lane in range(11):
        of_single = play_single(env_of_config(config), actions[:, lane], 40 + lane)
        for by_lane, alone in zip(told, of_single, strict=False):
            assert np.array_equal(by_lane[:, lane], alone)


@pytest.mark.parametrize("setup", ["villages", "ieee34_ieee13"])
@pytest.mark.parametrize("power_flow", ["pandapower", "native"])
def test_the_reference_lives_through_the_same(
    make_villages: Callable[..., Any],
    env_of_config: Callable[..., Any],
    setup: str,
    power_flow: str,
) -> None:
    if setup == "villages":
        config, make = disturbed(make_villages().env_config), env_of_config
    else:
        config, make = (
            disturbed({**load_setup(setup), "max_episode_steps": N_STEP}),
            (MultiAgentMicrogrids),
        )
    env = make(config)
    twin = make({**config, "backend": "reference", "power_flow": power_flow})
    actions = random_actions(
        1, (len(env.possible_agents), env.action_space(env.possible_agents[0]).shape[0])
    )[:, 0]
    n_disturbed = 0
    for seed in range(4):
        by_engine, by_hooks = (play_single(one, actions, seed) for one in (env, twin))
        assert len(by_engine) == len(by_hooks)
        for a, b in zip(by_engine, by_hooks, strict=True):
            assert a == pytest.approx(b, rel=1e-7, abs=1e-7)
            n_disturbed += int(a[-len(EVERYTHING) :].sum())
    assert n_disturbed > 20


def test_native_engine_with_pandapower_is_the_same(make_villages: Callable[..., Any]) -> None:
    config = disturbed(make_villages().env_config)
    envs = [
        VectorGridEnv(3, {**config, "power_flow": name}, env_class=type(make_villages()))
        for name in ("native", "pandapower")
    ]
    actions = random_actions(3, envs[0].single_action_space.shape)
    for one in envs:
        one.reset(seed=2)
    for of_step in actions:
        a, b = (lanes_told(one, one.step(of_step)[4]) for one in envs)
        assert a == pytest.approx(b, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("n_lane", [1, 20, 33])
def test_nothing_depends_on_batch_or_threads(
    make_villages: Callable[..., Any], n_lane: int
) -> None:
    config = disturbed(make_villages().env_config)
    made = {
        n_thread: VectorGridEnv(
            33, config, env_class=type(make_villages()), n_thread=n_thread,
            autoreset_mode="SameStep",
        )
        for n_thread in (1, 2)
    }  # fmt: skip
    made[0] = VectorGridEnv(
        n_lane, config, env_class=type(make_villages()), autoreset_mode="SameStep"
    )
    actions = random_actions(33, made[0].single_action_space.shape, 2 * N_STEP + 1)
    for one in made.values():
        one.reset(seed=100)
    for of_step in actions:
        told = {
            key: lanes_told(one, one.step(of_step[: one.num_envs])[4]) for key, one in made.items()
        }
        assert np.array_equal(told[1], told[2])
        assert np.array_equal(told[0], told[1][:, :n_lane])


def test_saved_lanes_go_on_with_their_disturbances(make_villages: Callable[..., Any]) -> None:
    config = disturbed(make_villages().env_config)
    one, other = (VectorGridEnv(6, config, env_class=type(make_villages())) for _ in range(2))
    actions = random_actions(6, one.single_action_space.shape, 2 * N_STEP)
    one.reset(seed=3)
    other.reset(seed=77)
    for k in range(3):
        one.step(actions[k])
        other.step(actions[-k])
    saved = pickle.loads(pickle.dumps(one.save_state()))
    other.load_state(saved)
    one.fork(4, [0, 1])
    other.fork(4, [1, 0])
    for of_step in actions[3:]:  # into the next episode
        of_step[:2] = of_step[4]
        told = [lanes_told(envs, envs.step(of_step)[4]) for envs in (one, other)]
        assert np.array_equal(*told)
        assert np.array_equal(told[0][:, 0], told[0][:, 4])


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_copy_in_the_middle_of_an_episode_goes_on_alike(
    make_villages: Callable[..., Any], env_of_config: Callable[..., Any], backend: str
) -> None:
    env = env_of_config(disturbed(make_villages().env_config, backend=backend))
    env.reset(seed=5)
    shape = (len(env.agents), env.action_space("A").shape[0])
    actions = random_actions(1, shape)[:, 0]
    for of_step in actions[:3]:
        env.step(dict(zip(env.agents, of_step, strict=True)))
    twins = [env, copy.deepcopy(env)]
    if backend == "native":
        twins.append(pickle.loads(pickle.dumps(env)))
    for of_step in actions[3:]:
        told = []
        for one in twins:
            answers = one.step(dict(zip(one.agents, of_step, strict=True)))
            told.append([one.table.values.copy(), answers[1], answers[4]])
        for other in told[1:]:
            assert np.array_equal(told[0][0], other[0])
            assert told[0][1:] == other[1:]


def test_without_disturbances_in_force_nothing_differs(
    make_villages: Callable[..., Any], env_of_config: Callable[..., Any]
) -> None:
    config = make_villages().env_config
    late = [{**once(entry["kind"], None), "at_s": 1e6} for entry in EVERYTHING]
    for entry in late:
        del entry["target"]
    late[0]["size"] = 2.0
    plain = env_of_config({**config, "uniform_spaces": True})
    armed = env_of_config({**config, "uniform_spaces": True, "disturbances": late})
    actions = random_actions(1, (2, plain.action_space("A").shape[0]))[:, 0]
    told = [play_single(env, actions, 9) for env in (plain, armed)]
    for a, b in zip(*told, strict=True):
        assert np.array_equal(a, b[: -len(EVERYTHING)])
        assert not b[-len(EVERYTHING) :].any()


# --- balances -----------------------------------------------------------------------------------

entries = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("load_spike"), "size": st.floats(0.0, 2.0)},
        optional={"targets": st.sampled_from([("A",), ("D", "B")])},
    ),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["generator_trip", "line_outage", "switch_outage", "tap_stuck"])}
    ),
)
comings = st.one_of(
    st.builds(
        lambda at_s, for_s: {"at_s": at_s, "duration_s": for_s},
        st.floats(0.0, 15000.0),
        st.floats(1.0, 10000.0),
    ),
    st.builds(
        lambda rate, mean_s: {"rate_per_h": rate, "duration_s": {"mean_s": mean_s}},
        st.floats(0.05, 1.0),
        st.floats(600.0, 10000.0),
    ),
)
faults = st.lists(
    st.builds(lambda entry, coming: {**entry, **coming}, entries, comings), min_size=1, max_size=4
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=faults, seed=st.integers(0, 10**6))
def test_energy_and_money_add_up_under_every_fault(
    make_villages: Callable[..., Any], faults: list[dict[str, Any]], seed: int
) -> None:
    env = make_villages(disturbances=faults)
    observations, _ = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    while env.agents:
        assert all(np.isfinite(o).all() for o in observations.values())
        stores = {
            device: device.state.storage.e_stored_MWh
            for agent in env.agent_dict.values()
            for device in agent.devices.values()
            if isinstance(device, ESS)
        }
        prices = {name: agent.state.market.price for name, agent in env.agent_dict.items()}
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        observations, rewards, _, _, infos = env.step(actions)
        if not infos["A"]["converged"]:
            continue
        metrics = env.get_power_grid_metrics()
        given_mw = metrics["source_p_mw"] + metrics["generation_mw"]
        assert given_mw == pytest.approx(metrics["load_mw"] + metrics["loss_mw"], abs=1e-6)
        for name, agent in env.agent_dict.items():
            flow = env.power_flow
            meter = next(d for d in agent.devices.values() if isinstance(d, Grid))
            bought = meter.state.electrical.p_MW
            own = [d for d in agent.devices.values() if d.element in ("sgen", "storage")]
            generation = sum(d.state.electrical.p_MW for d in own)
            assert agent.state.grid.total_load_MW == pytest.approx(
                flow.load_p_mw[agent.zone.load_rows].sum(), abs=1e-12
            )
            # Losses are what comes in and does not go on to loads; they are not negative.
            loss = bought + generation - agent.state.grid.total_load_MW
            assert -1e-6 < loss < 0.1
            info = infos[name]
            ratio = meter.config.sell_ratio if bought < 0.0 else 1.0
            assert info["cost_energy"] == pytest.approx(bought * prices[name] * ratio, abs=1e-9)
            parts = sum(v for key, v in info.items() if key.startswith("cost_"))
            assert info["cost"] == pytest.approx(parts, abs=1e-9)
            assert rewards[name] == pytest.approx(
                -info["cost"] - env.penalty * info["safety"], abs=1e-9
            )
            assert info["energy_bought_mwh"] - info["energy_sold_mwh"] == pytest.approx(bought)
        for store, before in stores.items():
            p, config = store.state.electrical.p_MW, store.config
            taken = p / config.dsc_eff if p > 0.0 else p * config.ch_eff
            assert store.state.storage.e_stored_MWh == pytest.approx(before - taken, abs=1e-12)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (once("load_spike", "C", size=2.0), "target of a load_spike 'C'.* Known: 'A', 'B', 'D'"),
        (once("generator_trip", "A/pcc"), "target of a generator_trip 'A/pcc'"),
        (once("generator_trip", "A/genn"), "did you mean 'A/gen'"),
        (once("line_outage", "B Line 2-4"), "did you mean 'B Line 2-3'"),
        (once("line_outage", 17), "target of a line_outage '17'"),
        (once("tap_stuck", "A/gen"), "target of a tap_stuck 'A/gen'"),
        (once("communication_outage", "C"), "target of a communication_outage 'C'"),
    ],
)
def test_a_wrong_target_is_named(
    make_villages: Callable[..., Any], entry: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=rf"Villages: disturbances.0: .*{said}"):
        make_villages(disturbances=[entry])


def test_messages_cannot_be_lost_in_synchronous_steps(make_villages: Callable[..., Any]) -> None:
    entry = once("communication_outage", "A")
    env = make_villages(disturbances=[entry])
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="a synchronous step loses no message"):
        env.step({a: env.idle_action(a) for a in env.agents})
    config = {**make_villages().env_config, "uniform_spaces": True, "disturbances": [entry]}
    with pytest.raises(ConfigError, match="loses no message"):
        VectorGridEnv(2, config, env_class=type(env))
