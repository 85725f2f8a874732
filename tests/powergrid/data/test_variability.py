"""Minute-scale factors of load, sun and wind."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.data import minute_variability

KINDS = ("load", "solar", "wind")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_factors(kind):
    one, two = (minute_variability(kind, 500, 60.0, 11) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, minute_variability(kind, 500, 60.0, 12))


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_is_drawn_from(kind):
    rng = np.random.default_rng(3)
    first, second = (minute_variability(kind, 100, 60.0, rng) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step_s", [1.0, 60.0, 90.0, 900.0])
def test_the_mean_factor_is_one(kind, step_s):
    # Long enough for the mean's own error (correlated samples) to stay below half a percent.
    n_step = int(4e6 / step_s) if step_s > 1.0 else 400_000
    factors = minute_variability(kind, n_step, step_s, 5)
    assert factors.mean() == pytest.approx(1.0, abs=0.012)
    assert factors.shape == (n_step,)
    assert factors.min() >= 0.0


def test_sun_switches_between_two_states():
    factors = minute_variability("solar", 5000, 1.0, 1)
    assert len(np.unique(factors)) == 2
    assert np.count_nonzero(np.diff(factors)) < 100  # spells of minutes, not of seconds


@pytest.mark.parametrize("kind", KINDS)
def test_longer_steps_average_the_motion_out(kind):
    minutes = minute_variability(kind, 20_000, 60.0, 2)
    hours = minute_variability(kind, 2_000, 3600.0, 2)
    assert 0.0 < hours.std() < 0.7 * minutes.std()


@pytest.mark.parametrize("kind", ["load", "wind"])
def test_neighbouring_minutes_are_alike(kind):
    factors = minute_variability(kind, 5000, 60.0, 2)
    assert np.corrcoef(factors[1:], factors[:-1])[0, 1] > 0.6


def test_strength_scales_the_deviation():
    usual = minute_variability("wind", 100, 60.0, 4)
    assert np.allclose(minute_variability("wind", 100, 60.0, 4, strength=0.5) - 1, (usual - 1) / 2)
    assert np.array_equal(minute_variability("wind", 100, 60.0, 4, strength=0.0), np.ones(100))
    by_step = minute_variability("wind", 100, 60.0, 4, strength=np.repeat([0.0, 1.0], 50))
    assert np.array_equal(by_step[:50], np.ones(50))
    assert np.array_equal(by_step[50:], usual[50:])


def test_factors_never_fall_below_zero():
    assert minute_variability("solar", 1000, 60.0, 4, strength=9.0).min() == 0.0


def test_no_steps_give_no_factors():
    for kind in KINDS:
        assert minute_variability(kind, 0, 60.0, 1).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sun", 10, 60.0, 1), "unknown kind 'sun'"),
        (("wind", -1, 60.0, 1), "n_step >= 0"),
        (("wind", 10, 0.0, 1), "step_s > 0"),
        (("wind", 10, float("nan"), 1), "step_s > 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        minute_variability(*arguments)


def test_a_strength_of_another_length_is_refused():
    with pytest.raises(ConfigError, match=r"shape \(3,\), expected one value or \(10,\)"):
        minute_variability("wind", 10, 60.0, 1, strength=[1.0, 1.0, 1.0])
