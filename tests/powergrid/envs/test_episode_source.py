"""The series of an episode, before any network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from powergrid.envs.config import EnvConfig
from powergrid.envs.episode_source import EpisodeSource

SERIES = {"north": np.full(48, 0.5), "south": np.full(48, 0.5)}


def _source() -> EpisodeSource:
    dataset = {"train": {"load": SERIES, "wind": SERIES, "solar": np.full(48, 0.5)}}
    return EpisodeSource(EnvConfig(dataset=dataset, variability=True, step_s=60.0))


def test_agents_of_one_area_share_its_fluctuation() -> None:
    first = _source().window(0, "north", "south", 5)
    second = _source().window(0, "north", "south", 5)
    assert all(np.array_equal(first.actual[k], second.actual[k]) for k in first.actual)


def test_areas_kinds_and_seeds_fluctuate_by_themselves() -> None:
    source = _source()
    north, south = source.window(0, "north", "north", 5), source.window(0, "south", "south", 5)
    other = source.window(0, "north", "north", 6)
    for kind in ("load", "wind"):
        assert not np.array_equal(north.actual[kind], south.actual[kind])
        assert not np.array_equal(north.actual[kind], other.actual[kind])
    assert not np.array_equal(north.actual["load"], north.actual["wind"])
    # One series of sun serves both areas, so both see the same sky.
    assert np.array_equal(north.actual["solar"], south.actual["solar"])


def test_price_and_forecast_do_not_fluctuate() -> None:
    window = _source().window(0, "north", "north", 5)
    assert window.actual["price"] is window.forecast["price"]
    assert np.array_equal(window.forecast["load"], np.full(window.n_step + 1, 0.5))


def test_series_are_cut_out_when_they_are_read() -> None:
    window = pickle.loads(pickle.dumps(_source().window(0, "north", "north", 5)))
    assert window.actual._made == window.forecast._made == {}
    assert window.actual["wind"] is window.actual["wind"]
    assert list(window.actual._made) == ["wind"]
    assert list(window.actual) == list(window.forecast) == ["load", "solar", "wind", "price"]
    assert len(window.actual) == 4
    with pytest.raises(KeyError):
        window.actual["rain"]
