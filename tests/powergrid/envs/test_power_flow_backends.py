"""Environments on the native power flow live through what those on pandapower live through."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from heron.errors import ConfigError, HeronError
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.networks.ieee13 import IEEE13Bus
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.pandapower_flow import PandapowerFlow
from powergrid.setups.loader import load_setup

Envs = tuple[NetworkedGridEnv, NetworkedGridEnv]
Actions = dict[str, np.ndarray]
WITHIN = {"rtol": 1e-7, "atol": 1e-7}


def idle(env: NetworkedGridEnv, rng: np.random.Generator) -> Actions:
    return {agent: env.idle_action(agent) for agent in env.agents}


def random(env: NetworkedGridEnv, rng: np.random.Generator) -> Actions:
    return {agent: rng.uniform(-1.0, 1.0, env.action_space(agent).shape) for agent in env.agents}


def extreme(env: NetworkedGridEnv, rng: np.random.Generator) -> Actions:
    """Every entry at one of its ends, so that taps run and batteries go from full to empty."""
    return {agent: rng.choice([-1.0, 1.0], env.action_space(agent).shape) for agent in env.agents}


def play(
    envs: Envs, act: Callable[..., Actions], seed: int = 0, day: int | None = None
) -> list[bool]:
    """Play an episode in both; demand that it is the same; return which steps converged."""
    native, reference = envs
    options = {} if day is None else {"day": day}
    for env in envs:
        env.reset(seed=seed, options=options)
    demand_equal(envs)
    rng = np.random.default_rng(seed)
    converged = []
    while native.agents:
        actions = act(native, rng)
        ours, theirs = native.step(actions), reference.step(actions)
        demand_equal(envs)
        for agent, reward in theirs[1].items():
            np.testing.assert_allclose(ours[1][agent], reward, **WITHIN)
            assert ours[4][agent].keys() == theirs[4][agent].keys()
            for key, value in theirs[4][agent].items():
                np.testing.assert_allclose(ours[4][agent][key], value, **WITHIN, err_msg=key)
        assert ours[2:4] == theirs[2:4]
        assert native.agents == reference.agents
        converged.append(all(info["converged"] for info in ours[4].values()))
    return converged


def demand_equal(envs: Envs) -> None:
    """Compare the whole state, the taps and what the last power flow shows."""
    native, reference = envs
    differ = ~np.isclose(native.table.values, reference.table.values, **WITHIN)[:, 0]
    assert not differ.any(), [
        (native.state_names[slot], native.table.values[slot], reference.table.values[slot])
        for slot in np.flatnonzero(differ)
    ]
    taps = native.power_flow.tap_pos, reference.power_flow.tap_pos
    assert np.array_equal(*taps, equal_nan=True)
    ours, theirs = (env.get_power_grid_metrics() for env in envs)
    assert ours["converged"] == theirs["converged"]
    if ours["converged"]:
        for key in ("v_min_pu", "v_max_pu", "source_p_mw", "source_q_mvar", "loss_mw"):
            np.testing.assert_allclose(ours[key], theirs[key], **WITHIN, err_msg=key)


@pytest.fixture(scope="module", params=["ieee34_ieee13", "ieee123_ieee13"])
def shipped(request: pytest.FixtureRequest) -> Envs:
    """Return a shipped setup on both power flows."""
    config = {**load_setup(request.param), "train": False, "on_convergence_failure": "continue"}
    native, reference = (
        MultiAgentMicrogrids({**config, "power_flow": name}) for name in ("native", "pandapower")
    )
    assert isinstance(native.power_flow.flow, NativeFlow)
    assert isinstance(reference.power_flow.flow, PandapowerFlow)
    return native, reference


@pytest.mark.parametrize(
    ("act", "day"), [(idle, 12), (random, 100), (extreme, 200), (extreme, 355)]
)
def test_days_of_a_shipped_setup_are_the_same(
    shipped: Envs, act: Callable[..., Actions], day: int
) -> None:
    converged = play(shipped, act, seed=day, day=day)
    assert len(converged) == 24
    assert sum(converged) > 12


def test_regulators_moved_on_those_days(shipped: Envs) -> None:
    native, _ = shipped
    moved = set()
    for day in (12, 200):
        native.reset(seed=0, options={"day": day})
        first = native.get_power_grid_metrics()["tap_positions"]
        while native.agents:
            native.step(extreme(native, np.random.default_rng(day)))
            last = native.get_power_grid_metrics()["tap_positions"]
            moved |= {name for name in last if last[name] != first[name]}
    assert moved


@pytest.mark.parametrize(
    "options",
    [
        {"observe_bus_voltages": True},
        {"variability": True, "step_s": 300.0, "interpolation": "linear"},
    ],
    ids=["hours", "minutes"],
)
def test_every_kind_of_device_and_connection_is_the_same(
    make_villages: Callable[..., Any], options: dict[str, Any]
) -> None:
    envs = tuple(make_villages(power_flow=f, **options) for f in ("native", "pandapower"))
    for seed, act in enumerate((idle, random, extreme)):
        assert all(play(envs, act, seed))


@pytest.mark.parametrize("reaction", ["terminate", "continue"])
def test_a_step_without_solution_is_one_on_both(
    make_villages: Callable[..., Any], draw_series: Callable[..., Any], reaction: str
) -> None:
    series = {**draw_series(), "load": np.full(48, 0.8)}
    series["load"][2] = 200.0
    envs = tuple(
        make_villages(power_flow=f, dataset={"train": series}, on_convergence_failure=reaction)
        for f in ("native", "pandapower")
    )
    converged = play(envs, random, day=0)
    if reaction == "terminate":
        assert converged == [True, True, False]
    else:
        assert converged == [True, True, False, True, True, True]
    assert [env.power_flow.n_failed for env in envs] == [1, 1]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_in_mid_episode_goes_on_bit_for_bit(
    make_villages: Callable[..., Any], duplicate: Callable[..., Any]
) -> None:
    env = make_villages(power_flow="native")
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    env.step(extreme(env, rng))
    twin = duplicate(env)
    while env.agents:
        actions = extreme(env, rng)
        before = env.table.values.tobytes(), env.power_flow.result.vm_pu.tobytes()
        theirs = twin.step(actions)
        assert (env.table.values.tobytes(), env.power_flow.result.vm_pu.tobytes()) == before
        ours = env.step(actions)
        assert ours[1:] == theirs[1:]
        assert env.table.values.tobytes() == twin.table.values.tobytes()
        assert env.power_flow.result.vm_pu.tobytes() == twin.power_flow.result.vm_pu.tobytes()
        assert env.power_flow.flow.counters == twin.power_flow.flow.counters


def test_native_is_the_default_unless_the_whole_backend_is_the_reference(
    make_villages: Callable[..., Any],
) -> None:
    for options, kind in (
        ({}, NativeFlow),
        ({"backend": "reference"}, PandapowerFlow),
        ({"backend": "reference", "power_flow": "native"}, NativeFlow),
        ({"power_flow": "pandapower"}, PandapowerFlow),
    ):
        assert isinstance(make_villages(**options).power_flow.flow, kind)


def test_a_wrong_power_flow_is_named_with_those_there_are(
    make_villages: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigError, match=r"power_flow: .*'native' or 'pandapower', got 'opendss'"):
        make_villages(power_flow="opendss")


def test_the_tolerance_reaches_the_power_flow(make_villages: Callable[..., Any]) -> None:
    for name in ("native", "pandapower"):
        env = make_villages(power_flow=name, tolerance_mva=1e-5)
        assert env.power_flow.flow.tolerance_pu == 1e-5


def add_svc(net: pp.pandapowerNet) -> None:
    pp.create_svc(
        net,
        bus=2,
        x_l_ohm=1.0,
        x_cvar_ohm=-10.0,
        set_vm_pu=1.0,
        thyristor_firing_angle_degree=145.0,
        name="compensator",
    )


def test_a_network_that_is_not_supported_falls_back_and_says_why(
    make_villages: Callable[..., Any],
) -> None:
    with pytest.warns(UserWarning, match=r"solved by pandapower.*net\.svc\.loc\[0\]"):
        env = make_villages(power_flow="native", edit_net=add_svc)
    assert isinstance(env.power_flow.flow, PandapowerFlow)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_villages(power_flow="pandapower", edit_net=add_svc)


def test_the_tables_of_the_network_are_those_of_the_last_step(
    make_villages: Callable[..., Any],
) -> None:
    envs = tuple(make_villages(power_flow=f) for f in ("native", "pandapower"))
    rng = np.random.default_rng(0)
    for env in envs:
        env.reset(seed=0)
    for _ in range(2):
        actions = random(envs[0], rng)
        for env in envs:
            env.step(actions)
        ours, theirs = (env.net for env in envs)
        assert ours["converged"]
        for table in ("load", "sgen", "storage", "trafo", "shunt"):
            columns = [c for c in ("p_mw", "q_mvar", "tap_pos", "step") if c in theirs[table]]
            np.testing.assert_allclose(ours[table][columns], theirs[table][columns], **WITHIN)
        for table in ("bus", "line", "trafo", "ext_grid", "load", "sgen", "storage", "shunt"):
            np.testing.assert_allclose(
                ours[f"res_{table}"], theirs[f"res_{table}"], rtol=1e-6, atol=1e-6, err_msg=table
            )
        agent = envs[0].agent_dict["A"]
        assert agent.net is ours


class ReadsTheTables(MultiAgentMicrogrids):
    """Rewards by what a reader of pandapower's tables sees, as the guide's own agents do."""

    def _reward_and_safety(self) -> tuple[dict[str, float], dict[str, float]]:
        vm_pu = self.net.res_bus["vm_pu"].to_numpy()
        zone = self.net.bus["zone"].to_numpy()
        low = {name: float(vm_pu[zone == name].min()) for name in self.agent_dict}
        return low, dict.fromkeys(low, float(self.net.res_line["loading_percent"].max()))


def test_an_environment_of_ones_own_may_read_the_tables_in_its_rewards() -> None:
    config = {**load_setup("ieee34_ieee13"), "max_episode_steps": 2, "penalty": 0.0}
    config["share_reward"] = False
    env = ReadsTheTables({**config, "power_flow": "native"})
    env.reset(seed=0)
    while env.agents:
        _, rewards, _, _, infos = env.step(random(env, np.random.default_rng(1)))
        metrics = env.get_power_grid_metrics()
        for name, reward in rewards.items():
            assert reward == pytest.approx(env.agent_dict[name].state.bus_voltages.v_min, abs=1e-9)
            assert infos[name]["safety"] == pytest.approx(metrics["max_line_loading_percent"])


def test_the_network_of_an_environment_is_fixed(make_villages: Callable[..., Any]) -> None:
    env = make_villages()
    with pytest.raises(HeronError, match="fixed when it is made"):
        env.net = IEEE13Bus("MG1")


def test_an_agent_alone_steps_the_same_way_on_both() -> None:
    config = {
        "name": "MG1",
        "devices": [
            {"type": "Generator", "name": "gen", "bus": "Bus 633", "p_max_MW": 1.0},
            {"type": "ESS", "name": "store", "bus": "Bus 634", "e_capacity_MWh": 1.0},
            {"type": "Transformer", "name": "reg", "transformer": "REG1"},
        ],
    }
    agents = [
        PowerGridAgent(IEEE13Bus("MG1"), config, SetpointProtocol(), power_flow=name)
        for name in ("native", "pandapower")
    ]
    rng = np.random.default_rng(0)
    for episode in range(2):
        for _ in range(3):
            action = rng.uniform(-1.0, 1.0, agents[0].action_layout.size)
            for agent in agents:
                agent.step(action)
            ours, theirs = (agent.get_observation() for agent in agents)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(agents[0].cost, agents[1].cost, **WITHIN)
            vm_pu = agents[0].net.res_bus["vm_pu"]
            np.testing.assert_allclose(vm_pu, agents[1].net.res_bus["vm_pu"], **WITHIN)
        for agent in agents:
            agent.reset(seed=episode)
    with pytest.raises(ConfigError, match="did you mean 'native'"):
        PowerGridAgent(IEEE13Bus("MG1"), config, SetpointProtocol(), power_flow="Natve")
