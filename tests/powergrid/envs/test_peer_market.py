"""Microgrids trade with each other: energy and money balance, and nobody pays more for it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.core.policies import Policy
from heron.errors import ConfigError
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

FEE = 0.5
LOAD_SCALE = 0.03  # small enough that plants and batteries leave a surplus to sell


def trading_config(**changes: Any) -> dict[str, Any]:
    """Return the shipped setup with a market and little load."""
    config = copy.deepcopy(load_setup("ieee34_ieee13"))
    config["dso_config"]["protocol"] = {"name": "p2p", "trading_fee": FEE}
    for microgrid in config["microgrid_configs"]:
        microgrid["load_scale"] = LOAD_SCALE
        for device in microgrid["devices"]:
            if device["type"] == "Grid":
                device["sell_ratio"] = 0.5
    return {**config, "max_episode_steps": 8, "forecast_steps": 2, **changes}


def collapsing(config: dict[str, Any], at: int) -> dict[str, Any]:
    """Return the configuration with an hour in which no power flow has a solution."""
    load = np.full(48, 1.0)
    load[at] = 500.0
    series = {"load": load, "solar": np.full(48, 0.8), "price": np.linspace(30.0, 90.0, 48)}
    for microgrid in config["microgrid_configs"]:
        del microgrid["load_area"], microgrid["renew_area"]
    del config["dso_config"]["load_area"]
    more = {"dataset": {"train": series}, "on_convergence_failure": "continue"}
    return {**config, **more}


def play(env: MultiAgentMicrogrids, seed: int) -> list[dict[str, dict[str, Any]]]:
    """Return the infos of an episode of random actions."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed, options={"day": 0})
    told = []
    while env.agents:
        shapes = {agent: env.action_space(agent).shape for agent in env.agents}
        actions = {a: rng.uniform(-1.0, 1.0, s).astype(np.float32) for a, s in shapes.items()}
        told.append(env.step(actions)[4])
    return told


def assert_balanced(bought: Any, payment: Any, fee: Any, saving: Any, own: Any) -> None:
    """Demand that the market of each lane adds up, all arrays (..., n_agent).

    `own` is each agent's metered energy, positive for bought.
    """
    np.testing.assert_allclose(bought.sum(axis=-1), 0.0, atol=1e-12)
    np.testing.assert_allclose(payment.sum(axis=-1), fee.sum(axis=-1), atol=1e-10)
    np.testing.assert_allclose(fee, FEE * np.abs(bought), rtol=1e-12)
    assert (saving <= 0.0).all()
    assert (bought * own >= 0.0).all()  # nobody trades against its own need
    assert (np.abs(bought) <= np.abs(own) + 1e-12).all()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), fails_at=st.integers(1, 20), is_disturbed=st.booleans())
def test_energy_and_money_balance_in_every_interval_of_every_lane(
    seed: int, fails_at: int, is_disturbed: bool
) -> None:
    config = collapsing(trading_config(), fails_at)
    if is_disturbed:
        config["disturbances"] = [
            {"kind": kind, "rate_per_h": 0.3, "duration_s": 5000.0, **size}
            for kind, size in (
                ("load_spike", {"size": [0.5, 2.0]}), ("generator_trip", {}), ("line_outage", {})
            )
        ]  # fmt: skip
    envs = VectorGridEnv(8, config)
    rng = np.random.default_rng(seed)
    envs.reset(seed=seed, options={"day": rng.integers(0, 2, 8)})
    n_failed = n_trade = 0
    for _ in range(12):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        *_, infos = envs.step(actions)
        own = infos["energy_bought_mwh"] - infos["energy_sold_mwh"]
        bought, fee = infos["energy_traded_mwh"], infos["trade_fee"]
        assert_balanced(bought, infos["trade_payment"], fee, infos["cost_trade"], own)
        assert not bought[~infos["converged"]].any()
        parts = sum(v for k, v in infos.items() if k.startswith("cost_"))
        np.testing.assert_allclose(infos["cost"], parts, atol=1e-12)
        n_failed += int((~infos["converged"]).sum())
        n_trade += int((bought != 0.0).sum())
    assert n_trade > 0
    assert n_failed > 0 or fails_at > 8


