"""Random draws: the same bits from the core, the reference and NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from heron import _core
from heron.reference import random as reference
from heron.scheduling.stream import Stream

words = st.integers(0, 2**64 - 1)
streams = st.sampled_from(list(Stream))


@given(seed=words, lane=words, agent=words, stream=streams, draw=st.integers(0, 2**62))
def test_core_and_reference_draw_the_same_bits(seed, lane, agent, stream, draw):
    expected = reference.random_bits(seed, lane, agent, stream, draw)
    assert _core.random_bits(seed, lane, agent, int(stream), draw) == expected


@given(seed=words, lane=words, agent=words, stream=streams)
def test_a_stream_is_the_one_that_numpy_makes(seed, lane, agent, stream):
    key = np.array([seed, 0], dtype=np.uint64)
    counter = np.array([0, agent, lane, stream], dtype=np.uint64)
    expected = np.random.Philox(key=key, counter=counter).random_raw(9).tolist()
    assert [reference.random_bits(seed, lane, agent, stream, d) for d in range(9)] == expected


@given(words)
def test_core_and_reference_make_the_same_numbers_of_the_bits(bits):
    assert _core.to_uniform(bits) == reference.to_uniform(bits)
    assert _core.to_normal(bits) == reference.to_normal(bits)


@given(words)
def test_uniform_numbers_are_made_as_numpy_makes_them(bits):
    assert 0.0 <= reference.to_uniform(bits) < 1.0
    assert reference.to_uniform(bits) == (bits >> 11) / 2**53


@given(words)
def test_normal_numbers_are_the_quantiles_that_scipy_gives(bits):
    p = ((bits >> 12) + 0.5) / 2**52
    expected = stats.norm.ppf(p) if p < 0.5 else -stats.norm.ppf(1.0 - p)
    assert reference.to_normal(bits) == pytest.approx(expected, rel=1e-13, abs=1e-13)


def test_the_extreme_bits_give_finite_normal_numbers():
    assert math.isfinite(reference.to_normal(0))
    assert reference.to_normal(2**64 - 1) == -reference.to_normal(0)


def test_draws_of_a_stream_are_uniform_and_independent_of_their_neighbours():
    drawn = np.array([_core.to_uniform(_core.random_bits(5, 1, 2, 0, d)) for d in range(20000)])
    assert stats.kstest(drawn, "uniform").pvalue > 0.001
    # The correlation of n independent pairs is normal with standard deviation 1 / sqrt(n).
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 3.3 / np.sqrt(len(drawn))


def test_neighbouring_keys_are_not_correlated():
    first = [_core.to_uniform(_core.random_bits(5, 0, a, 0, 0)) for a in range(5000)]
    second = [_core.to_uniform(_core.random_bits(5, 0, a + 1, 0, 0)) for a in range(5000)]
    other_lane = [_core.to_uniform(_core.random_bits(5, 1, a, 0, 0)) for a in range(5000)]
    for others in (second, other_lane):
        assert abs(np.corrcoef(first, others)[0, 1]) < 3.3 / np.sqrt(5000)
