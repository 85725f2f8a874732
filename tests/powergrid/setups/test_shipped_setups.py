"""The shipped setups: idle devices are feasible, good actions earn, bad ones break limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.setups.loader import load_setup

KINDS = {"Generator", "ESS", "Transformer", "Grid"}
N_AGENT = {"ieee34_ieee13": 3, "ieee123_ieee13": 6}


@pytest.fixture(scope="module", params=sorted(N_AGENT))
def env(request: pytest.FixtureRequest) -> MultiAgentMicrogrids:
    """Return the setup as shipped, on the test split."""
    made = MultiAgentMicrogrids({**load_setup(request.param), "train": False})
    assert len(made.possible_agents) == N_AGENT[request.param]
    return made


def net_load_mw(env: MultiAgentMicrogrids) -> np.ndarray:
    """Return what load is left after sun and wind in each hour of the year."""
    profiles = env.source.profiles
    area = env.config.dso_config.load_area
    net = env.distribution.zone.base_load_p_mw.sum() * profiles.rows("load", area)
    for agent in env.agent_dict.values():
        config = agent.config_model
        net = net + agent.zone.base_load_p_mw.sum() * profiles.rows("load", config.load_area)
        for device in agent.devices.values():
            if hasattr(device, "available_power"):
                source = getattr(device, "source", "wind")
                rating = device.config.p_rated_MW  # type: ignore[attr-defined]
                net = net - rating * profiles.rows(source, config.renew_area)
    return net


def play(env: MultiAgentMicrogrids, day: int, act: Callable[[PowerGridAgent], np.ndarray]) -> float:
    """Play a day and return the share of its steps in which some limit is broken."""
    env.reset(seed=0, options={"day": day})
    broken = []
    while env.agents:
        *_, infos = env.step({name: act(env.agent_dict[name]) for name in env.agents})
        assert all(info["converged"] for info in infos.values())
        broken.append(any(info["safety"] > 0.0 for info in infos.values()))
    return float(np.mean(broken))


def idle(agent: PowerGridAgent) -> np.ndarray:
    return agent.idle_action()


def trade(agent: PowerGridAgent) -> np.ndarray:
    """Charge below the mean of the price forecast, discharge well above it."""
    action = agent.idle_action()
    state = agent.state
    ratio = state.market.price / state.forecast.price.mean()
    for k, name in enumerate(agent.action_layout.names):
        if name.startswith("ESS") and name.endswith(".p"):
            action[k] = -0.3 if ratio < 0.8 else 0.5 if ratio > 1.2 else action[k]
    return action


def test_every_kind_of_device_takes_part(env: MultiAgentMicrogrids) -> None:
    devices = [d for agent in env.agent_dict.values() for d in agent.devices.values()]
    assert {device.kind for device in devices} >= KINDS
    sources = {getattr(d, "source", "wind") for d in devices if hasattr(d, "available_power")}
    assert sources == {"solar", "wind"}


def test_agents_share_their_spaces_and_see_a_day_ahead(env: MultiAgentMicrogrids) -> None:
    first = env.possible_agents[0]
    for agent in env.possible_agents:
        assert env.observation_space(agent) == env.observation_space(first)
        assert env.action_space(agent) == env.action_space(first)
        assert "forecast.price[23]" in env.observation_names(agent)


def test_idle_devices_break_no_limit_on_the_hardest_days(env: MultiAgentMicrogrids) -> None:
    net = net_load_mw(env)
    load = env.source.profiles.rows("load", env.config.dso_config.load_area)
    hardest = {int(row // 24) for row in (net.argmax(), net.argmin(), load.argmin())}
    for day in sorted(hardest):
        assert play(env, day, idle) == 0.0, f"day {day}"


def test_trading_with_the_batteries_earns_money(env: MultiAgentMicrogrids) -> None:
    area = env.config.dso_config.load_area
    spread = np.ptp(env.source.profiles.rows("price", area).reshape(-1, 24), axis=1)
    day = int(np.argsort(spread)[len(spread) * 3 // 4])
    play(env, day, idle)
    idle_cost = env.get_collective_metrics()["total_cost"]
    assert play(env, day, trade) == 0.0
    assert env.get_collective_metrics()["total_cost"] < idle_cost


def test_careless_actions_break_limits(env: MultiAgentMicrogrids) -> None:
    assert play(env, 100, lambda agent: np.ones(agent.action_layout.size)) > 0.5
