"""Protocols by name: a common plan, the operator's price and directions, devices led by a price."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.core.policies import Policy
from heron.errors import ConfigError
from heron.protocols.consensus import reach_consensus, ring_graph
from powergrid.agents.distribution_operator import DistributionOperator
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

HOURLY = [float(h % 5) for h in range(24)]
CONSENSUS = {"name": "consensus", "graph": "ring", "max_iterations": 3, "tolerance": 0.05}
TARIFF = {"name": "price_signal", "markup": 7.0, "hourly": HOURLY}
PRICE_LED = {"name": "price_signal", "lowest_price": 20.0, "highest_price": 120.0}


def config_of(protocol: Any, n_step: int = 8, **changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(load_setup("ieee34_ieee13"))
    config["dso_config"]["protocol"] = protocol
    return {**config, "max_episode_steps": n_step, "forecast_steps": 3, **changes}


def led_by_prices(protocol: Any = "none", **changes: Any) -> dict[str, Any]:
    config = config_of(protocol, **changes)
    for microgrid in config["microgrid_configs"][:2]:
        microgrid["protocol"] = PRICE_LED
    return config


def collapsing(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with an hour, the fourth, without a power flow solution."""
    load = np.full(48, 1.0)
    load[[3, 27]] = 500.0
    for part in (*config["microgrid_configs"], config["dso_config"]):
        part.pop("load_area", None)
        part.pop("renew_area", None)
    series = {"load": load, "solar": np.full(48, 0.5), "price": np.linspace(10.0, 110.0, 48)}
    return {**config, "dataset": {"train": series}, "on_convergence_failure": "continue"}


def random_actions(env: MultiAgentMicrogrids, rng: np.random.Generator) -> dict[str, Any]:
    shapes = {agent: env.action_space(agent).shape for agent in env.agents}
    return {a: rng.uniform(-1.2, 1.2, s).astype(np.float32) for a, s in shapes.items()}


CONFIGS = [
    config_of(CONSENSUS), config_of(TARIFF), led_by_prices(), led_by_prices("p2p"),
    collapsing(config_of(CONSENSUS)), collapsing(led_by_prices(TARIFF)),
]  # fmt: skip
IDS = ["consensus", "tariff", "prices", "prices and p2p", "failing consensus", "failing prices"]


@pytest.mark.parametrize("config", CONFIGS, ids=IDS)
def test_lanes_are_the_single_environments_bit_for_bit(config: dict[str, Any]) -> None:
    envs = VectorGridEnv(3, config, autoreset_mode="Disabled")
    envs.reset(seed=11)
    singles = [MultiAgentMicrogrids(config) for _ in range(3)]
    for lane, env in enumerate(singles):
        env.reset(seed=11 + lane)
    rng = np.random.default_rng(0)
    for _ in range(8):
        actions = rng.uniform(-1.2, 1.2, envs.action_space.shape).astype(np.float32)
        seen, paid, _, _, infos = envs.step(actions)
        for lane, env in enumerate(singles):
            mine = dict(zip(env.possible_agents, actions[lane], strict=True))
            own, rewards, _, _, told = env.step(mine)
            for k, name in enumerate(env.possible_agents):
                assert own[name].tobytes() == seen[lane, k].tobytes()
                assert rewards[name] == paid[lane, k]
                assert told[name]["cost"] == infos["cost"][lane, k]


@pytest.mark.parametrize("config", CONFIGS, ids=IDS)
def test_the_reference_lives_through_the_same(config: dict[str, Any]) -> None:
    envs = [
        MultiAgentMicrogrids({**config, "backend": b, "power_flow": "native"})
        for b in ("native", "reference")
    ]
    one, other = (env.reset(seed=5)[0] for env in envs)
    rng = np.random.default_rng(1)
    while envs[0].agents:
        for name, observation in one.items():
            np.testing.assert_allclose(observation, other[name], rtol=1e-6, atol=1e-6)
        actions = random_actions(envs[0], rng)
        answers = [env.step(actions) for env in envs]
        one, other = (answer[0] for answer in answers)
        assert answers[0][1] == pytest.approx(answers[1][1], rel=1e-7, abs=1e-7)
        table, expected = (env.table.values for env in envs)
        np.testing.assert_allclose(table, expected, rtol=1e-7, atol=1e-7)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31), which=st.sampled_from(range(len(CONFIGS))))