def test_cost_is_what_the_utility_and_the_others_are_paid() -> None:
    env = MultiAgentMicrogrids(trading_config())
    n_trade = 0
    for seed in range(3):
        for infos in play(env, seed):
            for name, info in infos.items():
                agent = env.agent_dict[name]
                ratio = next(
                    d for d in agent.devices.values() if d.kind == "Grid"
                ).config.sell_ratio
                traded = info["energy_traded_mwh"]
                own = info["energy_bought_mwh"] - info["energy_sold_mwh"]
                from_utility = own - traded
                # The price of the interval is that of cost_energy, which is of the whole energy.
                price = info["cost_energy"] / (own if own > 0.0 else ratio * own)
                paid = price * (from_utility if from_utility > 0.0 else ratio * from_utility)
                total = paid + info["trade_payment"]
                assert info["cost_energy"] + info["cost_trade"] == pytest.approx(total, abs=1e-9)
                n_trade += traded != 0.0
    assert n_trade > 10


def test_the_market_changes_costs_only() -> None:
    config = trading_config()
    envs = [MultiAgentMicrogrids(config)]
    config = copy.deepcopy(config)
    config["dso_config"]["protocol"] = "none"
    envs.append(MultiAgentMicrogrids(config))
    with_market, without = (play(env, 4) for env in envs)
    saved = 0.0
    for one, other in zip(with_market, without, strict=True):
        for name, info in one.items():
            market = {k: info.pop(k) for k in (*TRADE, "cost_trade")}
            assert info.pop("cost") == other[name].pop("cost") + market["cost_trade"]
            assert info == other[name]
            saved -= market["cost_trade"]
    assert saved > 0.0
    assert np.array_equal(envs[0].table.values, envs[1].table.values)


TRADE = ("energy_traded_mwh", "trade_payment", "trade_fee")


def test_lanes_are_the_single_environments_bit_for_bit() -> None:
    config = collapsing(trading_config(), 5)
    n_lane, n_step = 5, 8
    envs = VectorGridEnv(n_lane, config, autoreset_mode="Disabled")
    observations, _ = envs.reset(seed=11)
    singles = [MultiAgentMicrogrids(config) for _ in range(n_lane)]
    for lane, env in enumerate(singles):
        env.reset(seed=11 + lane)
    rng = np.random.default_rng(0)
    for _ in range(n_step):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        observations, rewards, _, _, infos = envs.step(actions)
        for lane, env in enumerate(singles):
            mine = dict(zip(env.possible_agents, actions[lane], strict=True))
            seen, paid, _, _, told = env.step(mine)
            for k, name in enumerate(env.possible_agents):
                assert seen[name].tobytes() == observations[lane, k].tobytes()
                assert paid[name] == rewards[lane, k]
                for entry in (*TRADE, "cost", "cost_trade"):
                    assert told[name][entry] == infos[entry][lane, k], entry


def test_the_reference_gives_the_same_trades() -> None:
    config = collapsing(trading_config(power_flow="native"), 5)
    one, other = (MultiAgentMicrogrids({**config, "backend": b}) for b in ("native", "reference"))
    n_trade = 0
    for told, expected in zip(play(one, 3), play(other, 3), strict=True):
        for name, info in told.items():
            assert info.keys() == expected[name].keys()
            for entry, value in info.items():
                assert value == pytest.approx(expected[name][entry], rel=1e-7, abs=1e-7), entry
            n_trade += info["energy_traded_mwh"] != 0.0
    assert n_trade > 0
    assert one.get_collective_metrics() == pytest.approx(other.get_collective_metrics(), rel=1e-7)


