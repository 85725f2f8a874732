"""What an agent is paid, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from powergrid.agents.grid import Grid


def steps(env: Any, seed: int = 0, **reset: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Play an episode of random actions; yield rewards and infos."""
    env.reset(seed=seed, **reset)
    rng = np.random.default_rng(seed)
    while env.agents:
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        _, rewards, _, _, infos = env.step(actions)
        yield rewards, infos


def narrow_limits(net: pp.pandapowerNet) -> None:
    net.line["max_i_ka"] = 0.01


def test_a_reward_is_minus_cost_minus_penalty_times_safety(make_villages: Any) -> None:
    env = make_villages(edit_net=narrow_limits, penalty=7.0)
    unsafe = 0.0
    for rewards, infos in steps(env):
        for agent, reward in rewards.items():
            assert reward == pytest.approx(-infos[agent]["cost"] - 7.0 * infos[agent]["safety"])
            unsafe += infos[agent]["safety"]
    assert unsafe > 0.0


def test_a_shared_reward_is_the_mean_and_leaves_the_rest(make_villages: Any) -> None:
    own = make_villages(edit_net=narrow_limits)
    shared = make_villages(edit_net=narrow_limits, share_reward=True)
    for (rewards, infos), (same, others) in zip(steps(own), steps(shared), strict=True):
        assert infos == others
        assert same == pytest.approx(dict.fromkeys(rewards, np.mean(list(rewards.values()))))


def test_cost_and_safety_are_the_sums_of_their_parts(make_villages: Any) -> None:
    env = make_villages(edit_net=narrow_limits)
    parts = set()
    for _, infos in steps(env):
        for info in infos.values():
            for total in ("cost", "safety"):
                named = {k: v for k, v in info.items() if k.startswith(f"{total}_")}
                assert info[total] == pytest.approx(sum(named.values()))
                parts |= {name for name, value in named.items() if value != 0.0}
    assert parts >= {
        "cost_fuel",
        "cost_switching",
        "cost_degradation",
        "cost_curtailment",
        "cost_energy",
        "safety_loading",
        "safety_distribution",
    }


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_voltages_are_judged_by_the_configured_band(make_villages: Any, backend: str) -> None:
    low, high = 0.99, 1.0
    env = make_villages(voltage_band_pu=[low, high], backend=backend)
    found = set()
    for _, infos in steps(env):
        vm = env.power_flow.result.vm_pu
        outside = np.maximum(low - vm, 0.0) + np.maximum(vm - high, 0.0)
        for name, info in infos.items():
            own = outside[env.agent_dict[name].zone.bus_rows].sum()
            assert info["safety_voltage"] == pytest.approx(own, abs=1e-12)
            rest = outside[env.distribution.zone.bus_rows].sum() / len(infos)
            assert info["safety_distribution"] == pytest.approx(rest, abs=1e-12)
            found |= {part for part in ("safety_voltage", "safety_distribution") if info[part]}
    assert found == {"safety_voltage", "safety_distribution"}


@pytest.mark.parametrize("step_s", [3600.0, 900.0])
def test_energy_costs_price_times_exchange_times_hours(make_villages: Any, step_s: float) -> None:
    env = make_villages(step_s=step_s, max_episode_steps=10)
    sold = 0.0
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    while env.agents:
        price = env.agent_dict["A"].state.market.price
        actions = {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}
        actions["A"][:4] = 1.0  # generator and battery give all they have
        infos = env.step(actions)[-1]
        for agent, ratio in (("A", 0.8), ("B", 1.0)):
            grid = next(d for d in env.agent_dict[agent].devices.values() if isinstance(d, Grid))
            energy = grid.state.electrical.p_MW * step_s / 3600.0
            paid = energy if energy > 0.0 else ratio * energy
            assert infos[agent]["cost_energy"] == pytest.approx(price * paid)
            assert infos[agent]["energy_bought_mwh"] == pytest.approx(max(energy, 0.0))
            assert infos[agent]["energy_sold_mwh"] == pytest.approx(max(-energy, 0.0))
            sold += max(-energy, 0.0)
    assert sold > 0.0


def test_fuel_and_wear_are_paid_by_the_hour(make_villages: Any) -> None:
    env = make_villages(step_s=900.0)
    env.reset(seed=1)
    for _ in range(5):
        infos = env.step({a: np.ones(9) for a in env.agents})[-1]
        gen, store = (env.agent_dict["A"].devices[name] for name in ("gen", "store"))
        p = gen.state.electrical.p_MW
        runs = p > 0.0
        fuel = (50.0 * p * p + 40.0 * p + 2.0) * 0.25 if runs else 0.0
        assert infos["A"]["cost_fuel"] == pytest.approx(fuel)
        wear = 2.0 * abs(store.state.electrical.p_MW) * 0.25
        assert infos["A"]["cost_degradation"] == pytest.approx(wear)
    assert runs


def test_safety_counts_own_buses_and_lines_and_a_share_of_the_feeders(make_villages: Any) -> None:
    def edit_net(net: pp.pandapowerNet) -> None:
        narrow_limits(net)
        net.ext_grid["vm_pu"] = 1.1

    env = make_villages(
        edit_net=edit_net, dso_config={"name": "D", "line_drop_compensation": False}
    )
    net = env.net
    for _, infos in steps(env):
        flow = env.power_flow.result
        over = np.maximum(flow.vm_pu - 1.05, 0.0) + np.maximum(0.95 - flow.vm_pu, 0.0)
        zone = net.bus["zone"].to_numpy()
        for agent, info in infos.items():
            assert info["safety_voltage"] == pytest.approx(over[zone == agent].sum())
            line_zone = zone[net.line["from_bus"]]
            load = np.maximum(flow.line_loading_percent - 100.0, 0.0) / 100.0
            assert info["safety_loading"] == pytest.approx(load[line_zone == agent].sum())
            shared = over[zone == "D"].sum() + load[line_zone == "D"].sum()
            assert info["safety_distribution"] == pytest.approx(shared / 2.0)
    assert shared > 0.0


def test_a_connection_beyond_its_rating_is_unsafe(make_villages: Any) -> None:
    env = make_villages()
    pcc = env.agent_dict["A"].devices["pcc"]
    assert pcc.s_rated_mva == 2.5  # of the matching transformer
    pcc.s_rated_mva = 0.05
    _, infos = next(steps(env))
    electrical = pcc.state.electrical
    excess = np.hypot(electrical.p_MW, electrical.q_MVAr) / 0.05 - 1.0
    assert infos["A"]["safety_device"] == pytest.approx(excess)


def test_a_fixed_price_replaces_the_market(small_config: Any, env_of_config: Any) -> None:
    small_config["microgrid_configs"][1]["grid_price"] = 33
    env = env_of_config(small_config)
    for _, infos in steps(env):
        bought, sold = (infos["B"][f"energy_{way}_mwh"] for way in ("bought", "sold"))
        assert infos["B"]["cost_energy"] == pytest.approx(33.0 * (bought - sold))
    assert "price" in env.observation_names("B")


def test_without_a_price_nothing_is_metered(small_config: Any, env_of_config: Any) -> None:
    small_config["microgrid_configs"][1]["grid_price"] = "none"
    env = env_of_config(small_config)
    assert not any(isinstance(d, Grid) for d in env.agent_dict["B"].devices.values())
    for _, infos in steps(env):
        assert "cost_energy" not in infos["B"]
        assert infos["B"]["energy_bought_mwh"] == 0.0
