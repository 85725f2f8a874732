"""Commands in the middle of intervals: the engine against the reference, and energy's balance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.device_pieces import Command
from powergrid.agents.grid import Grid
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

STEP_S = 3600.0


class HookedESS(ESS):
    """A battery that runs by its hooks; once broken, it fails in the middle of an interval."""

    is_broken = False

    def update_state(self, net_results: Any = None, dt: float = 1.0) -> None:
        if type(self).is_broken and dt < 0.1:
            raise RuntimeError("broken")
        super().update_state(net_results, dt)


def config_with_all_kinds(setup: str, kind: str = "ESS") -> dict[str, Any]:
    config: dict[str, Any] = load_setup(setup)
    first, second = config["microgrid_configs"][:2]
    first["devices"].append(
        {"type": "Generator", "name": "slow", "bus": "Bus 675", "p_max_MW": 0.5, "s_rated_MVA": 0.5,
         "cost_curve_coefs": [0.0, 10.0, 0.2, 20.0, 0.5, 60.0], "startup_time_hr": 1.5,
         "commitment": True, "startup_cost": 5.0, "shutdown_cost": 2.0}
    )  # fmt: skip
    for device in first["devices"]:
        if device["type"] == "Transformer":
            device["tap_change_cost"] = 0.5
    second["devices"].append(
        {"type": kind, "name": "store", "bus": "Bus 675", "e_capacity_MWh": 0.3, "p_max_MW": 0.2,
         "p_min_MW": -0.2, "ch_eff": 0.9, "dsc_eff": 0.95, "degradation_cost": 1.0}
    )  # fmt: skip
    return {**config, "uniform_spaces": True}


def random_commands(env: MultiAgentMicrogrids, k: int, rng: np.random.Generator) -> list[Command]:
    """Return some commands within interval `k`, some of them at its very start."""
    commands = []
    for name, agent in env.agent_dict.items():
        for device_id, device in agent.devices.items():
            for _ in range(rng.integers(0, 4)):
                time_s = k * STEP_S + float(rng.choice([0.0, rng.uniform(0.0, STEP_S)]))
                space = device.get_action_space()
                commands.append((time_s, Command(f"{name}/{device_id}", time_s, units(space, rng))))
    commands.sort(key=lambda item: item[0])
    return [command for _, command in commands]


def units(space: Any, rng: np.random.Generator) -> np.ndarray:
    """Return a random action in a device's units: continuous entries, then discrete ones."""
    space.seed(int(rng.integers(2**31)))
    sample = space.sample()
    parts = sample.values() if isinstance(sample, dict) else [sample]
    return np.concatenate([np.atleast_1d(part).astype(np.float64) for part in parts])


def live(env: MultiAgentMicrogrids, k: int, commands: list[Command]) -> dict[str, dict[str, Any]]:
    converged = env._simulation.run_pieces(k, commands)
    _, infos = env._settle(converged)
    env._k += 1
    env._simulation.begin_interval(env._k)
    return infos


@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
@pytest.mark.parametrize("kind", ["ESS", "HookedESS"])
def test_the_engine_lives_through_pieces_as_the_reference_does(
    setup: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "HookedESS", HookedESS)
    config = config_with_all_kinds(setup, kind)
    native, reference = (
        MultiAgentMicrogrids({**config, "backend": b, "power_flow": "native"})
        for b in ("native", "reference")
    )
    for env in (native, reference):
        env.reset(seed=3)
    rng = np.random.default_rng(5)
    n_moved = 0
    for k in range(12):
        commands = random_commands(native, k, rng)
        found, expected = (live(env, k, commands) for env in (native, reference))
        np.testing.assert_allclose(
            native.table.values[:, 0], reference.table.values[:, 0], rtol=1e-7, atol=1e-7
        )
        for name in native.possible_agents:
            assert found[name] == pytest.approx(expected[name], rel=1e-7, abs=1e-7)
            n_moved += found[name].get("cost_switching", 0.0) > 0.0
    assert n_moved > 3


def test_one_piece_is_the_interval_to_the_last_bit() -> None:
    config = config_with_all_kinds("ieee34_ieee13")
    steps, pieces = MultiAgentMicrogrids(config), MultiAgentMicrogrids(config)
    steps.reset(seed=1)
    pieces.reset(seed=1)
    rng = np.random.default_rng(2)
    for k in range(20):
        actions = {
            name: rng.uniform(-1.0, 1.0, space.shape).astype(np.float32)
            for name, space in steps.action_spaces.items()
        }
        commands = [
            Command(f"{name}/{device_id}", k * STEP_S, np.asarray(part))
            for name, agent in steps.agent_dict.items()
            for device_id, part in agent.act(None, actions[name]).items()
        ]
        _, _, _, _, infos = steps.step(actions)
        assert live(pieces, k, commands) == infos
        np.testing.assert_array_equal(steps.table.values, pieces.table.values)


def test_a_store_gives_exactly_what_flows() -> None:
    """SOC limits cut the piece in which they are met; the mean power is what the network saw."""
    config = config_with_all_kinds("ieee34_ieee13")
    config["microgrid_configs"][1]["devices"][-1] |= {"ch_eff": 1.0, "dsc_eff": 1.0}
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0)
    name = env.possible_agents[1]
    store = env.agent_dict[name].devices["store"].state.storage
    rng = np.random.default_rng(1)
    engine = env._simulation.engine
    row = engine.network.injection_row[f"{name}/store"]
    n_limited = 0
    for k in range(24):
        at = np.sort(rng.uniform(0.0, STEP_S, 3)) + k * STEP_S
        before = store.e_stored_MWh
        live(
            env,
            k,
            [Command(f"{name}/store", float(t), np.array([rng.choice([-1.0, 1.0])])) for t in at],
        )
        mean_mw = float(engine.network.flow.p_mw[row, 0])
        if engine.network.flow.injection["storage"] <= row:
            mean_mw = abs(mean_mw)
        assert abs(store.e_stored_MWh - before) == pytest.approx(abs(mean_mw), abs=1e-12)
        assert 0.1 <= store.soc <= 0.9 + 1e-12
        n_limited += store.soc in (0.1, 0.9)
    assert n_limited > 2


