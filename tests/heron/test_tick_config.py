"""Intervals and delays, with and without jitter."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

from heron.scheduling import JitterType, ScheduleConfig, TickConfig

DRAWS = ("get_tick_interval", "get_obs_delay", "get_act_delay", "get_msg_delay")


def jittered(seed: int | None = 42, **kwargs: object) -> TickConfig:
    settings = {"tick_interval": 60.0, "obs_delay": 1.0, "act_delay": 2.0, "msg_delay": 0.5}
    return TickConfig.with_jitter(**{**settings, **kwargs}, seed=seed)  # type: ignore[arg-type]


def draws(config: TickConfig, n: int = 5) -> list[list[float]]:
    return [[getattr(config, name)() for _ in range(n)] for name in DRAWS]


def test_a_deterministic_configuration_gives_its_base_values():
    config = TickConfig.deterministic(
        tick_interval=2.0, obs_delay=0.1, act_delay=0.2, msg_delay=0.3
    )
    assert draws(config, n=2) == [[2.0, 2.0], [0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]
    assert config.jitter_type is JitterType.NONE


def test_the_alias_is_the_same_class():
    assert ScheduleConfig is TickConfig


def test_uniform_jitter_stays_within_its_ratio_and_fills_it():
    config = jittered(jitter_type=JitterType.UNIFORM, jitter_ratio=0.2)
    drawn = np.array([config.get_tick_interval() for _ in range(4000)])
    assert drawn.min() >= 48.0
    assert drawn.max() <= 72.0
    # A uniform variable on 48..72 has the mean 60 and the standard deviation 24 / sqrt(12); the
    # mean of 4000 of them deviates by 0.11.
    assert drawn.mean() == pytest.approx(60.0, abs=0.5)
    assert drawn.std() == pytest.approx(24.0 / np.sqrt(12.0), rel=0.03)


def test_gaussian_jitter_has_its_ratio_as_standard_deviation():
    config = jittered(jitter_type=JitterType.GAUSSIAN, jitter_ratio=0.1)
    drawn = np.array([config.get_tick_interval() for _ in range(4000)])
    assert drawn.mean() == pytest.approx(60.0, abs=0.5)
    assert drawn.std() == pytest.approx(6.0, rel=0.05)


def test_a_zero_base_never_jitters():
    config = jittered(obs_delay=0.0, jitter_type=JitterType.GAUSSIAN)
    assert {config.get_obs_delay() for _ in range(10)} == {0.0}


def test_drawn_intervals_and_delays_respect_their_floors():
    config = jittered(
        tick_interval=0.01, jitter_type=JitterType.GAUSSIAN, jitter_ratio=5.0, min_delay=0.25
    )
    assert min(config.get_tick_interval() for _ in range(100)) == 0.001
    assert min(config.get_msg_delay() for _ in range(100)) == 0.25


def test_equal_seeds_give_equal_draws_and_others_others():
    assert draws(jittered(seed=7)) == draws(jittered(seed=7))
    assert draws(jittered(seed=7)) != draws(jittered(seed=8))


def test_each_kind_of_draw_has_its_own_stream():
    disturbed = jittered()
    for _ in range(17):
        disturbed.get_obs_delay()
    undisturbed = jittered()
    assert [disturbed.get_tick_interval() for _ in range(5)] == [
        undisturbed.get_tick_interval() for _ in range(5)
    ]


def test_seeding_starts_the_draws_anew():
    config = jittered()
    first = draws(config)
    assert draws(config) != first
    config.seed(42)
    assert draws(config) == first


def test_draws_are_the_same_in_another_process():
    code = (
        "from heron.scheduling import TickConfig\n"
        "c = TickConfig.with_jitter(tick_interval=60.0, seed=42)\n"
        "print([c.get_tick_interval() for _ in range(5)])"
    )
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    config = TickConfig.with_jitter(tick_interval=60.0, seed=42)
    assert out.strip() == str([config.get_tick_interval() for _ in range(5)])


def test_draws_leave_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not change
    draws(jittered(seed=None))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_given_generator_serves_all_draws():
    config = TickConfig(10.0, jitter_type=JitterType.UNIFORM, rng=np.random.default_rng(1))
    unit = np.random.default_rng(1).uniform(-1.0, 1.0)
    assert config.get_tick_interval() == 10.0 * (1.0 + 0.1 * unit)


def test_a_configuration_knows_whether_it_was_seeded():
    assert jittered(seed=0).is_seeded
    assert not jittered(seed=None).is_seeded
    assert TickConfig(rng=np.random.default_rng(1)).is_seeded


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_a_copy_goes_on_with_the_same_draws(duplicate):
    config = jittered()
    draws(config)
    twin = duplicate(config)
    assert twin == config
    assert draws(twin) == draws(config)


def test_the_type_of_jitter_may_be_given_by_value():
    assert TickConfig(jitter_type="gaussian").jitter_type is JitterType.GAUSSIAN  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tick_interval": 0.0}, "tick_interval must be positive"),
        ({"tick_interval": -1.0}, "tick_interval must be positive"),
        ({"tick_interval": float("nan")}, "tick_interval must be positive"),
        ({"tick_interval": 0.0005}, r"at least 0\.001 s"),
        ({"tick_interval": float("inf")}, "must be finite"),
        ({"jitter_ratio": -0.1}, "jitter_ratio must be non-negative"),
        ({"min_delay": -0.1}, "min_delay must be non-negative"),
        ({"obs_delay": -1.0}, "obs_delay must be non-negative"),
        ({"act_delay": float("nan")}, "act_delay must be non-negative"),
        ({"msg_delay": float("inf")}, "msg_delay must be non-negative"),
    ],
)
def test_bad_values_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TickConfig(**settings)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1"])
def test_a_seed_that_is_no_64_bit_number_is_refused(seed):
    with pytest.raises(ValueError, match="seed is"):
        TickConfig().seed(seed)


def test_an_unknown_type_of_jitter_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'uniform'"):
        TickConfig(jitter_type="UNIFORM")  # type: ignore[arg-type]


def test_configurations_with_other_seeds_are_not_equal():
    assert jittered(seed=1) != jittered(seed=2)
    assert jittered(seed=1) == jittered(seed=1)