def test_metrics_tell_energy_and_fees_of_the_episode() -> None:
    env = MultiAgentMicrogrids(trading_config())
    told = play(env, 2)
    traded = sum(max(info["energy_traded_mwh"], 0.0) for infos in told for info in infos.values())
    fees = sum(info["trade_fee"] for infos in told for info in infos.values())
    metrics = env.get_collective_metrics()
    assert metrics["total_traded_mwh"] == pytest.approx(traded)
    assert metrics["total_trade_fee"] == pytest.approx(fees)
    assert fees == pytest.approx(2.0 * FEE * traded)
    assert fees > 0.0
    last = env.get_collective_metrics("step")
    assert last["total_trade_fee"] == sum(info["trade_fee"] for info in told[-1].values())
    without = MultiAgentMicrogrids({"max_episode_steps": 1})
    play(without, 0)
    assert "total_trade_fee" not in without.get_collective_metrics()


def test_devices_with_hooks_trade_as_those_with_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    from powergrid.agents.grid import Grid
    from powergrid.agents.registry import DEVICE_REGISTRY

    class PlainGrid(Grid):
        def update_cost_safety(self) -> None:
            super().update_cost_safety()

    one = play(MultiAgentMicrogrids(trading_config()), 5)
    monkeypatch.setitem(DEVICE_REGISTRY, "Grid", PlainGrid)
    other = play(MultiAgentMicrogrids(trading_config()), 5)
    for infos, hooked in zip(one, other, strict=True):
        for name, info in infos.items():
            for entry in (*TRADE, "cost_trade"):
                assert info[entry] == hooked[name][entry]


def test_one_that_is_better_off_with_the_utility_stays_away() -> None:
    config = trading_config()
    config["microgrid_configs"][0]["grid_price"] = 1000.0  # sells to the utility at 500
    for infos in play(MultiAgentMicrogrids(config), 1):
        assert infos["MG1"]["energy_traded_mwh"] >= 0.0