def test_energy_and_money_balance_under_every_protocol(seed: int, which: int) -> None:
    env = MultiAgentMicrogrids(CONFIGS[which])
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    while env.agents:
        prices = {name: agent.state.market.price for name, agent in env.agent_dict.items()}
        before = _stored(env)
        *_, infos = env.step(random_actions(env, rng))
        for name, info in infos.items():
            parts = sum(v for k, v in info.items() if k.startswith("cost_"))
            assert info["cost"] == pytest.approx(parts, abs=1e-9)
            if info["converged"]:  # a meter without a power flow keeps its last reading
                ratio = _meter(env, name).config.sell_ratio
                energy = info["energy_bought_mwh"] - ratio * info["energy_sold_mwh"]
                assert info["cost_energy"] == pytest.approx(prices[name] * energy, abs=1e-9)
        for path, (stored, device) in _stored(env).items():
            p, config = device.state.electrical.p_MW, device.config
            outflow = p / config.dsc_eff if p > 0.0 else p * config.ch_eff
            assert before[path][0] - stored == pytest.approx(outflow, abs=1e-9)


def _meter(env: MultiAgentMicrogrids, name: str) -> Any:
    return next(d for d in env.agent_dict[name].devices.values() if d.kind == "Grid")


def _stored(env: MultiAgentMicrogrids) -> dict[str, tuple[float, Any]]:
    return {
        f"{name}/{d}": (float(device.state.storage.e_stored_MWh), device)
        for name, agent in env.agent_dict.items()
        for d, device in agent.devices.items()
        if device.kind == "ESS"
    }


# --- a common plan ----------------------------------------------------------------------------


def test_microgrids_act_by_what_they_agreed_on() -> None:
    env, plain = MultiAgentMicrogrids(config_of(CONSENSUS)), MultiAgentMicrogrids(config_of("none"))
    env.reset(seed=0)
    plain.reset(seed=0)
    names = env.action_names("MG1")
    common = [
        k for k, name in enumerate(names)
        if all(name.split(".")[0] in env.device_slots(a) for a in env.agents)
    ]  # fmt: skip
    rng = np.random.default_rng(3)
    for _ in range(4):
        actions = random_actions(env, rng)
        agreed = {name: action.astype(np.float64) for name, action in actions.items()}
        for k in common:
            if all(_has(env, a, names[k]) for a in env.agents):
                proposals = [float(np.clip(a[k], -1.0, 1.0)) for a in actions.values()]
                values = reach_consensus(
                    proposals, ring_graph(3), max_iterations=3, tolerance=0.05
                ).values
                for action, value in zip(agreed.values(), values, strict=True):
                    action[k] = value
        assert env.step(actions)[1] == plain.step(agreed)[1]
    assert "ESS0.p" in [names[k] for k in common]


def _has(env: MultiAgentMicrogrids, agent: str, name: str) -> bool:
    layout = env.agent_dict[agent].action_layout
    return name in [layout.names[k] for _, _, k, _ in layout.entries()]


def test_a_plan_needs_something_that_all_have() -> None:
    config = config_of("consensus")
    for microgrid in config["microgrid_configs"]:
        del microgrid["devices"][0]
    config["microgrid_configs"][0]["devices"] = []
    with pytest.raises(ConfigError, match="no entry of the action is one that all agents have"):
        MultiAgentMicrogrids(config)


