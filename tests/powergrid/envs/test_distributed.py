"""Acting by messages and seeing through the proxy is the centralized environment."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from heron.messaging import ChannelManager, InMemoryBroker
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup


def random_actions(env: MultiAgentMicrogrids, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        name: rng.uniform(-1.2, 1.2, agent.action_layout.size).astype(np.float32)
        for name, agent in env.agent_dict.items()
    }


def assert_same_episode(central: Any, distributed: Any, seed: int | None) -> int:
    """Step both through an episode; return its length."""
    rng = np.random.default_rng(0)
    expected, found = (env.reset(seed=seed)[0] for env in (central, distributed))
    while central.agents:
        for name, observation in expected.items():
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], observation)
        np.testing.assert_array_equal(distributed.table.values, central.table.values)
        actions = random_actions(central, rng)
        expected, *rest = central.step(actions)
        found, *others = distributed.step(actions)
        assert others == rest
        assert distributed.message_broker.n_unread == 0
    assert distributed.agents == []
    assert central.get_collective_metrics() == distributed.get_collective_metrics()
    return int(central._k)


@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
@pytest.mark.parametrize("is_normalized", [True, False])
def test_episodes_are_those_of_the_centralized_mode(setup: str, is_normalized: bool) -> None:
    config = {**load_setup(setup), "normalize_obs": is_normalized, "variability": True}
    central = MultiAgentMicrogrids(config)
    distributed = MultiAgentMicrogrids({**config, "centralized": False})
    distributed.configure_agents_for_distributed()  # has happened already, and may again
    assert assert_same_episode(central, distributed, 2) == 24
    assert assert_same_episode(central, distributed, None) > 0


def test_lanes_of_a_batch_are_the_distributed_environment_too() -> None:
    config = {**load_setup("ieee34_ieee13"), "centralized": False}
    env, envs = MultiAgentMicrogrids(config), VectorGridEnv(2, config)
    observations, found = env.reset(seed=0)[0], envs.reset(seed=0)[0]
    rng = np.random.default_rng(0)
    for _ in range(3):
        np.testing.assert_array_equal(found[0], list(observations.values()))
        actions = random_actions(env, rng)
        batch = np.repeat(np.array(list(actions.values()))[np.newaxis], 2, axis=0)
        observations, found = env.step(actions)[0], envs.step(batch)[0]


class HookedESS(ESS):
    """A battery that runs by its hooks."""

    def update_state(self, net_results: Any = None, dt: float = 1.0) -> None:
        super().update_state(net_results, dt)


class Halved(SetpointProtocol):
    """Sends half of what its agent wants, and nothing to plants."""

    def coordinate(self, action: Any, devices: Any) -> dict[str, Any]:
        parts = super().coordinate(action, devices)
        return {name: 0.5 * part for name, part in parts.items() if name not in ("pv", "wind")}


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_hooks_and_protocols_of_others_are_the_same_too(
    make_villages: Callable[..., Any], small_config: dict[str, Any], backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(DEVICE_REGISTRY, "HookedESS", HookedESS)
    small_config["microgrid_configs"][1]["devices"][0]["type"] = "HookedESS"
    config = {**small_config, "backend": backend, "power_flow": "native"}
    central, distributed = (make_villages(**config, centralized=c) for c in (True, False))
    for env in (central, distributed):
        env.agent_dict["B"].protocol = Halved()
    assert assert_same_episode(central, distributed, 1) == 6


def test_messages_go_down_the_channels_of_the_hierarchy(make_villages: Callable[..., Any]) -> None:
    broker = InMemoryBroker()
    env = make_villages(centralized=False, message_broker=broker, env_id="village")
    seen = []
    for agent in env.agent_dict.values():
        for device_id in agent.devices:
            channel = ChannelManager.action_channel(
                agent.agent_id, f"{agent.agent_id}/{device_id}", "village"
            )
            broker.subscribe(channel, seen.append)
    env.reset(seed=0)
    assert seen == []
    for k in range(2):
        actions = {name: env.idle_action(name) for name in env.agents}
        env.step(actions)
        devices = [name for name in env.heron_agents if "/" in name]
        assert [message.recipient_id for message in seen] == devices
        assert {message.timestamp for message in seen} == {3600.0 * k}
        units = env.agent_dict["A"].action_layout.to_device_units(actions["A"])
        sent = np.concatenate([m.payload["action"] for m in seen if m.sender_id == "A"])
        np.testing.assert_array_equal(sent, units)
        seen.clear()


def test_a_reset_clears_the_environments_own_messages(make_villages: Callable[..., Any]) -> None:
    broker = InMemoryBroker()
    one, other = (
        make_villages(centralized=False, message_broker=broker, env_id=name)
        for name in ("one", "other")
    )
    for env in (one, other):
        env.reset(seed=0)
        env.publish_info("A", "B", {"price": 1.0})
    one.reset()
    assert broker.n_unread == 1
    assert len(other.consume_info_for_agent("B")) == 1


def test_a_wrong_action_leaves_nothing_on_its_way(make_villages: Callable[..., Any]) -> None:
    class Broken(SetpointProtocol):
        def coordinate(self, action: Any, devices: Any) -> dict[str, Any]:
            parts = super().coordinate(action, devices)
            return {**parts, "wind": np.array([np.nan, 0.0])}

    env, whole = (make_villages(centralized=False) for _ in range(2))
    for each in (env, whole):
        each.reset(seed=0)
    idle = {name: env.idle_action(name) for name in env.agents}
    with pytest.raises(ValueError, match="not finite"):
        env.step({**idle, "B": idle["B"] * np.nan})
    env.agent_dict["B"].protocol = Broken()
    with pytest.raises(ValueError, match="finite"):
        env.step(idle)
    assert env.message_broker.n_unread == 0
    env.agent_dict["B"].protocol = SetpointProtocol()
    assert env.step(idle)[1] == whole.step(idle)[1]


def test_a_rule_of_the_proxy_hides_what_it_does_not_list(make_villages: Callable[..., Any]) -> None:
    env = make_villages(centralized=False, uniform_spaces=False, normalize_obs=True)
    env.proxy_agent.set_visibility_rules("A", ["A/store.*", "market"])
    observations, _ = env.reset(seed=0)
    shown = {
        name
        for name, value in zip(env.observation_names("A"), observations["A"], strict=True)
        if value != 0.0
    }
    assert shown
    assert all(name == "price" or name.startswith("store.") for name in shown)
    assert np.count_nonzero(observations["B"]) > len(shown)


def test_the_distributed_environment_conforms_to_pettingzoo(
    make_villages: Callable[..., Any],
) -> None:
    parallel_api_test(make_villages(centralized=False), num_cycles=12)
    parallel_seed_test(lambda: make_villages(centralized=False, variability=True), num_cycles=6)


@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
def test_the_shipped_setups_conform_too(setup: str) -> None:
    config = {**load_setup(setup), "centralized": False, "max_episode_steps": 8}
    parallel_api_test(MultiAgentMicrogrids(config), num_cycles=20)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_goes_on_by_itself(
    make_villages: Callable[..., Any], twin_of: Callable[..., Any]
) -> None:
    env = make_villages(centralized=False)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    env.step(random_actions(env, rng))
    twin = twin_of(env)
    for _ in range(3):
        actions = random_actions(env, rng)
        expected, found = env.step(actions), twin.step(actions)
        assert found[1:] == expected[1:]
        for name, observation in expected[0].items():
            np.testing.assert_array_equal(found[0][name], observation)
