"""A step allocates nothing that grows with the number of lanes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

N_STEP = 100


@pytest.fixture(params=["the same time", "out of phase"])
def episode_steps(request: pytest.FixtureRequest) -> int:
    """Return the length of episodes that end never, or soon."""
    return 10_000 if request.param == "the same time" else 24


@pytest.fixture
def traced() -> Iterator[None]:
    """Stop tracing what Python and NumPy allocate, however far the test got."""
    yield
    tracemalloc.stop()


def make(n_lane: int, episode_steps: int) -> tuple[VectorGridEnv, np.ndarray]:
    """Return a batch with its lanes out of phase, and actions."""
    config = {**load_setup("ieee34_ieee13"), "max_episode_steps": episode_steps}
    envs = VectorGridEnv(n_lane, config)
    envs.reset(seed=0)
    shape = (8, *envs.action_space.shape)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
    phase = np.arange(n_lane) % 25
    for k in range(25):
        envs.reset(options={"reset_mask": phase == k})
        envs.step(actions[k % 8])
    return envs, actions


def play(envs: VectorGridEnv, actions: np.ndarray) -> int:
    """Return how far beyond its beginning the memory goes in `N_STEP` steps [B]."""
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for k in range(N_STEP):
        envs.step(actions[k % len(actions)])
    _, most = tracemalloc.get_traced_memory()
    return most - before


def array_bytes() -> int:
    """Return the bytes of arrays that were allocated since tracing began and are in use."""
    only_data = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    traces = tracemalloc.take_snapshot().filter_traces([only_data]).traces
    return sum(trace.size for trace in traces)


def test_steps_keep_no_array(traced: None, episode_steps: int) -> None:
    envs, actions = make(50, episode_steps)
    tracemalloc.start()
    play(envs, actions)
    before = array_bytes()
    play(envs, actions)
    assert array_bytes() == before


def test_what_steps_borrow_does_not_grow_with_the_lanes(traced: None) -> None:
    borrowed = {}
    for n_lane in (256, 2048):
        envs, actions = make(n_lane, 10_000)
        tracemalloc.start()
        play(envs, actions)
        borrowed[n_lane] = play(envs, actions)
        tracemalloc.stop()
    # A byte for each lane would make 1,792 more; the views and numbers of a call are what remains.
    assert abs(borrowed[2048] - borrowed[256]) < 512
    assert borrowed[2048] < 4096


def test_what_starting_lanes_borrow_is_bounded(traced: None) -> None:
    envs, actions = make(1000, 24)
    tracemalloc.start()
    play(envs, actions)
    # 40 lanes start in each step: one array of theirs at a time, and lists of who they are.
    assert play(envs, actions) < 100_000
