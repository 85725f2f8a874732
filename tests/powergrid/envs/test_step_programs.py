"""Stages that run as one native call do what they do one by one."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.agents.storage import ESS
from powergrid.engine.crew import Crew
from powergrid.engine.engine import Engine
from powergrid.engine.native_call import native_call
from powergrid.engine.program import Program
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.kernels.jit import kernel, lanes
from powergrid.kernels.lanes import count
from powergrid.kernels.recording import LanesUsedError, record
from powergrid.setups.loader import load_setup

N_LANE = 5
Configure = Callable[[dict[str, Any]], None]


class GrudgingESS(ESS):
    """A battery with a cause of costs that comes up after some intervals only."""

    def update_cost_safety(self) -> None:
        super().update_cost_safety()
        self.cost_parts = {"wear": self.cost}
        if self.state.storage.soc > 0.5:
            self.cost_parts["grudge"] = 0.125
        self.cost = sum(self.cost_parts.values())


@kernel
def double_or_raise(values: Any, is_bad: bool, factor: float, first: int, last: int) -> None:
    if is_bad:
        raise ValueError("a bad one")
    for lane in lanes(first, last):
        values[lane] *= factor


@kernel
def count_and_tell(values: Any, first: int, last: int) -> float:
    for lane in lanes(first, last):
        values[lane] += 1.0
    return 0.0


def with_hooks(config: dict[str, Any]) -> None:
    config["microgrid_configs"][1]["devices"][0]["type"] = "GrudgingESS"


def with_variability(config: dict[str, Any]) -> None:
    config["variability"] = True


def with_pandapower(config: dict[str, Any]) -> None:
    config["power_flow"] = "pandapower"


def with_disturbances(config: dict[str, Any]) -> None:
    config["disturbances"] = [
        {"kind": kind, "rate_per_h": 0.5, "duration_s": 5000.0, **size}
        for kind, size in (("load_spike", {"size": 1.3}), ("generator_trip", {}), ("tap_stuck", {}))
    ]


def with_outages(config: dict[str, Any]) -> None:
    with_disturbances(config)
    config["disturbances"].append(
        {"kind": "line_outage", "rate_per_h": 0.5, "duration_s": {"mean_s": 5000.0}}
    )
    config["conditions"] = [{"kind": "voltage_alarm", "low_pu": 0.99, "cool_down_s": 5000.0}]


def as_it_is(config: dict[str, Any]) -> None:
    pass


def live(envs: VectorGridEnv, n_step: int) -> list[Any]:
    """Return all answers of some steps, episodes beginning and ending among them."""
    rng = np.random.default_rng(3)
    observations, _ = envs.reset(seed=11)
    found: list[Any] = [observations.copy()]
    shape = envs.engine.actions.shape
    for _ in range(n_step):
        observations, rewards, _, truncations, infos = envs.step(
            rng.uniform(-1.2, 1.2, shape).astype(np.float32)
        )
        found += [observations.copy(), rewards.copy(), truncations.copy()]
        found += [infos[name].copy() for name in sorted(infos)]
    return [*found, envs.state()[:, : envs.num_envs].copy()]


@pytest.mark.parametrize(
    "configure",
    [as_it_is, with_hooks, with_variability, with_pandapower, with_disturbances, with_outages],
)
def test_native_programs_give_the_bits_of_stages_one_by_one(
    configure: Configure,
    env_of_config: type[NetworkedGridEnv],
    small_config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "GrudgingESS", GrudgingESS)
    configure(small_config)
    answers = []
    for is_native in (True, False):
        envs = VectorGridEnv(N_LANE, small_config, env_class=env_of_config)
        envs.engine.parameters.set("D.load_factor", np.linspace(0.8, 1.2, N_LANE))
        if not is_native:
            envs.engine.run_by_stages()
        answers.append(live(envs, 9))
        assert envs.engine.programs.is_native is is_native
        envs.close()
    assert len(answers[0]) == len(answers[1])
    for native, by_stages in zip(*answers, strict=True):
        np.testing.assert_array_equal(native, by_stages)


@pytest.mark.parametrize("kind", ["line_outage", "tap_stuck"])
def test_native_programs_miss_no_disturbance_of_the_power_flow(kind: str) -> None:
    config = {**load_setup("ieee34_ieee13"), "max_episode_steps": 7}
    plain = VectorGridEnv(N_LANE, config)
    struck = [{"kind": kind, "at_s": 7200.0, "duration_s": 7200.0}]
    if kind == "line_outage":  # a part of a microgrid, and one of the feeder
        struck[0]["targets"] = ["MG2 Line 632-671", "DSO Line 834-842"]
    envs = [VectorGridEnv(N_LANE, {**config, "disturbances": struck}) for _ in range(2)]
    envs[1].engine.run_by_stages()
    answers = [live(one, 9) for one in envs]
    for native, by_stages in zip(*answers, strict=True):
        np.testing.assert_array_equal(native, by_stages)
    # The compiled core's one call knows of neither.
    assert plain.engine.network.flow.native is not None
    assert envs[0].engine.network.flow.native is None
    assert envs[0].engine.programs.step.n_part > plain.engine.programs.step.n_part == 1
    for one in (plain, *envs):
        one.close()


def engine_of(env_of_config: type[NetworkedGridEnv], config: dict[str, Any]) -> Engine:
    return VectorGridEnv(N_LANE, config, env_class=env_of_config).engine


def test_a_step_of_kernels_is_one_native_call(
    env_of_config: type[NetworkedGridEnv], small_config: dict[str, Any]
) -> None:
    programs = engine_of(env_of_config, small_config).programs
    for program in (programs.run, programs.pay, programs.begin_next, programs.step):
        assert program.n_part == 1


def test_disturbances_of_devices_and_loads_are_kernels_too(
    env_of_config: type[NetworkedGridEnv], small_config: dict[str, Any]
) -> None:
    with_disturbances(small_config)
    assert engine_of(env_of_config, small_config).programs.step.n_part == 1


def test_hooks_and_pandapower_run_in_the_interpreter(
    env_of_config: type[NetworkedGridEnv],
    small_config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(DEVICE_REGISTRY, "GrudgingESS", GrudgingESS)
    with_hooks(small_config)
    programs = engine_of(env_of_config, small_config).programs
    assert programs.run.n_part > 1
    assert programs.pay.n_part == 1
    with_pandapower(small_config)
    assert engine_of(env_of_config, small_config).programs.run.n_part > programs.run.n_part


def test_what_uses_its_lanes_is_not_written_down() -> None:
    values = np.zeros(4)

    def slices(first: int, last: int) -> None:
        values[first:last] = 1.0

    def loops(first: int, last: int) -> None:
        for lane in range(first, last):
            values[lane] = 1.0

    def compares(first: int, last: int) -> None:
        if first == last:
            values[:] = 1.0

    def swaps(first: int, last: int) -> None:
        double_or_raise(values, False, 2.0, last, first)

    for stage in (slices, loops, compares, swaps):
        with pytest.raises(LanesUsedError):
            record(stage)
    np.testing.assert_array_equal(values, 0.0)


def test_a_kernel_with_a_result_or_other_arguments_is_not_native() -> None:
    assert native_call(count_and_tell, (np.zeros(3),)) is None
    assert native_call(double_or_raise, ((np.zeros(3),), False, 2.0)) is None


def test_what_a_kernel_raises_is_raised_and_later_stages_are_left_out() -> None:
    values = np.ones(4)
    program = Program(
        [
            lambda first, last: double_or_raise(values, False, 3.0, first, last),
            lambda first, last: double_or_raise(values, True, 3.0, first, last),
            lambda first, last: double_or_raise(values, False, 7.0, first, last),
        ]
    )
    assert program.n_part == 1
    with pytest.raises(ValueError, match="a bad one"):
        program.run(1, 3)
    np.testing.assert_array_equal(values, [1.0, 3.0, 3.0, 1.0])


@pytest.mark.parametrize("n_thread", [1, 2, 5])
def test_a_crew_does_every_lane_once_and_raises_what_a_kernel_raises(n_thread: int) -> None:
    n = 300
    values, number = np.ones(n), np.zeros(n, np.int64)
    crew = Crew(n_thread)
    good = Program([partial(double_or_raise, values, False, 2.0), partial(count, number)])
    bad = Program([partial(double_or_raise, values, True, 3.0)])
    crew.begin(good, 3, n)
    crew.begin(good, 0, n - 5)  # waits for the one before
    crew.finish()
    assert crew.finish() == 0
    expected = np.full(n, 2)
    expected[:3], expected[-5:] = 1, 1
    np.testing.assert_array_equal(number, expected)
    np.testing.assert_array_equal(values, 2.0**expected)
    crew.begin(bad, 0, n)
    with pytest.raises(ValueError, match="a bad one"):
        crew.finish()
    crew.run(good, 0, n)
    np.testing.assert_array_equal(number, expected + 1)


def test_a_crew_counts_the_solves_of_each_program_alone(
    env_of_config: type[NetworkedGridEnv], small_config: dict[str, Any]
) -> None:
    envs = VectorGridEnv(N_LANE, small_config, env_class=env_of_config)
    envs.reset(seed=0)
    programs, crew = envs.engine.programs, Crew(2)
    assert crew.run(programs.run, 0, N_LANE) >= N_LANE
    crew.begin(programs.run, 0, N_LANE)
    assert crew.run(programs.pay, 0, N_LANE) == 0


def test_a_program_keeps_the_arrays_that_it_works_on() -> None:
    def program_and_array() -> tuple[Program, weakref.ref[Any]]:
        values = np.ones(1000)
        stage = partial(double_or_raise, values, False, 2.0)
        return Program([stage]), weakref.ref(values)

    program, array = program_and_array()
    gc.collect()
    program.run(0, 1000)
    np.testing.assert_array_equal(array(), 2.0)
    del program
    gc.collect()
    assert array() is None
