"""A batch does what single environments do, to the last bit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heron.errors import ConfigError, HeronError
from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.powerflow.native_flow import RESULT_TABLES
from powergrid.setups.loader import load_setup

EnvClass = type[NetworkedGridEnv]


class LossyESS(ESS):
    """A battery with a cost of its own, which only a Python hook can tell."""

    def update_cost_safety(self) -> None:
        super().update_cost_safety()
        self.cost += 0.25


@pytest.fixture
def env_class(env_of_config: EnvClass) -> EnvClass:
    return env_of_config


@pytest.fixture
def hooked_config(small_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the small configuration with a battery that runs by its hooks, and a wind turbine."""
    monkeypatch.setitem(DEVICE_REGISTRY, "LossyESS", LossyESS)
    small_config["microgrid_configs"][0]["devices"][1]["type"] = "LossyESS"
    small_config["microgrid_configs"][1]["devices"].append(
        {"type": "WindTurbine", "name": "turbine", "bus": "Bus 3", "p_rated_MW": 0.1}
    )
    return small_config


def actions_of(envs: VectorGridEnv, rng: np.random.Generator) -> np.ndarray:
    """Draw actions, some beyond the ends and some at them."""
    drawn = rng.uniform(-1.3, 1.3, envs.action_space.shape)
    ends = rng.random(envs.action_space.shape) < 0.2
    return np.where(ends, np.sign(drawn), drawn).astype(np.float32)


class Singles:
    """Single environments stepped like a batch: one that is over starts anew in the next step."""

    def __init__(self, make: Callable[[], NetworkedGridEnv], seeds: list[int]) -> None:
        self.envs = [make() for _ in seeds]
        self.is_over = [False] * len(seeds)
        self.seen = [env.reset(seed=s)[0] for env, s in zip(self.envs, seeds, strict=True)]

    def step(self, actions: np.ndarray) -> list[dict[str, float]]:
        paid = []
        self.infos: list[dict[str, Any]] = [{} for _ in self.envs]
        for k, env in enumerate(self.envs):
            if self.is_over[k]:
                self.seen[k], self.is_over[k] = env.reset()[0], False
                paid.append(dict.fromkeys(env.possible_agents, 0.0))
                continue
            names = env.possible_agents
            self.seen[k], rewards, _, _, self.infos[k] = env.step(
                dict(zip(names, actions[k], strict=True))
            )
            self.is_over[k] = not env.agents
            paid.append(rewards)
        return paid


def demand_equal(envs: VectorGridEnv, lanes: list[int], singles: Singles) -> None:
    """Compare observations, tables and power flows of lanes with those of single environments."""
    for lane, env, seen in zip(lanes, singles.envs, singles.seen, strict=True):
        for number, name in enumerate(envs.agents):
            assert envs.engine.observer.observations[lane, number].tobytes() == seen[name].tobytes()
        assert envs.state()[:, lane].tobytes() == env.table.values[:, 0].tobytes()
        assert envs.engine.status[lane] == env.power_flow.flow.status[0]
        vm_pu = envs.engine.network.flow.vm_pu[:, lane]
        assert vm_pu.tobytes() == env.power_flow.flow.vm_pu[:, 0].tobytes()


def play(envs: VectorGridEnv, singles: Singles, seeds: list[int], n_step: int) -> None:
    """Play both and demand equality."""
    rng = np.random.default_rng(seeds[0])
    lanes = list(range(envs.num_envs))
    envs.reset(seed=seeds)
    demand_equal(envs, lanes, singles)
    for _ in range(n_step):
        actions = actions_of(envs, rng)
        _, rewards, terminations, truncations, infos = envs.step(actions)
        paid = singles.step(actions)
        demand_equal(envs, lanes, singles)
        for lane, of_lane in enumerate(singles.infos):
            for number, info in enumerate(of_lane.values()):
                if info["converged"]:
                    told = {k: v for k, v in info.items() if k != "converged"}
                    assert told == {k: infos[k][lane, number] for k in told}
        assert rewards.tolist() == [list(of_lane.values()) for of_lane in paid]
        assert (terminations | truncations).tolist() == singles.is_over


