"""Whatever agents do: finite numbers, respected limits, no energy from nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from powergrid.agents.generator import Generator
from powergrid.agents.storage import ESS

N_STEP = 6

steps = st.one_of(
    st.sampled_from([-1.0, 0.0, 1.0, -1e9, 1e9, 1e300]),  # all entries alike
    st.integers(0, 2**16),  # random within the box
    st.tuples(st.integers(0, 2**16), st.just(1e9)),  # random signs, far outside
)
programs = st.lists(steps, min_size=N_STEP, max_size=N_STEP)


def action(step: Any, shape: tuple[int, ...], rank: int) -> np.ndarray:
    if isinstance(step, float):
        return np.full(shape, step)
    seed, scale = step if isinstance(step, tuple) else (step, None)
    rng = np.random.default_rng([seed, rank])
    drawn = rng.uniform(-1.0, 1.0, shape)
    return drawn if scale is None else scale * np.sign(drawn)


def devices(env: Any) -> list[Any]:
    return [d for agent in env.agent_dict.values() for d in agent.devices.values()]


def play(env: Any, program: list[Any], seed: int) -> None:
    """Play a program of actions and check what must hold after every step."""
    env.reset(seed=seed)
    hours = env.config.step_s / 3600.0
    for step in program:
        if not env.agents:
            break
        stores = {d: d.state.storage.e_stored_MWh for d in devices(env) if isinstance(d, ESS)}
        offered = {d: d.available_power for d in devices(env) if hasattr(d, "available_power")}
        actions = {
            agent: action(step, env.action_space(agent).shape, rank)
            for rank, agent in enumerate(env.agents)
        }
        observations, rewards, _, _, infos = env.step(actions)

        assert np.isfinite(env.table.values).all()
        assert np.isfinite(list(rewards.values())).all()
        for agent, observation in observations.items():
            assert env.observation_space(agent).contains(observation)
            assert np.isfinite(observation).all()
            assert np.isfinite([v for v in infos[agent].values() if isinstance(v, float)]).all()
            assert infos[agent]["safety"] >= 0.0
        for store, before in stores.items():
            config, p = store.config, store.state.electrical.p_MW
            taken = p * hours / config.dsc_eff if p > 0.0 else p * hours * config.ch_eff
            assert store.state.storage.e_stored_MWh == pytest.approx(before - taken, abs=1e-12)
            assert config.soc_min <= store.state.storage.soc <= config.soc_max
        for plant, available in offered.items():
            assert 0.0 <= plant.state.electrical.p_MW <= available
        for unit in devices(env):
            if isinstance(unit, Generator):
                electrical, config = unit.state.electrical, unit.config
                runs = electrical.p_MW != 0.0
                assert not runs or config.p_min_MW <= electrical.p_MW <= config.p_max_MW
                assert runs or electrical.q_MVAr == 0.0 or config.p_min_MW == 0.0


@settings(max_examples=15)
@given(programs, st.integers(0, 1000))
def test_a_small_grid_survives_any_actions(small: Any, program: list[Any], seed: int) -> None:
    play(small, program, seed)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(programs, st.integers(0, 1000))
def test_the_34_bus_setup_survives_any_actions(ieee34: Any, program: list[Any], seed: int) -> None:
    play(ieee34, program, seed)


@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(programs, st.integers(0, 1000))
def test_the_123_bus_setup_survives_any_actions(
    ieee123: Any, program: list[Any], seed: int
) -> None:
    play(ieee123, program, seed)


@settings(max_examples=6)
@given(st.lists(st.tuples(steps, st.floats(0.0, 400.0)), min_size=N_STEP, max_size=N_STEP))
def test_a_collapsing_network_changes_none_of_this(
    make_villages: Any, program: list[tuple[Any, float]]
) -> None:
    load = np.full(24, 0.5)
    load[1 : N_STEP + 1] = [multiplier for _, multiplier in program]
    env = make_villages(
        dataset={"train": {"load": load, "solar": np.full(24, 0.6), "wind": np.full(24, 0.3)}},
        on_convergence_failure="continue",
        max_episode_steps=N_STEP + 1,
    )
    play(env, [0.0, *(step for step, _ in program)], seed=0)
