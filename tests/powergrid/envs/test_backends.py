"""The compiled table and its pure-Python twin give the same episodes, to the last bit."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from heron import _core
from heron.reference import feature_table as reference
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.setups.loader import load_setup

Envs = tuple[NetworkedGridEnv, NetworkedGridEnv]


def play(envs: Envs, seed: int) -> int:
    """Play one episode of random actions in both and demand equality; return its length."""
    rng = np.random.default_rng(seed)
    native, other = (env.reset(seed=seed) for env in envs)
    demand_equal(envs, native, other)
    n_step = 0
    while envs[0].agents:
        actions = {
            agent: rng.uniform(-1.0, 1.0, envs[0].action_space(agent).shape).astype(np.float32)
            for agent in envs[0].agents
        }
        native, other = (env.step(actions) for env in envs)
        demand_equal(envs, native, other)
        n_step += 1
    return n_step


def demand_equal(envs: Envs, native: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """Compare observations bit by bit, the rest of the answers, the tables and the agents left."""
    assert native[0].keys() == other[0].keys()
    for agent, observation in native[0].items():
        assert observation.dtype == np.float32
        assert observation.tobytes() == other[0][agent].tobytes(), agent
    assert native[1:] == other[1:]  # rewards, ends and infos; just infos at reset
    assert envs[0].table.values.tobytes() == envs[1].table.values.tobytes()
    assert envs[0].state().tobytes() == envs[1].state().tobytes()
    assert envs[0].agents == envs[1].agents


@pytest.mark.parametrize(("normalize_obs", "n_step"), [(False, 24), (True, 8)])
def test_whole_episodes_of_the_shipped_setup_are_equal(normalize_obs: bool, n_step: int) -> None:
    config = {**load_setup("ieee34_ieee13"), "normalize_obs": normalize_obs}
    config.update(max_episode_steps=n_step, on_convergence_failure="continue", power_flow="native")
    envs = (
        MultiAgentMicrogrids({**config, "backend": "native"}),
        MultiAgentMicrogrids({**config, "backend": "reference"}),
    )
    assert isinstance(envs[0].table._store, _core.FeatureTable)
    assert isinstance(envs[1].table._store, reference.FeatureTable)
    assert play(envs, seed=int(normalize_obs)) == n_step


@pytest.mark.parametrize(
    "options",
    [{}, {"uniform_spaces": False, "observe_bus_voltages": True}, {"variability": True}],
    ids=["uniform", "own spaces", "fluctuating"],
)
def test_episodes_with_every_kind_of_device_are_equal(
    make_villages: Callable[..., NetworkedGridEnv], options: dict[str, Any]
) -> None:
    envs = tuple(
        make_villages(**options, backend=b, power_flow="native") for b in ("native", "reference")
    )
    for seed in range(3):
        assert play(envs, seed) > 0


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_in_mid_episode_goes_on_as_the_original_does(
    make_villages: Callable[..., NetworkedGridEnv], backend: str, duplicate: Callable[..., Any]
) -> None:
    env = make_villages(backend=backend, power_flow="native")
    env.reset(seed=0)
    idle = {agent: env.idle_action(agent) for agent in env.agents}
    env.step(idle)
    twin = duplicate(env)
    before = env.table.values.copy()
    theirs = twin.step(idle)
    assert env.table.values.tobytes() == before.tobytes()
    demand_equal((env, twin), env.step(idle), theirs)


def test_an_agent_observes_nothing_that_it_may_not_see(
    make_villages: Callable[..., NetworkedGridEnv], ieee34: NetworkedGridEnv
) -> None:
    for env in (make_villages(observe_bus_voltages=True), ieee34):
        for agent_id, agent in env.agent_dict.items():
            assert agent.observation_layout is not None
            visible = env.table.visible_slots(agent_id, agent.level)
            assert np.isin(agent.observation_layout.slots, visible).all()


def test_what_is_written_to_a_state_is_observed_and_counts(
    make_villages: Callable[..., NetworkedGridEnv],
) -> None:
    envs = [make_villages(backend=b, power_flow="native") for b in ("native", "reference")]
    for env in envs:
        env.reset(seed=0)
        store = env.agent_dict["A"].devices["store"]
        store.state.storage.soc = 0.25
        at = env.observation_names("A").index("ESS0.soc")
        assert env.get_observations()["A"][at] == 0.25
        actions = {agent: env.idle_action(agent) for agent in env.agents}
        actions["A"][env.action_names("A").index("ESS0.p")] = -1.0
        env.step(actions)
        assert store.state.storage.soc == pytest.approx(0.25 + 0.15 * 0.9 / 0.4)
        assert store.cost == pytest.approx(2.0 * 0.15)
        assert store.cost_parts == {"degradation": store.cost}
        assert env.agent_dict["A"].cost_parts["degradation"] == pytest.approx(store.cost)
        assert env.agent_dict["A"].devices["pcc"].price == env.agent_dict["A"].state.market.price