@pytest.mark.parametrize("n_lane", [1, 2, 9, 33])
@pytest.mark.parametrize("n_thread", [1, 3])
def test_a_batch_equals_single_environments(
    env_class: EnvClass, small_config: dict[str, Any], n_lane: int, n_thread: int
) -> None:
    envs = VectorGridEnv(n_lane, small_config, env_class=env_class, n_thread=n_thread)
    seeds = [int(s) for s in np.random.default_rng(n_lane).permutation(1000)[:n_lane]]
    play(envs, Singles(lambda: env_class(small_config), seeds), seeds, 15)
    envs.close()


@pytest.mark.parametrize(
    "options",
    [
        {"share_reward": True, "normalize_obs": True},
        {"variability": True, "step_s": 900.0, "interpolation": "linear"},
        {"observe_bus_voltages": True, "on_convergence_failure": "continue"},
        {"dso_config": {"name": "D", "load_scale": 0.5, "capacitors_off_below": 0.7}},
    ],
    ids=["shared and normalised", "fluctuating", "failing goes on", "capacitors"],
)
def test_every_option_is_the_same_in_a_batch(
    env_class: EnvClass, small_config: dict[str, Any], options: dict[str, Any]
) -> None:
    config = {**small_config, **options}
    seeds = [5, 3, 8, 1, 7]
    envs = VectorGridEnv(len(seeds), config, env_class=env_class)
    play(envs, Singles(lambda: env_class(config), seeds), seeds, 14)


def test_devices_with_python_hooks_are_the_same_in_a_batch(
    env_class: EnvClass, hooked_config: dict[str, Any]
) -> None:
    seeds = [4, 2, 6]
    envs = VectorGridEnv(len(seeds), hooked_config, env_class=env_class)
    assert envs.engine.devices.hooked is not None
    assert len(envs.engine.devices.hooked.members) == 2
    play(envs, Singles(lambda: env_class(hooked_config), seeds), seeds, 14)


@pytest.mark.parametrize("setup", ["ieee34_ieee13", "ieee123_ieee13"])
def test_the_shipped_setups_are_the_same_in_a_batch(setup: str) -> None:
    config = {**load_setup(setup), "max_episode_steps": 5}
    seeds = [30, 10, 20, 40]
    envs = VectorGridEnv(len(seeds), config, n_thread=2)
    play(envs, Singles(lambda: MultiAgentMicrogrids(config), seeds), seeds, 13)
    envs.close()