def test_agents_with_spaces_of_their_own_agree_as_well() -> None:
    ends = []
    for is_uniform in (True, False):
        env = MultiAgentMicrogrids(config_of(CONSENSUS, uniform_spaces=is_uniform))
        env.reset(seed=0)
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        for k, name in enumerate(actions):
            slot = next(n for s, n in env.device_slots(name).items() if s == "ESS0")
            entry = "ESS0.p" if is_uniform else f"{slot}.p"
            actions[name][env.action_names(name).index(entry)] = 0.3 * k - 0.2
        ends.append(env.step(actions)[1])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("config", CONFIGS[:4], ids=IDS[:4])
def test_acting_by_messages_changes_nothing(config: dict[str, Any]) -> None:
    envs = [MultiAgentMicrogrids({**config, "centralized": c}) for c in (True, False)]
    for env in envs:
        env.reset(seed=3)
    rng = np.random.default_rng(2)
    while envs[0].agents:
        actions = random_actions(envs[0], rng)
        one, other = (env.step(actions) for env in envs)
        assert one[1:] == other[1:]
        assert envs[0].table.values.tobytes() == envs[1].table.values.tobytes()


def test_agents_that_act_at_different_times_do_not_agree_on_a_plan() -> None:
    env = MultiAgentMicrogrids(config_of("consensus"))
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="act at different times"):
        env.setup_event_driven()
    with pytest.raises(ConfigError, match="act at different times"):
        EventDrivenVectorEnv(1, config_of("consensus"))


# --- the operator's price ---------------------------------------------------------------------


def test_the_tariff_is_seen_in_prices_and_their_forecasts() -> None:
    with_tariff, without = (MultiAgentMicrogrids(config_of(p)) for p in (TARIFF, "none"))
    envs = (with_tariff, without)
    seen, plain = (env.reset(seed=2)[0] for env in envs)
    at = [with_tariff.observation_names("MG1").index(n) for n in ("price", *_forecast_names())]
    for k in range(7):
        extra = 7.0 + np.array([HOURLY[k], HOURLY[k], HOURLY[k + 1], HOURLY[k + 2]])
        for name in seen:
            np.testing.assert_allclose(seen[name][at] - plain[name][at], extra, atol=1e-4)
        idle = {agent: with_tariff.idle_action(agent) for agent in with_tariff.agents}
        (seen, *_, infos), (plain, *_, others) = (env.step(idle) for env in envs)
        for name, info in infos.items():
            energy = info["energy_bought_mwh"] - 0.9 * info["energy_sold_mwh"]
            paid = info["cost_energy"] - others[name]["cost_energy"]
            assert paid == pytest.approx((7.0 + HOURLY[k]) * energy, abs=1e-9)


def _forecast_names() -> list[str]:
    env = MultiAgentMicrogrids(config_of("none"))
    return [n for n in env.observation_names("MG1") if n.startswith("forecast.price")]


def test_a_fixed_price_stays_fixed() -> None:
    config = config_of(TARIFF)
    config["microgrid_configs"][0]["grid_price"] = 42.0
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0)
    for _ in range(3):
        env.step({agent: env.idle_action(agent) for agent in env.agents})
        assert env.agent_dict["MG1"].state.market.price == 42.0


