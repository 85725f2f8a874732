"""Nothing is lost: what meters, devices, loads and the source say adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from powergrid.agents.grid import Grid


def losses_mw(env: Any, zone: str) -> float:
    """Return losses of the zone's lines and transformers, its matching transformer included."""
    net = env.net
    own = net.bus.index[net.bus["zone"] == zone]
    lines = net.line["from_bus"].isin(own)
    trafos = net.trafo["lv_bus"].isin(own)
    return float(net.res_line.pl_mw[lines].sum() + net.res_trafo.pl_mw[trafos].sum())


def generation_mw(agent: Any) -> float:
    return sum(
        device.state.electrical.p_MW
        for device in agent.devices.values()
        if device.element in ("sgen", "storage")
    )


def random_actions(env: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {a: rng.uniform(-1, 1, env.action_space(a).shape) for a in env.agents}


@pytest.mark.parametrize("setup", ["small", "ieee34", "ieee123"])
def test_a_meter_reads_own_loads_and_losses_less_own_generation(
    setup: str, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(setup)
    env.reset(seed=2, options={"day": 1})
    rng = np.random.default_rng(0)
    for _ in range(3):
        env.step(random_actions(env, rng))
        for name, agent in env.agent_dict.items():
            meter = next(d for d in agent.devices.values() if isinstance(d, Grid))
            demand = agent.state.grid.total_load_MW + losses_mw(env, name)
            assert meter.state.electrical.p_MW == pytest.approx(
                demand - generation_mw(agent), abs=1e-6
            )
            rows = env.net.load["bus"].isin(env.net.bus.index[env.net.bus["zone"] == name])
            assert agent.state.grid.total_load_MW == pytest.approx(env.net.load.p_mw[rows].sum())


def test_both_ways_of_connecting_are_metered(small: Any, ieee34: Any, ieee123: Any) -> None:
    assert all(pcc["trafo"] is not None for pcc in ieee34.net["heron_pcc"].values())
    assert all(pcc["switch"] is not None for pcc in ieee123.net["heron_pcc"].values())
    kinds = [pcc["switch"] is None for pcc in small.net["heron_pcc"].values()]
    assert kinds == [True, False]


@pytest.mark.parametrize("setup", ["small", "ieee34", "ieee123"])
def test_the_source_covers_loads_and_losses_less_generation(
    setup: str, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(setup)
    env.reset(seed=2, options={"day": 0})
    rng = np.random.default_rng(1)
    for _ in range(3):
        env.step(random_actions(env, rng))
        m = env.get_power_grid_metrics()
        given = m["source_p_mw"] + m["generation_mw"]
        assert given == pytest.approx(m["load_mw"] + m["loss_mw"], abs=1e-6)
        agents = env.agent_dict.values()
        assert m["generation_mw"] == pytest.approx(sum(generation_mw(a) for a in agents))
        assert m["loss_mw"] > 0.0


def test_set_points_reach_the_network_with_its_own_signs(small: Any) -> None:
    small.reset(seed=0)
    action = np.ones(9)
    small.step({"A": action, "B": action})
    net = small.net
    for agent in small.agent_dict.values():
        for device in agent.devices.values():
            p, q = device.state.electrical.p_MW, device.state.electrical.q_MVAr
            if device.element == "storage":
                assert p > 0.0
                assert net.storage.loc[device.pp_idx, ["p_mw", "q_mvar"]].tolist() == [-p, -q]
            elif device.element == "sgen":
                assert net.sgen.loc[device.pp_idx, ["p_mw", "q_mvar"]].tolist() == [p, q]
            elif device.element == "trafo":
                assert net.trafo.loc[device.pp_idx, "tap_pos"] == device.state.tap.tap == 1.0


def test_loads_follow_the_multiplier_of_their_area(
    small_config: Any, env_of_config: Any, draw_series: Any
) -> None:
    areas = {"north": draw_series(seed=5)["load"], "south": draw_series(seed=6)["load"]}
    small_config["dataset"] = {"train": {"load": areas}}
    small_config["dso_config"]["load_area"] = "south"
    small_config["microgrid_configs"][0]["load_area"] = "north"
    env = env_of_config(small_config)
    env.reset(seed=0, options={"day": 1})
    zone = env.net.bus["zone"].to_numpy()[env.net.load["bus"]]
    for k in range(24, 27):
        env.step({a: env.idle_action(a) for a in env.agents})
        share = {z: env.net.load.p_mw[zone == z].sum() for z in "DAB"}
        assert share["D"] == pytest.approx(0.5 * areas["south"][k])
        assert share["A"] == pytest.approx(0.25 * areas["north"][k])
        # An agent without an area of its own follows the distribution grid's.
        assert share["B"] == pytest.approx(0.25 * areas["south"][k])