def test_results_that_nobody_reads_are_not_written() -> None:
    config = {**load_setup("ieee34_ieee13"), "max_episode_steps": 3}
    seeds = list(range(20))
    envs, singles = VectorGridEnv(20, config), Singles(lambda: MultiAgentMicrogrids(config), seeds)
    play(envs, singles, seeds, 5)
    batch = envs.engine.network.flow.flow.batch
    left_out = []
    for name in RESULT_TABLES:
        told = np.atleast_2d(getattr(batch, name))
        theirs = [np.atleast_1d(getattr(env.power_flow.flow.batch, name)) for env in singles.envs]
        is_told = ~np.isnan(told).all(axis=-1)
        assert told[is_told].tobytes() == np.hstack(theirs).reshape(told.shape)[is_told].tobytes()
        left_out += [] if is_told.all() else [name]
    assert left_out == ["va_degree", "q_from_mvar", "p_to_mw", "q_to_mvar"]
    has_nan = [array for array in envs.engine.lane_arrays if np.isnan(array).any()]
    assert [array.shape for array in has_nan] == [batch.tap_pos.shape]  # some have no tap


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_saved_lanes_go_on_anywhere_as_they_would_have(
    env_class: EnvClass, small_config: dict[str, Any], data: st.DataObject
) -> None:
    n_lane, n_other = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 20))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    envs = VectorGridEnv(n_lane, small_config, env_class=env_class)
    other = VectorGridEnv(n_other, small_config, env_class=env_class)
    envs.reset(seed=int(rng.integers(1000)))
    other.reset(seed=int(rng.integers(1000)))
    for _ in range(data.draw(st.integers(0, 8))):
        envs.step(actions_of(envs, rng))
        other.step(actions_of(other, rng))
    lane, to = data.draw(st.integers(0, n_lane - 1)), data.draw(st.integers(0, n_other - 1))
    saved = pickle.loads(pickle.dumps(envs.save_state([lane])))
    other.load_state(saved, [to])
    for _ in range(9):
        actions, others = actions_of(envs, rng), actions_of(other, rng)
        others[to] = actions[lane]
        _, rewards, *ends, infos = envs.step(actions)
        _, their_rewards, *their_ends, their_infos = other.step(others)
        assert rewards[lane].tobytes() == their_rewards[to].tobytes()
        assert [e[lane] for e in ends] == [e[to] for e in their_ends]
        assert envs.state()[:, lane].tobytes() == other.state()[:, to].tobytes()
        for name, values in infos.items():
            assert values[lane].tobytes() == their_infos[name][to].tobytes(), name


