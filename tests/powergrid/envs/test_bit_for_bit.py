"""What a lane lives through depends on its own seed, actions and parameters, on nothing else."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.vector_grid_env import VectorGridEnv

EnvClass = type[NetworkedGridEnv]
MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED)


class LeakyESS(ESS):
    """A battery that remembers in Python how often it ran, and pays for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.n_run = 0

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        super().update_state(*args, **kwargs)
        self.n_run += 1

    def update_cost_safety(self) -> None:
        super().update_cost_safety()
        self.cost_parts = {"wear": self.cost, "leak": 0.125 * self.n_run}
        self.cost = sum(self.cost_parts.values())

    def reset_device(self) -> None:
        super().reset_device()
        self.n_run = 0


@pytest.fixture
def hooked_config(small_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the small configuration with two devices that run by Python hooks."""
    monkeypatch.setitem(DEVICE_REGISTRY, "LeakyESS", LeakyESS)
    small_config["microgrid_configs"][1]["devices"][0]["type"] = "LeakyESS"
    small_config["microgrid_configs"][0]["devices"].append(
        {"type": "WindTurbine", "name": "turbine", "bus": "Bus 3", "p_rated_MW": 0.1}
    )
    return small_config


def uneven_series(bad_hours: Sequence[int]) -> dict[str, Any]:
    """Return two days of series with hours of a load that the network cannot carry."""
    rng = np.random.default_rng(5)
    load = rng.uniform(0.4, 1.0, 48)
    load[list(bad_hours)] = 200.0
    return {
        "train": {
            "load": load,
            "solar": rng.uniform(0.0, 1.0, 48),
            "wind": rng.uniform(0.0, 1.0, 48),
            "price": rng.uniform(20.0, 120.0, 48),
        }
    }


class Alone:
    """A single environment that starts its episodes when a lane does."""

    def __init__(self, env: NetworkedGridEnv, mode: AutoresetMode, seed: int) -> None:
        self.env, self.mode = env, mode
        self.seen = env.reset(seed=seed)[0]
        self.paid = dict.fromkeys(env.possible_agents, 0.0)
        self.infos: dict[str, Any] = {}
        self.ends = (False, False)
        self.last_seen = self.seen

    def step(self, actions: np.ndarray) -> None:
        """Live through one step of a batch; `actions` are (n_agent, n_entry)."""
        env = self.env
        if not env.agents:
            self.seen, self.ends, self.infos = env.reset()[0], (False, False), {}
            self.paid = dict.fromkeys(env.possible_agents, 0.0)
            return
        names = env.possible_agents
        self.seen, self.paid, ended, cut, self.infos = env.step(
            dict(zip(names, actions, strict=True))
        )
        self.ends = (any(ended.values()), any(cut.values()))
        self.last_seen = self.seen
        if not env.agents and self.mode is not AutoresetMode.NEXT_STEP:
            self.seen = env.reset()[0]


def demand_equal(envs: VectorGridEnv, lane: int, alone: Alone, answer: tuple[Any, ...]) -> None:
    """Compare everything that a step says of a lane with what a single environment says."""
    observations, rewards, terminations, truncations, infos = answer
    assert observations[lane].tobytes() == b"".join(o.tobytes() for o in alone.seen.values())
    assert rewards[lane].tolist() == list(alone.paid.values())
    assert (terminations[lane], truncations[lane]) == alone.ends
    assert envs.state()[:, lane].tobytes() == alone.env.table.values[:, 0].tobytes()
    if any(alone.ends) and envs.autoreset_mode is AutoresetMode.SAME_STEP:
        final = infos["final_obs"][lane].tobytes()
        assert final == b"".join(o.tobytes() for o in alone.last_seen.values())
    for number, info in enumerate(alone.infos.values()):
        assert infos["converged"][lane] == info["converged"]
        assert infos["safety"][lane, number] == info["safety"]
        if info["converged"]:
            for name in ("cost", "energy_bought_mwh", "energy_sold_mwh", "safety_voltage"):
                assert infos[name][lane, number] == info[name], name


def live(
    envs: VectorGridEnv, lanes: dict[int, Alone], rng: np.random.Generator, n_step: int
) -> int:
    """Step a batch and single environments, comparing; return how many flows had no solution."""
    n_failed = 0
    for _ in range(n_step):
        actions = rng.uniform(-1.3, 1.3, envs.action_space.shape).astype(np.float32)
        answer = envs.step(actions)
        n_failed += int((~answer[4]["converged"]).sum())
        over = answer[2] | answer[3]
        if envs.autoreset_mode is AutoresetMode.DISABLED and over.any():
            answer = (answer[0], answer[1].copy(), answer[2], answer[3], copy.deepcopy(answer[4]))
            envs.reset(options={"reset_mask": over})
        for lane, alone in lanes.items():
            alone.step(actions[lane])
            demand_equal(envs, lane, alone, answer)
    return n_failed


def twins(
    env_class: EnvClass,
    config: dict[str, Any],
    seeds: Sequence[int],
    mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    n_thread: int = 1,
) -> tuple[VectorGridEnv, dict[int, Alone]]:
    """Return a batch and a single environment for each of its lanes, both reset."""
    envs = VectorGridEnv(
        len(seeds), config, env_class=env_class, autoreset_mode=mode, n_thread=n_thread
    )
    envs.reset(seed=list(seeds))
    return envs, {k: Alone(env_class(config), mode, seed) for k, seed in enumerate(seeds)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reaction", ["terminate", "continue"])
def test_lanes_whose_power_flow_fails_disturb_nobody(
    env_of_config: EnvClass, small_config: dict[str, Any], reaction: str, mode: AutoresetMode
) -> None:
    config = {
        **small_config,
        "dataset": uneven_series([2, 24 + 4]),
        "on_convergence_failure": reaction,
    }
    envs, lanes = twins(env_of_config, config, [3, 1, 4, 15, 9], mode)
    assert live(envs, lanes, np.random.default_rng(0), 20) > 5


@pytest.mark.parametrize("has_noise", [False, True])
def test_lanes_that_do_not_start_try_the_days_that_a_single_environment_tries(
    env_of_config: EnvClass, small_config: dict[str, Any], has_noise: bool
) -> None:
    config = {**small_config, "dataset": uneven_series([0]), "variability": has_noise}
    envs, lanes = twins(env_of_config, config, list(range(6)))
    assert envs._days == [1] * 6
    live(envs, lanes, np.random.default_rng(0), 15)
    for lane, alone in lanes.items():
        ours, theirs = envs._generators[lane], alone.env._rng
        assert ours.bit_generator.state == theirs.bit_generator.state


@pytest.mark.parametrize("mode", MODES)
def test_hooked_devices_live_as_alone_under_every_way_to_start_anew(
    env_of_config: EnvClass, hooked_config: dict[str, Any], mode: AutoresetMode
) -> None:
    envs, lanes = twins(env_of_config, hooked_config, [8, 2, 5], mode, n_thread=2)
    assert len(envs.engine.devices.hooked.members) == 2
    live(envs, lanes, np.random.default_rng(1), 15)


def test_what_a_lane_lives_through_moves_with_it(
    env_of_config: EnvClass, small_config: dict[str, Any]
) -> None:
    n, config = 40, {**small_config, "variability": True}
    rng = np.random.default_rng(4)
    order = rng.permutation(n)
    plain = VectorGridEnv(n, config, env_class=env_of_config)
    mixed = VectorGridEnv(n, config, env_class=env_of_config, n_thread=2)
    factor = rng.uniform(0.5, 1.5, n)
    for envs, at in ((plain, np.arange(n)), (mixed, order)):
        envs.set_parameter("B.price_factor", factor[at])
        envs.set_parameter("A.load_factor", factor[at])
        envs.set_parameter("A/store.e_capacity_MWh", factor[at])
        envs.reset(seed=[int(k) for k in at])
    for step in range(14):
        actions = rng.uniform(-1.0, 1.0, plain.action_space.shape).astype(np.float32)
        if step == 3:  # out of phase, so that the next episodes begin in the nursery
            ahead = rng.random(n) < 0.4
            for envs, at in ((plain, np.arange(n)), (mixed, order)):
                envs.reset(options={"reset_mask": ahead[at]})
        ours = plain.step(actions)
        theirs = mixed.step(np.ascontiguousarray(actions[order]))
        for a, b in zip(ours[:4], theirs[:4], strict=True):
            assert a[order].tobytes() == b.tobytes()
        assert np.ascontiguousarray(plain.state()[:, order]).tobytes() == mixed.state().tobytes()
        for name, values in ours[4].items():
            assert values[order].tobytes() == np.ascontiguousarray(theirs[4][name]).tobytes(), name
    mixed.close()


@pytest.mark.parametrize("n_lane", [129, 513])
def test_lanes_end_together_or_apart_in_a_large_batch(
    env_of_config: EnvClass, small_config: dict[str, Any], n_lane: int
) -> None:
    """Blocks, padded rows and a nursery filled more than once change nothing."""
    envs = VectorGridEnv(n_lane, small_config, env_class=env_of_config, n_thread=2)
    envs.reset(seed=0)
    lanes = {
        lane: Alone(env_of_config(small_config), AutoresetMode.NEXT_STEP, lane)
        for lane in (0, 63, 64, 127, 128, n_lane - 1)
    }
    rng = np.random.default_rng(2)
    live(envs, lanes, rng, 3)
    # One lane is ahead of the others from now on, so that they start in the nursery.
    envs.reset(options={"reset_mask": np.arange(n_lane) == 63})
    lanes[63].seen = lanes[63].env.reset()[0]
    live(envs, lanes, rng, 12)
    envs.close()


@pytest.mark.parametrize("is_hooked", [False, True])
def test_randomised_lanes_go_on_in_another_batch(
    env_of_config: EnvClass, small_config: dict[str, Any], hooked_config: dict[str, Any],
    is_hooked: bool,
) -> None:  # fmt: skip
    config = {**(hooked_config if is_hooked else small_config), "variability": True}
    source = VectorGridEnv(4, config, env_class=env_of_config)
    target = VectorGridEnv(
        6, config, env_class=env_of_config, autoreset_mode=AutoresetMode.SAME_STEP
    )
    rng = np.random.default_rng(3)
    source.set_parameter("A.price_factor", [1.5, 0.5, 1.0, 2.0])
    source.set_parameter("B.load_factor", [1.1, 1.2, 1.3, 1.4])
    source.set_parameter("A/pv.p_rated_MW", [0.1, 0.2, 0.3, 0.4])
    source.reset(seed=10)
    source.set_parameter("A/gen.p_max_MW", 0.15)  # from the next episodes on
    target.reset(seed=20)
    for _ in range(3):
        source.step(rng.uniform(-1.0, 1.0, source.action_space.shape).astype(np.float32))
        target.step(rng.uniform(-1.0, 1.0, target.action_space.shape).astype(np.float32))
    at = [5, 0, 3, 1]
    target.load_state(pickle.loads(pickle.dumps(source.save_state())), at)
    for step in range(2):  # until the episode ends, where the two ways to start anew part
        actions = rng.uniform(-1.0, 1.0, source.action_space.shape).astype(np.float32)
        others = rng.uniform(-1.0, 1.0, target.action_space.shape).astype(np.float32)
        others[at] = actions
        ours, theirs = source.step(actions), target.step(others)
        assert ours[0].tobytes() == theirs[0][at].tobytes(), step
        assert ours[1].tobytes() == theirs[1][at].tobytes()
        x = np.ascontiguousarray(target.state()[:, at])
        assert source.state().tobytes() == x.tobytes()
    others[at] = actions
    source.step(actions)  # the last of the episode
    source.step(actions)  # starts the next one
    target.step(others)  # does both
    x = np.ascontiguousarray(target.state()[:, at])
    assert source.state().tobytes() == x.tobytes()


def test_lanes_are_saved_between_their_end_and_their_next_start(
    env_of_config: EnvClass, hooked_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(3, hooked_config, env_class=env_of_config)
    twin = VectorGridEnv(3, hooked_config, env_class=env_of_config)
    rng = np.random.default_rng(6)
    envs.reset(seed=1)
    for _ in range(6):
        *_, truncations, _ = envs.step(
            rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        )
    assert truncations.all()
    twin.load_state(envs.save_state())
    for _ in range(8):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        ours, theirs = envs.step(actions), twin.step(actions)
        assert [a.tobytes() for a in ours[:4]] == [b.tobytes() for b in theirs[:4]]
        assert envs.state().tobytes() == twin.state().tobytes()


def test_nothing_of_the_past_outlives_a_seeded_reset(
    env_of_config: EnvClass, hooked_config: dict[str, Any]
) -> None:
    config = {
        **hooked_config, "dataset": uneven_series([3, 24 + 5]), "on_convergence_failure": "continue"
    }  # fmt: skip
    used = VectorGridEnv(3, config, env_class=env_of_config)
    rng = np.random.default_rng(7)
    used.reset(seed=99)
    for _ in range(11):
        used.step(rng.uniform(-1.0, 1.0, used.action_space.shape).astype(np.float32))
    used.reset(seed=4)
    fresh = VectorGridEnv(3, config, env_class=env_of_config)
    fresh.reset(seed=4)
    for _ in range(9):
        actions = rng.uniform(-1.0, 1.0, used.action_space.shape).astype(np.float32)
        ours, theirs = used.step(actions), fresh.step(actions)
        assert [a.tobytes() for a in ours[:4]] == [b.tobytes() for b in theirs[:4]]
        assert used.state().tobytes() == fresh.state().tobytes()
        for name, values in ours[4].items():
            a, b = (np.ascontiguousarray(x).tobytes() for x in (values, theirs[4][name]))
            assert a == b, name


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("at", [0, 2, 6])
def test_a_copy_with_hooked_devices_goes_on_as_the_original_does(
    env_of_config: EnvClass, hooked_config: dict[str, Any], duplicate: Callable[..., Any], at: int
) -> None:
    env = env_of_config({**hooked_config, "variability": True, "max_episode_steps": 6})
    env.reset(seed=3)
    rng = np.random.default_rng(8)

    def act() -> dict[str, np.ndarray]:
        return {a: rng.uniform(-1.0, 1.0, env.action_space(a).shape) for a in env.possible_agents}

    for _ in range(at):
        env.step(act())
    twin = duplicate(env)
    for _ in range(2):  # the rest of this episode, and the next
        while env.agents:
            actions = act()
            before = env.table.values.tobytes()
            theirs = twin.step(actions)
            assert env.table.values.tobytes() == before
            ours = env.step(actions)
            for name, seen in ours[0].items():
                assert seen.tobytes() == theirs[0][name].tobytes()
            assert ours[1:] == theirs[1:]
            assert env.table.values.tobytes() == twin.table.values.tobytes()
        assert env.get_collective_metrics() == twin.get_collective_metrics()
        assert not twin.agents
        env.reset()
        twin.reset()
        assert env.table.values.tobytes() == twin.table.values.tobytes()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_batch_of_any_configuration_equals_single_environments(
    env_of_config: EnvClass, hooked_config: dict[str, Any], data: st.DataObject
) -> None:
    draw = data.draw
    config = {
        **copy.deepcopy(hooked_config),
        "variability": draw(st.booleans()),
        "share_reward": draw(st.booleans()),
        "normalize_obs": draw(st.booleans()),
        "forecast_steps": draw(st.sampled_from([0, 3])),
        "step_s": draw(st.sampled_from([900.0, 3600.0])),
        "interpolation": draw(st.sampled_from(["hold", "linear"])),
        "max_episode_steps": draw(st.integers(1, 5)),
        "on_convergence_failure": draw(st.sampled_from(["terminate", "continue"])),
        "dataset": uneven_series(draw(st.lists(st.integers(1, 47), max_size=3))),
    }
    if draw(st.booleans()):  # no Python hooks
        config["microgrid_configs"][1]["devices"][0]["type"] = "ESS"
        config["microgrid_configs"][0]["devices"].pop()
    seeds = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=5))
    mode, n_thread = draw(st.sampled_from(MODES)), draw(st.sampled_from([1, 2]))
    envs, lanes = twins(env_of_config, config, seeds, mode, n_thread)
    live(envs, lanes, np.random.default_rng(seeds), 9)
    envs.close()