class Count(Policy):
    """Say 1, 2, 3, ... $/MWh, and remember how many coordinators could be seen."""

    def __init__(self) -> None:
        self.n, self.n_seen = 0, 0

    def forward(self, observation: Any) -> float:
        self.n += 1
        self.n_seen = len(observation.local["subordinates"])
        assert all("market" in seen for seen in observation.local["subordinates"].values())
        return float(self.n)

    def reset(self) -> None:
        self.n = 0


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_the_operators_policy_adds_a_price_of_the_next_interval(backend: str) -> None:
    config = config_of(TARIFF, backend=backend, power_flow="native")
    env, plain = MultiAgentMicrogrids(config), MultiAgentMicrogrids(config)
    policy = env.system_agent.policy = Count()
    batch = VectorGridEnv(2, config_of(TARIFF)) if backend == "native" else None
    for _ in range(2):
        env.reset(seed=2, options={"day": 1})
        plain.reset(seed=2, options={"day": 1})
        if batch is not None:
            batch.reset(seed=2, options={"day": 1})
        for k in range(4):
            prices = [e.agent_dict["MG2"].state.market.price for e in (env, plain)]
            assert prices[0] - prices[1] == pytest.approx(float(k))
            idle = {agent: env.idle_action(agent) for agent in env.agents}
            if batch is not None:
                batch.say_price(np.array([0.0, k + 1.0]))
                seen = batch.step(batch.idle_actions())[0]
            own = env.step(idle)[0]
            plain.step(idle)
            if batch is not None:
                assert seen[1, 1].tobytes() == own["MG2"].tobytes()
    assert policy.n == 4
    assert policy.n_seen == 3


def test_a_copy_in_mid_episode_keeps_what_the_operator_said() -> None:
    env = MultiAgentMicrogrids(config_of(TARIFF))
    env.system_agent.policy = Count()
    env.reset(seed=0)
    idle = {agent: env.idle_action(agent) for agent in env.agents}
    env.step(idle)
    twin = pickle.loads(pickle.dumps(env))
    assert env.step(idle)[1] == twin.step(idle)[1]
    assert env.step(idle)[1] == twin.step(idle)[1]


