"""What is hidden reads 0, on every road, whatever its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heron.core.policies import Policy
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

SURROUNDINGS = ("grid.", "price", "sin_", "cos_", "bus[")


def is_device_entry(name: str) -> bool:
    return not name.startswith((*SURROUNDINGS, "forecast.", "is["))


HIDDEN: dict[str, Callable[[str], bool]] = {
    "full": lambda name: False,
    "grid": lambda name: name.startswith("forecast."),
    "device": lambda name: name.startswith((*SURROUNDINGS, "forecast.")),
}


def hidden_slots(env: MultiAgentMicrogrids, is_hidden: Callable[[str], bool]) -> np.ndarray:
    """Return the slots that the full observation would show under hidden names."""
    full = type(env)({**env.env_config, "visibility": "full"})
    assert full.state_names == env.state_names
    found = set()
    for name, layout in zip(full.possible_agents, full.layouts, strict=True):
        entries = zip(full.observation_names(name), layout.slots.tolist(), strict=True)
        found |= {slot for entry, slot in entries if is_hidden(entry)}
    return np.array(sorted(found - {full.table.slot("env", "constants", "zero")}))


@pytest.mark.parametrize("level", ["full", "grid", "device"])
@pytest.mark.parametrize("is_normalized", [True, False])
@pytest.mark.parametrize("is_central", [True, False])
@pytest.mark.parametrize("backend", ["native", "reference"])
def test_hidden_entries_read_zero_and_the_others_are_unchanged(
    make_villages: Callable[..., Any],
    level: str,
    is_normalized: bool,
    is_central: bool,
    backend: str,
) -> None:
    common = {
        "normalize_obs": is_normalized, "observe_bus_voltages": True, "power_flow": "native",
        "backend": backend,
    }  # fmt: skip
    env = make_villages(visibility=level, centralized=is_central, **common)
    full = make_villages(**common)
    found, expected = env.reset(seed=0)[0], full.reset(seed=0)[0]
    n_hidden = 0
    for _ in range(3):
        for name, observation in found.items():
            assert env.observation_names(name) == full.observation_names(name)
            is_hidden = np.array([HIDDEN[level](entry) for entry in env.observation_names(name)])
            np.testing.assert_array_equal(observation, np.where(is_hidden, 0.0, expected[name]))
            n_hidden += np.count_nonzero(expected[name][is_hidden])
        idle = {name: env.idle_action(name) for name in env.agents}
        found, expected = env.step(idle)[0], full.step(idle)[0]
    assert (n_hidden > 0) == (level != "full")


@pytest.mark.parametrize("level", ["grid", "device"])
@pytest.mark.parametrize("is_central", [True, False])
def test_hidden_values_cannot_leak(level: str, is_central: bool) -> None:
    """Whatever stands in hidden slots, no observation changes: not now and not later."""
    config = {
        **load_setup("ieee34_ieee13"), "visibility": level, "centralized": is_central,
        "normalize_obs": True, "observe_bus_voltages": True,
    }  # fmt: skip
    env = MultiAgentMicrogrids(config)
    env.reset(seed=0)
    secret = hidden_slots(env, HIDDEN[level])
    assert len(secret) > 50
    before = env.get_observations()
    for value in (np.nan, 1e300, -1.0):
        env.table.values[secret, 0] = value
        for name, observation in env.get_observations().items():
            np.testing.assert_array_equal(observation, before[name])
    for layout in env.layouts:
        assert not set(layout.slots.tolist()) & set(secret.tolist())


def test_lanes_of_a_batch_see_no_more() -> None:
    config = {**load_setup("ieee34_ieee13"), "visibility": "device"}
    env, envs = MultiAgentMicrogrids(config), VectorGridEnv(2, config)
    expected, _ = env.reset(seed=0)
    found, _ = envs.reset(seed=0)
    for k, name in enumerate(env.possible_agents):
        np.testing.assert_array_equal(found[0, k], expected[name])
        entries = env.observation_names(name)
        assert not found[0, k][[HIDDEN["device"](entry) for entry in entries]].any()
        assert found[0, k][[is_device_entry(entry) for entry in entries]].any()


def test_a_policy_that_runs_by_events_sees_no_more(make_villages: Callable[..., Any]) -> None:
    class Watcher(Policy):
        def __init__(self, n_entry: int) -> None:
            self.seen: list[np.ndarray] = []
            self.n_entry = n_entry

        def forward(self, observation: np.ndarray) -> np.ndarray:
            self.seen.append(observation)
            return np.zeros(self.n_entry, np.float32)

    env = make_villages(visibility="device", timing={"coordinator": {"obs_delay": 3600.0}})
    for agent in env.agent_dict.values():
        agent.policy = Watcher(agent.action_layout.size)
    env.reset(seed=0)
    env.run_event_driven()
    for name, agent in env.agent_dict.items():
        entries = env.observation_names(name)
        seen = np.array(agent.policy.seen)
        assert not seen[:, [HIDDEN["device"](entry) for entry in entries]].any()
        assert seen[1:, [is_device_entry(entry) for entry in entries]].any()


def test_tags_may_be_given_by_feature_and_owner(make_villages: Callable[..., Any]) -> None:
    env = make_villages(
        uniform_spaces=False,
        visibility={"storage": ["owner"], "B/store.storage": ["upper_level"], "market": ["system"]},
    )
    observations, _ = env.reset(seed=0)
    of = {
        name: dict(zip(env.observation_names(name), observations[name].tolist(), strict=True))
        for name in env.agents
    }
    assert of["A"]["price"] == of["B"]["price"] == of["A"]["store.soc"] == 0.0
    assert of["B"]["store.soc"] > 0.0
    assert of["A"]["grid.v_min"] > 0.0
    # The devices' own view, and that of others by the proxy, follow the same tags.
    assert "storage" in env.get_agent("A/store").observe().local
    assert "storage" not in env.agent_dict["A"].observe().local["subordinates"]["store"]
    assert make_villages().agent_dict["A"].state.market.visibility == ["public"]