def test_without_a_spread_there_is_nothing_to_gain() -> None:
    config = trading_config()
    for microgrid in config["microgrid_configs"]:
        microgrid["grid_price"] = 50.0
        for device in microgrid["devices"]:
            if device["type"] == "Grid":
                device["sell_ratio"] = 1.0
    for infos in play(MultiAgentMicrogrids(config), 1):
        assert all(info["energy_traded_mwh"] == 0.0 for info in infos.values())


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("p2q", "p2p"),
        ({"name": "p2p", "trading_fees": 1.0}, "trading_fee"),
        ({"name": "p2p", "trading_fee": -1.0}, "trading_fee"),
        ({"trading_fee": 1.0}, "expected a name"),
        (7, "expected a name"),
    ],
)
def test_a_wrong_protocol_is_an_error(protocol: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MultiAgentMicrogrids({"dso_config": {"protocol": protocol}})


# --- in a run by events -----------------------------------------------------------------------

LATE = {
    "coordinator": {"msg_delay": 900.0, "jitter_type": "uniform", "jitter_ratio": 0.4},
    "agents": {"MG2": {"tick_interval": 6000.0}},
    "faults": {"loss": 0.3, "duplication": 0.1, "outages": [{"start": 10000.0, "end": 18000.0}]},
}


class Scripted(Policy):
    """Knows its actions beforehand."""

    def __init__(self, number: int, n_entry: int) -> None:
        self.number, self.n_entry, self.k = number, n_entry, -1

    def reset(self) -> None:
        self.k = -1

    def forward(self, observation: np.ndarray) -> np.ndarray:
        self.k += 1
        return scripted(self.number, self.k, self.n_entry)


def scripted(number: int, k: int, n_entry: int) -> np.ndarray:
    rng = np.random.default_rng((number, k))
    return rng.uniform(-1.0, 1.0, n_entry).astype(np.float32)


def by_events(config: dict[str, Any], seed: int) -> list[dict[str, dict[str, Any]]]:
    """Return the infos of an episode on the general road."""
    env = MultiAgentMicrogrids(config)
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(number, agent.action_layout.size)
    env.reset(seed=seed)
    env.run_event_driven()
    return [interval.infos for interval in env.intervals]


def test_without_delays_events_trade_as_steps_do() -> None:
    config = trading_config()
    by_step = MultiAgentMicrogrids(config)
    by_step.reset(seed=6)
    for k, infos in enumerate(by_events(config, 6)):
        actions = {
            name: scripted(number, k, agent.action_layout.size)
            for number, (name, agent) in enumerate(by_step.agent_dict.items())
        }
        assert by_step.step(actions)[4] == infos
    assert k == 7


@pytest.mark.parametrize("timing", [{}, LATE, {**LATE, "faults": {}}])
def test_both_roads_let_the_same_agents_trade(timing: dict[str, Any]) -> None:
    config = trading_config(timing=timing)
    seeds = [6, 7]
    expected = [by_events(config, seed) for seed in seeds]
    envs = EventDrivenVectorEnv(2, config)
    told: list[dict[str, np.ndarray]] = []

    def note(rewards: Any, terminations: Any, truncations: Any, infos: dict[str, Any]) -> None:
        told.append({entry: np.array(infos[entry]) for entry in (*TRADE, "cost", "cost_trade")})

    envs.on_interval = note
    _, infos = envs.reset(seed=seeds)
    n_decided = np.zeros((2, 3), int)
    n_entry = envs.single_action_space.shape[1]
    while len(told) < 8:
        actions = np.zeros(envs.action_space.shape, np.float32)
        for lane, number in np.argwhere(infos["acting"]).tolist():
            actions[lane, number] = scripted(number, n_decided[lane, number], n_entry)
            n_decided[lane, number] += 1
        *_, infos = envs.step(actions)
    n_trade = 0
    for k, found in enumerate(told[:8]):
        for lane in range(2):
            for number, info in enumerate(expected[lane][k].values()):
                for entry, values in found.items():
                    assert values[lane, number] == info[entry], (k, lane, entry)
                n_trade += info["energy_traded_mwh"] != 0.0
    assert n_trade > 0


def test_offers_that_do_not_arrive_in_time_are_out_of_the_market() -> None:
    # Decisions at the start of the first, third, fifth ... interval; with a delay their offers
    # arrive during it, and are in the market of the next.
    every_other = {"tick_interval": 7200.0}
    for delay_s, in_market in ((0.0, 0), (60.0, 1)):
        timing = {"coordinator": {**every_other, "msg_delay": delay_s}}
        traded = []
        for seed in range(3):
            infos = by_events(trading_config(timing=timing), seed)
            traded.append([any(x["energy_traded_mwh"] for x in i.values()) for i in infos])
        seen = np.array(traded).any(axis=0)
        assert seen[in_market::2].any()
        assert not seen[1 - in_market :: 2].any()


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_market_after_a_run_by_events_is_open_to_all_again(backend: str) -> None:
    config = trading_config(backend=backend, power_flow="native", timing={"faults": {"loss": 1.0}})
    env = MultiAgentMicrogrids(config)
    for number, agent in enumerate(env.agent_dict.values()):
        agent.policy = Scripted(number, agent.action_layout.size)
    env.reset(seed=6)
    env.run_event_driven()
    assert not any(x["energy_traded_mwh"] for i in env.intervals for x in i.infos.values())
    after = play(env, 4)
    assert after == play(MultiAgentMicrogrids(config), 4)
    assert any(x["energy_traded_mwh"] for i in after for x in i.values())


def test_the_market_needs_no_interpreter_and_follows_the_lanes_own_parameters() -> None:
    from powergrid.kernels.recording import record

    envs = VectorGridEnv(2, trading_config())
    assert envs.engine.market is not None
    assert len(record(envs.engine.market.clear)) == 3
    grids = [name for name in envs.parameter_names if name.endswith(".sell_ratio")]
    for name in grids:
        envs.set_parameter(name, [0.2, 1.0])  # without a spread there is nothing to gain
    envs.reset(seed=0, options={"day": 0})
    rng, traded = np.random.default_rng(1), np.zeros(2)
    for _ in range(8):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        traded += np.abs(envs.step(actions)[4]["energy_traded_mwh"]).sum(axis=1)
    assert len(grids) == 3
    assert traded[0] > 0.0
    assert traded[1] == 0.0
