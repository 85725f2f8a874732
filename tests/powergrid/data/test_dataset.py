"""The form of a dataset, and what bad ones are told."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import ConfigError
from powergrid.data import validate_dataset


def test_a_series_becomes_float64_rows():
    data = validate_dataset({"train": {"load": [1, 2, 3]}})
    assert data["train"]["load"].dtype == np.float64
    assert data["train"]["load"].tolist() == [1.0, 2.0, 3.0]


def test_a_day_is_repeated_over_a_year():
    day = np.linspace(0.0, 1.0, 24)
    data = validate_dataset({"train": {"solar": day, "price": np.full(8760, 40.0)}})
    assert data["train"]["solar"].shape == (8760,)
    assert np.array_equal(data["train"]["solar"][24 * 100 : 24 * 101], day)


def test_a_length_that_does_not_divide_the_longest_is_refused():
    with pytest.raises(ConfigError, match=r"train/solar/A has 7 rows.*24 rows of train/price"):
        validate_dataset({"train": {"solar": {"A": np.ones(7)}, "price": np.ones(24)}})


def test_splits_may_differ_in_length():
    data = validate_dataset({"train": {"load": np.ones(48)}, "test": {"load": np.ones(25)}})
    assert data["train"]["load"].size == 48
    assert data["test"]["load"].size == 25


def test_areas_keep_their_order_and_rows():
    data = validate_dataset({"test": {"wind": {"B": [0.1, 0.2], "A": [0.3]}}})
    wind = data["test"]["wind"]
    assert list(wind) == ["B", "A"]
    assert wind["A"].tolist() == [0.3, 0.3]


def test_the_result_is_a_read_only_copy():
    mine = np.ones(24)
    theirs = validate_dataset({"train": {"load": mine}})["train"]["load"]
    mine[:] = 5.0
    assert theirs[0] == 1.0
    assert mine.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        theirs[0] = 2.0


def test_a_missing_split_is_an_empty_one():
    assert validate_dataset({"train": {"load": [1.0]}})["test"] == {}
    assert validate_dataset({"train": {"load": [1.0]}, "test": None})["test"] == {}


def test_validating_twice_changes_nothing():
    once = validate_dataset({"train": {"load": {"A": [0.5, 0.6]}, "price": [1.0]}, "test": {}})
    again = validate_dataset(once)
    assert np.array_equal(once["train"]["load"]["A"], again["train"]["load"]["A"])
    assert np.array_equal(once["train"]["price"], again["train"]["price"])


def test_a_negative_price_is_a_price():
    data = validate_dataset({"train": {"price": [-20.0, 30.0]}})
    assert data["train"]["price"].min() == -20.0


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ([1, 2], "mapping of splits"),
        ({"trian": {}}, "did you mean 'train'"),
        ({"train": [1.0]}, "mapping of kinds"),
        ({"train": {"laod": [1.0]}}, "did you mean 'load'"),
        ({"train": {"load": {}}}, "names no area"),
        ({"train": {"load": np.ones((2, 24))}}, r"shape \(2, 24\)"),
        ({"train": {"load": []}}, r"shape \(0,\)"),
        ({"train": {"load": 1.0}}, r"shape \(\)"),
        ({"train": {"load": ["much"]}}, "not a number"),
        ({"train": {"load": [[1.0], [1.0, 2.0]]}}, "not a number"),
        (
            {"train": {"load": [1.0, np.nan, np.nan]}},
            "2 NaN or infinite values, the first in row 1",
        ),
        ({"train": {"price": [np.inf]}}, "infinite"),
        ({"train": {"load": [0.5, -0.1]}}, "-0.1 in row 1"),
        ({"train": {"solar": {"A": [0.0, 800.0]}}}, "divide it by the rating"),
    ],
)
def test_what_is_no_dataset_is_refused_with_a_reason(dataset, message):
    with pytest.raises(ConfigError, match=message):
        validate_dataset(dataset)