def test_the_operator_must_say_a_number() -> None:
    class Mute(Policy):
        def forward(self, observation: Any) -> Any:
            return [1.0, 2.0]

    env = MultiAgentMicrogrids(config_of("price_signal"))
    env.system_agent.policy = Mute()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected a price"):
        env.step({agent: env.idle_action(agent) for agent in env.agents})
    with pytest.raises(ConfigError, match="protocol is none"):
        VectorGridEnv(1, config_of("none")).say_price(1.0)
    with pytest.raises(ConfigError, match="one finite number, or 2"):
        VectorGridEnv(2, config_of(TARIFF)).say_price([1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match="24"):
        MultiAgentMicrogrids(config_of({"name": "price_signal", "hourly": [1.0]}))


# --- the operator's directions ----------------------------------------------------------------


def test_the_operators_policy_may_decide_for_microgrids() -> None:
    class Discharge(Policy):
        def __init__(self, env: MultiAgentMicrogrids) -> None:
            self.action = env.idle_action("MG1")
            self.action[env.action_names("MG1").index("ESS0.p")] = 1.0

        def forward(self, observation: Any) -> Any:
            return {"MG1": self.action}

    env, free = (MultiAgentMicrogrids(config_of(p)) for p in ("setpoint", "none"))
    for each in (env, free):
        each.system_agent.policy = Discharge(each)  # who has no protocol is not asked
        each.reset(seed=0)
        idle = {agent: each.idle_action(agent) for agent in each.agents}
        each.step(idle)
    powers = [
        [e.agent_dict[a].devices[d].state.electrical.p_MW for a, d in
         (("MG1", "ess1"), ("MG2", "ess2a"))]
        for e in (env, free)
    ]  # fmt: skip
    assert powers[0][0] > 0.1
    assert powers[0][1] == powers[1][0] == powers[1][1] == 0.0
    env.system_agent.policy.forward = lambda observation: 1.0
    with pytest.raises(ValueError, match="agent: action"):
        env.step({agent: env.idle_action(agent) for agent in env.agents})


class Alternate(Policy):
    """Tell MG1 to charge and to discharge in turn; the others do nothing."""

    def __init__(self, env: MultiAgentMicrogrids) -> None:
        self.idle = {name: env.idle_action(name) for name in env.possible_agents}
        self.at, self.sign = env.action_names("MG1").index("ESS0.p"), 1.0

    def forward(self, observation: Any) -> Any:
        self.sign = -self.sign
        action = self.idle["MG1"].copy()
        action[self.at] = 0.5 * self.sign
        return {**self.idle, "MG1": action}

    def reset(self) -> None:
        self.sign = 1.0


def test_directions_come_by_messages_in_a_run_by_events() -> None:
    env, stepped = (MultiAgentMicrogrids(config_of("setpoint")) for _ in range(2))
    for each in (env, stepped):
        each.system_agent.policy = Alternate(each)
        each.reset(seed=4)
    env.run_event_driven()
    assert len(env.intervals) == 8
    for interval in env.intervals:
        rewards = stepped.step({})[1]  # all of them are told what to do
        assert interval.rewards == rewards


# --- devices led by a price -------------------------------------------------------------------


def test_devices_answer_the_coordinators_price() -> None:
    env = MultiAgentMicrogrids(led_by_prices())
    env.reset(seed=0)
    names = env.action_names("MG1")
    at = names.index("PriceSignal0.price")
    led, free = env.agent_dict["MG1"], env.agent_dict["MG3"]
    assert [k for _, _, k, _ in led.action_layout.entries()] == [at]
    assert at not in [k for _, _, k, _ in free.action_layout.entries()]
    powers = []
    for value in (-1.0, 1.0):
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        actions["MG1"][at] = value
        env.step(actions)
        devices = led.devices
        powers.append([devices[d].state.electrical.p_MW for d in ("gen1", "ess1")])
    assert powers[0][0] == 0.0  # at 20 $/MWh it does not pay to run, and the battery charges
    assert powers[0][1] < 0.0
    assert powers[1] == pytest.approx([0.2, 0.2])  # at 120 $/MWh all that can runs
    assert led.protocol.price == pytest.approx(120.0)


# --- the operator itself ----------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["none", "p2p", "consensus", "price_signal", "setpoint"])
def test_the_operator_stands_above_the_coordinators_and_last_in_line(protocol: str) -> None:
    env = MultiAgentMicrogrids(config_of(protocol))
    operator = env.system_agent
    assert isinstance(operator, DistributionOperator)
    assert operator.level == 3
    assert list(operator.subordinate_agents) == env.possible_agents
    assert all(agent.upstream_id == "DSO" for agent in env.agent_dict.values())
    names = list(env.heron_agents)
    assert names[0] == "MG1"
    assert names[-1] == "DSO"
    assert operator.protocol_config.name == protocol


# --- batches ----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["p2p", CONSENSUS, TARIFF], ids=["p2p", "plan", "tariff"])
def test_threads_and_copies_of_lanes_change_nothing(protocol: Any) -> None:
    config = config_of(protocol, n_step=4)
    one, two = (VectorGridEnv(20, config, n_thread=n, autoreset_mode="SameStep") for n in (1, 2))
    for envs in (one, two):
        envs.reset(seed=3)
    rng = np.random.default_rng(0)
    for k in range(9):
        actions = rng.uniform(-1.0, 1.0, one.action_space.shape).astype(np.float32)
        actions[7] = actions[2]  # lanes 2 and 7 are alike from the third step on
        if k == 2:
            for envs in (one, two):
                envs.fork(2, [7])
        if protocol == TARIFF and k < 2:
            prices = np.arange(20.0)
            for envs in (one, two):
                envs.say_price(prices)
        answers, others = one.step(actions), two.step(actions)
        for a, b in zip(answers[:4], others[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        for name, values in answers[4].items():
            np.testing.assert_array_equal(values, others[4][name], err_msg=name)
        if k >= 2:
            for name, values in answers[4].items():
                np.testing.assert_array_equal(values[2], values[7], err_msg=name)
        if protocol == "p2p" and k % 4 == 3:  # the ends of episodes are told, not their starts
            assert answers[4]["trade_fee"].any()
    two.close()
