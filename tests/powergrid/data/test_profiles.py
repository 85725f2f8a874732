"""Looking series up in simulated time."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.data import Profiles

HOUR_S = 3600.0
ROWS = np.array([10.0, 20.0, 40.0, 30.0])
DATA = {"train": {"price": ROWS, "load": {"A": ROWS / 100, "B": ROWS / 50}}}


def test_hold_keeps_a_row_until_the_next_one_begins():
    window = Profiles(DATA, "train").window("price", None, 0.0, 8, 1800.0)
    assert window.tolist() == [10.0, 10.0, 20.0, 20.0, 40.0, 40.0, 30.0, 30.0]


def test_linear_goes_straight_between_the_starts_of_rows():
    profiles = Profiles(DATA, "train", interpolation="linear")
    assert profiles.window("price", None, 0.0, 5, 1800.0).tolist() == [10, 15, 20, 30, 40]


def test_time_wraps_round_the_end():
    hold = Profiles(DATA, "train")
    assert hold.window("price", None, 3 * HOUR_S, 3, HOUR_S).tolist() == [30.0, 10.0, 20.0]
    assert hold.window("price", None, 4e6 * HOUR_S, 1, HOUR_S).tolist() == [10.0]
    linear = Profiles(DATA, "train", interpolation="linear")
    assert linear.window("price", None, 3.5 * HOUR_S, 1, 1.0).tolist() == [20.0]


def test_time_before_the_start_counts_from_the_end():
    assert Profiles(DATA, "train").window("price", None, -HOUR_S, 2, HOUR_S).tolist() == [30, 10]


@pytest.mark.parametrize("interpolation", ["hold", "linear"])
def test_both_ways_agree_at_the_starts_of_rows(interpolation):
    profiles = Profiles(DATA, "train", interpolation=interpolation)
    assert np.array_equal(profiles.window("price", None, 0.0, 4, HOUR_S), ROWS)


@pytest.mark.parametrize("interpolation", ["hold", "linear"])
def test_a_time_that_rounding_left_below_a_row_start_is_that_start(interpolation):
    profiles = Profiles(DATA, "train", row_s=0.3, interpolation=interpolation)
    below = 0.1 + 0.2 - 2e-16  # a hair below one row of 0.3 s
    assert profiles.window("price", None, below, 1, 1.0)[0] == pytest.approx(20.0, abs=1e-6)
    tenths = sum([0.1] * 6)  # 0.6 less one rounding error
    assert profiles.window("price", None, tenths, 1, 1.0)[0] == pytest.approx(40.0, abs=1e-6)


def test_a_window_equals_its_values_one_by_one():
    profiles = Profiles(DATA, "train", interpolation="linear")
    window = profiles.window("load", "B", 777.0, 50, 411.0)
    single = [profiles.window("load", "B", 777.0 + k * 411.0, 1, 1.0)[0] for k in range(50)]
    assert np.array_equal(window, single)


def test_row_length_scales_time():
    profiles = Profiles(DATA, "train", row_s=60.0)
    assert profiles.window("price", None, 60.0, 2, 60.0).tolist() == [20.0, 40.0]
    assert profiles.duration_s == 240.0


def test_a_window_is_the_callers_own():
    profiles = Profiles(DATA, "train")
    profiles.window("price", None, 0.0, 4, HOUR_S)[:] = 0.0
    assert np.array_equal(profiles.window("price", None, 0.0, 4, HOUR_S), ROWS)


def test_an_empty_window_is_empty():
    assert Profiles(DATA, "train").window("price", None, 0.0, 0, HOUR_S).shape == (0,)


def test_one_series_serves_every_area():
    profiles = Profiles(DATA, "train")
    assert profiles.areas("price") == ()
    assert profiles.window("price", "anywhere", 0.0, 1, HOUR_S)[0] == 10.0


def test_named_areas_are_told_apart():
    profiles = Profiles(DATA, "train")
    assert profiles.areas("load") == ("A", "B")
    assert profiles.window("load", "A", 0.0, 1, HOUR_S)[0] == 0.1
    assert profiles.window("load", "B", 0.0, 1, HOUR_S)[0] == 0.2


def test_an_unknown_area_is_an_error_that_lists_the_areas():
    profiles = Profiles({"train": {"load": {"BANC": [1.0], "AZPS": [1.0]}}}, "train")
    with pytest.raises(ConfigError, match=r"unknown area 'BNAC'; did you mean 'BANC'.*AZPS"):
        profiles.window("load", "BNAC", 0.0, 1, HOUR_S)
    with pytest.raises(ConfigError, match="name one of"):
        profiles.window("load", None, 0.0, 1, HOUR_S)


def test_a_missing_kind_has_its_default():
    profiles = Profiles(DATA, "train")
    assert profiles.window("solar", "A", 0.0, 2, HOUR_S).tolist() == [0.0, 0.0]


def test_without_data_load_is_nominal_and_price_fifty():
    profiles = Profiles(None, "test")
    values = {k: profiles.window(k, "X", 5.0, 3, 60.0) for k in ("load", "solar", "wind", "price")}
    assert {kind: value.tolist() for kind, value in values.items()} == {
        "load": [1.0] * 3,
        "solar": [0.0] * 3,
        "wind": [0.0] * 3,
        "price": [50.0] * 3,
    }
    assert profiles.n_row == 8760


def test_an_empty_split_raises_when_it_is_chosen():
    with pytest.raises(ConfigError, match=r"no 'test' split; it holds \['train'\]"):
        Profiles(DATA, "test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "tests"}, "did you mean 'test'"),
        ({"interpolation": "cubic"}, "Known: 'hold', 'linear'"),
        ({"row_s": 0.0}, "positive number of seconds"),
        ({"row_s": float("nan")}, "positive number of seconds"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Profiles(DATA, **{"split": "train", **arguments})


@pytest.mark.parametrize(
    ("kind", "start_s", "n_step", "step_s", "message"),
    [
        ("prices", 0.0, 1, 1.0, "did you mean 'price'"),
        ("price", float("nan"), 1, 1.0, "finite"),
        ("price", 0.0, 1, float("inf"), "finite"),
        ("price", 0.0, -1, 1.0, "n_step >= 0"),
    ],
)
def test_a_bad_window_is_refused(kind, start_s, n_step, step_s, message):
    with pytest.raises(ConfigError, match=message):
        Profiles(DATA, "train").window(kind, None, start_s, n_step, step_s)