def test_forks_go_on_alike_and_the_rest_is_untouched(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(6, small_config, env_class=env_class)
    twin = VectorGridEnv(6, small_config, env_class=env_class)
    rng = np.random.default_rng(0)
    for each in (envs, twin):
        each.reset(seed=0)
    actions = actions_of(envs, rng)
    for each in (envs, twin):
        each.step(actions)
    envs.fork(2, [0, 5])
    for _ in range(9):
        actions = actions_of(envs, rng)
        actions[[0, 5]] = actions[2]
        observations, *_ = envs.step(actions)
        twin.step(actions)
        assert observations[0].tobytes() == observations[2].tobytes() == observations[5].tobytes()
        assert envs.state()[:, 1:5].tobytes() == twin.state()[:, 1:5].tobytes()


def test_planning_ahead_and_going_back_leaves_no_trace(
    env_class: EnvClass, hooked_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(3, hooked_config, env_class=env_class)
    twin = VectorGridEnv(3, hooked_config, env_class=env_class)
    rng = np.random.default_rng(1)
    for each in (envs, twin):
        each.reset(seed=3)
    for _ in range(8):
        saved = envs.save_state()
        for _ in range(3):
            envs.step(actions_of(envs, rng))
        envs.load_state(saved)
        actions = actions_of(envs, rng)
        for each in (envs, twin):
            each.step(actions)
        assert envs.state().tobytes() == twin.state().tobytes()


def test_same_step_reset_gives_last_and_first_observations(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(
        3, small_config, env_class=env_class, autoreset_mode=AutoresetMode.SAME_STEP
    )
    singles = Singles(lambda: env_class(small_config), [7, 8, 9])
    envs.reset(seed=7)
    rng = np.random.default_rng(0)
    for step in range(1, 15):
        actions = actions_of(envs, rng)
        observations, rewards, _, truncations, infos = envs.step(actions)
        paid = singles.step(actions)
        assert rewards.tolist() == [list(of_lane.values()) for of_lane in paid]
        assert truncations.tolist() == [step % 6 == 0] * 3 == singles.is_over
        if truncations.any():
            for lane, seen in enumerate(singles.seen):
                assert infos["final_obs"][lane].tobytes() == b"".join(
                    o.tobytes() for o in seen.values()
                )
                metrics = singles.envs[lane].get_collective_metrics()
                assert infos["final_episode_cost"][lane].sum() == pytest.approx(
                    metrics["total_cost"]
                )
            assert (infos["final_episode_length"] == 6).all()
            singles.seen = [env.reset()[0] for env in singles.envs]
            singles.is_over = [False] * 3
        for lane, seen in enumerate(singles.seen):
            assert observations[lane].tobytes() == b"".join(o.tobytes() for o in seen.values())


def test_lanes_are_reset_by_a_mask(env_class: EnvClass, small_config: dict[str, Any]) -> None:
    envs = VectorGridEnv(
        4, small_config, env_class=env_class, autoreset_mode=AutoresetMode.DISABLED
    )
    envs.reset(seed=0, options={"day": [0, 1, 0, 1]})
    rng = np.random.default_rng(0)
    for _ in range(3):
        envs.step(actions_of(envs, rng))
    before = envs.state()[:, [0, 2]].copy()
    mask = np.array([False, True, False, True])
    envs.reset(seed=[None, 11, None, 12], options={"reset_mask": mask})
    assert envs.state()[:, [0, 2]].tobytes() == before.tobytes()
    assert envs.engine.scene.step_number.tolist() == [3, 0, 3, 0]
    single = env_class(small_config)
    single.reset(seed=12)
    assert envs.state()[:, 3].tobytes() == single.table.values[:, 0].tobytes()


def test_parameters_differ_by_lane_from_the_next_episode_on(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(3, small_config, env_class=env_class)
    envs.reset(seed=[5, 5, 5])
    price, load = (envs.state_names.index(n) for n in ("A.market.price", "A.grid.total_load_MW"))
    before = envs.state().copy()
    envs.set_parameter("A.load_factor", [1.0, 0.5, 1.5])
    envs.set_parameter("A.price_factor", 2.0, lanes=[1])
    envs.set_parameter("A/store.p_max_MW", 0.05, lanes=[2])
    envs.set_parameter("A/store.init_soc", 0.6, lanes=[2])
    assert envs.state().tobytes() == before.tobytes()
    envs.reset(seed=[5, 5, 5])
    x = envs.state()
    assert x[:, 0].tobytes() == before[:, 0].tobytes()
    assert x[load] == pytest.approx(before[load] * [1.0, 0.5, 1.5])
    assert x[price] == pytest.approx(before[price] * [1.0, 2.0, 1.0])
    forecast = envs.state_names.index("A.forecast.price[2]")
    assert x[forecast] == pytest.approx(before[forecast] * [1.0, 2.0, 1.0])
    p, soc = (envs.state_names.index(n) for n in ("A/store.electrical.p_MW", "A/store.storage.soc"))
    assert x[soc].tolist() == [0.5, 0.5, 0.6]
    actions = envs.idle_actions()
    actions[:, 0, envs.action_names.index("ESS0.p")] = 1.0
    envs.step(actions)
    assert envs.state()[p].tolist() == [0.15, 0.15, 0.05]


def test_a_saved_lane_takes_its_parameters_along(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(3, small_config, env_class=env_class)
    other = VectorGridEnv(3, small_config, env_class=env_class)
    envs.set_parameter("A.load_factor", [1.0, 0.5, 1.5])
    for each in (envs, other):
        each.reset(seed=4)
    other.step(other.idle_actions())  # its lanes start anew at other times
    other.load_state(envs.save_state([1]), [2])
    load = envs.state_names.index("A.grid.total_load_MW")
    for _ in range(9):
        for each in (envs, other):
            each.step(each.idle_actions())
        assert other.state()[load, 2] == envs.state()[load, 1]


def test_a_lane_with_its_own_configuration_equals_that_environment(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(2, small_config, env_class=env_class)
    envs.set_parameter("A/store.e_capacity_MWh", 0.8, lanes=[1])
    envs.set_parameter("A/store.degradation_cost", 7.0, lanes=[1])
    envs.set_parameter("A/pv.p_rated_MW", 0.2, lanes=[1])
    small_config["microgrid_configs"][0]["devices"][1] |= {
        "e_capacity_MWh": 0.8, "degradation_cost": 7.0
    }  # fmt: skip
    small_config["microgrid_configs"][0]["devices"][2] |= {"p_rated_MW": 0.2}
    singles = Singles(lambda: env_class(small_config), [9])
    rng = np.random.default_rng(3)
    envs.reset(seed=[0, 9])
    for _ in range(14):
        actions = actions_of(envs, rng)
        _, rewards, *_ = envs.step(actions)
        paid = singles.step(actions[1:])
        assert rewards[1].tolist() == list(paid[0].values())
        demand_equal(envs, [1], singles)


def test_wrong_calls_are_refused_and_change_nothing(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(2, small_config, env_class=env_class)
    actions = envs.idle_actions()
    with pytest.raises(HeronError, match=r"before reset\(\)"):
        envs.step(actions)
    envs.reset(seed=0)
    before = envs.state().copy()
    actions[1, 0, 2] = np.nan
    with pytest.raises(ConfigError, match="action of A in lane 1 is not finite at"):
        envs.step(actions)
    with pytest.raises(ConfigError, match="expected an array of shape"):
        envs.step(actions[:1])
    with pytest.raises(ConfigError, match="did you mean"):
        envs.set_parameter("A/store.p_max", 1.0)
    with pytest.raises(ConfigError, match="soc_min"):
        envs.set_parameter("A/store.soc_min", 0.95)
    with pytest.raises(ConfigError, match="negative"):
        envs.set_parameter("A.load_factor", -1.0)
    with pytest.raises(ConfigError, match="lane 2 does not exist"):
        envs.save_state([2])
    with pytest.raises(ConfigError, match="2 saved lanes do not fit 1 lanes"):
        envs.load_state(envs.save_state(), [0])
    with pytest.raises(ConfigError, match="reset_mask"):
        envs.reset(options={"reset_mask": [True]})
    with pytest.raises(ConfigError, match="day 2 does not exist"):
        envs.reset(options={"day": 2})
    assert envs.state().tobytes() == before.tobytes()
    for options, text in (
        ({"uniform_spaces": False}, "uniform_spaces=True"),
        ({"backend": "reference", "power_flow": "native"}, "backend is reference"),
    ):
        with pytest.raises(ConfigError, match=text):
            VectorGridEnv(2, {**small_config, **options}, env_class=env_class)


def test_an_environment_that_pays_by_a_rule_of_its_own_is_refused(
    env_class: EnvClass, small_config: dict[str, Any]
) -> None:
    class Own(env_class):  # type: ignore[misc, valid-type]
        def _reward_and_safety(self) -> tuple[dict[str, float], dict[str, float]]:
            return super()._reward_and_safety()

    with pytest.raises(ConfigError, match="_reward_and_safety"):
        VectorGridEnv(2, small_config, env_class=Own)


def test_seeds_of_which_one_is_wrong_change_nothing() -> None:
    tried, left = (VectorGridEnv(2) for _ in range(2))
    for envs in (tried, left):
        envs.reset(seed=3)
    with pytest.raises(ConfigError, match="seed is -1"):
        tried.reset(seed=[5, -1])
    np.testing.assert_array_equal(tried.reset()[0], left.reset()[0])


@pytest.mark.parametrize("env_class", [VectorGridEnv, EventDrivenVectorEnv])
def test_lanes_that_did_not_start_do_not_go_on(env_class: type[VectorGridEnv]) -> None:
    load = np.full(72, 0.8)
    load[24] = 200.0  # no network of ours carries it
    envs = env_class(2, {"dataset": {"train": {"load": load}}})
    envs.reset(options={"day": 0})
    with pytest.raises(HeronError, match="did not converge"):
        envs.reset(options={"day": 1})
    with pytest.raises(HeronError, match="call reset"):
        envs.step(envs.idle_actions())
    envs.reset(options={"day": 0})
    envs.step(envs.idle_actions())