kinds = st.sampled_from(["generator_trip", "line_outage", "switch_outage", "tap_stuck"])
disturbances = st.lists(
    st.one_of(
        st.fixed_dictionaries({"kind": kinds}),
        st.fixed_dictionaries({"kind": st.just("load_spike"), "size": st.floats(0.0, 1.5)}),
    ).flatmap(
        lambda entry: st.fixed_dictionaries(
            {"rate_per_h": st.floats(0.2, 1.0), "duration_s": st.floats(600.0, 10000.0)}
        ).map(lambda coming: {**entry, **coming})
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=10, deadline=None)
@given(disturbances=disturbances, seed=st.integers(0, 10**6))
def test_energy_and_money_add_up_in_pieces_under_every_fault(
    disturbances: list[dict[str, Any]], seed: int
) -> None:
    config = config_with_all_kinds("ieee34_ieee13")
    config["microgrid_configs"][1]["devices"][-1] |= {"ch_eff": 1.0, "dsc_eff": 1.0}
    env = MultiAgentMicrogrids({**config, "disturbances": disturbances})
    env.reset(seed=seed)
    second = env.possible_agents[1]
    store = env.agent_dict[second].devices["store"].state.storage
    engine = env._simulation.engine
    network, rng = engine.network, np.random.default_rng(seed)
    for k in range(12):
        before = store.e_stored_MWh
        prices = {name: agent.state.market.price for name, agent in env.agent_dict.items()}
        infos = live(env, k, random_commands(env, k, rng))
        mean_mw = {
            owner: float(network.flow.p_mw[row, 0]) for owner, row in network.injection_row.items()
        }
        assert store.e_stored_MWh == pytest.approx(before - mean_mw[f"{second}/store"], abs=1e-12)
        is_out = engine.disturbances.is_out[:, 0]
        for member, out in zip(engine.devices.in_order, is_out.tolist(), strict=True):
            assert not out or mean_mw[member.owner] == 0.0
        if not all(info["converged"] for info in infos.values()):
            continue
        metrics = env.get_power_grid_metrics()
        given_mw = metrics["source_p_mw"] + metrics["generation_mw"]
        assert given_mw == pytest.approx(metrics["load_mw"] + metrics["loss_mw"], abs=1e-6)
        for name, agent in env.agent_dict.items():
            meter = next(d for d in agent.devices.values() if isinstance(d, Grid))
            bought = meter.state.electrical.p_MW
            own = [mean_mw.get(f"{name}/{device_id}", 0.0) for device_id in agent.devices]
            loss = bought + sum(own) - env.power_flow.load_p_mw[agent.zone.load_rows].sum()
            assert -1e-6 < loss < 0.1
            ratio = meter.config.sell_ratio if bought < 0.0 else 1.0
            assert infos[name]["cost_energy"] == pytest.approx(
                bought * prices[name] * ratio, abs=1e-9
            )


class OwnProtocol(SetpointProtocol):
    """The same split of an action, but one that is asked."""


def test_without_commands_devices_idle_whatever_the_protocol() -> None:
    config = {**config_with_all_kinds("ieee34_ieee13"), "power_flow": "native"}
    native, reference, usual = (
        MultiAgentMicrogrids({**config, "backend": backend})
        for backend in ("native", "reference", "native")
    )
    for env in (native, reference):
        for agent in env.agent_dict.values():
            agent.protocol = OwnProtocol()
    for env in (native, reference, usual):
        env.reset(seed=3)
    for k in range(3):
        found, expected, _ = (live(env, k, []) for env in (native, reference, usual))
        for name, infos in expected.items():
            assert found[name] == pytest.approx(infos, rel=1e-7, abs=1e-7)
        for other in (reference, usual):
            np.testing.assert_allclose(
                native.table.values, other.table.values, rtol=1e-7, atol=1e-7
            )


def test_a_new_episode_knows_nothing_of_an_interval_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "HookedESS", HookedESS)
    config = config_with_all_kinds("ieee34_ieee13", "HookedESS")
    broken, sound = MultiAgentMicrogrids(config), MultiAgentMicrogrids(config)
    first, second, third = broken.possible_agents
    for env in (broken, sound):
        env.reset(seed=0)
    full = np.array([1.0])
    monkeypatch.setattr(HookedESS, "is_broken", True)
    stores = [f"{second}/store", f"{first}/ess1"]
    times = [0.0, 900.0, 960.0]  # the last piece is too short for it
    with pytest.raises(RuntimeError, match="broken"):
        live(broken, 0, [Command(store, at, full) for at in times for store in stores])
    monkeypatch.setattr(HookedESS, "is_broken", False)
    for env in (broken, sound):
        env.reset(seed=1)
    commands = [Command(store, 0.0, full) for store in stores]
    commands.append(Command(f"{third}/ess3", 900.0, full))
    assert live(broken, 0, commands) == live(sound, 0, commands)
    np.testing.assert_array_equal(broken.table.values, sound.table.values)
