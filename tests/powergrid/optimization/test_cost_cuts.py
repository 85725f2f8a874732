from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powergrid.optimization.cost_cuts import chords_below_or_on, tangents_below
from powergrid.utils.cost import cost_from_curve

parabolas = st.tuples(st.floats(-200, 200), st.floats(-50, 100), st.floats(0, 20))
steps = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6)


@st.composite
def polylines(draw):
    powers = np.cumsum(draw(steps)) - 0.2
    costs = draw(st.lists(st.floats(0, 50), min_size=len(powers), max_size=len(powers)))
    return tuple(np.column_stack([powers, costs]).ravel().tolist())


ranges = st.tuples(st.floats(0, 0.5), st.floats(0, 2)).map(lambda r: (r[0], r[0] + r[1]))


def largest(lines, powers):
    return (lines[:, :1] * powers + lines[:, 1:]).max(axis=0)


@given(parabolas | polylines(), ranges)
def test_tangents_nowhere_exceed_the_curve(coefs, limits):
    powers = np.linspace(*limits, 101)
    cost = np.array([cost_from_curve(p, coefs) for p in powers])
    assert np.all(largest(tangents_below(coefs, *limits), powers) <= cost + 1e-7)


@given(st.tuples(st.floats(0, 200), st.floats(-50, 100), st.floats(0, 20)), ranges)
def test_chords_of_a_convex_curve_nowhere_lie_below_it(coefs, limits):
    powers = np.linspace(*limits, 101)
    cost = np.array([cost_from_curve(p, coefs) for p in powers])
    assert np.all(largest(chords_below_or_on(coefs, *limits), powers) >= cost - 1e-7)


def test_chords_meet_a_parabola_at_their_ends():
    powers = np.linspace(0.1, 0.5, 5)
    chords = chords_below_or_on((60.0, 40.0, 1.0), 0.1, 0.5, n_segment=4)
    cost = [cost_from_curve(p, (60.0, 40.0, 1.0)) for p in powers]
    np.testing.assert_allclose(largest(chords, powers), cost)


def test_a_convex_polyline_is_met_exactly():
    coefs = (0.0, 1.0, 0.2, 9.0, 0.4, 25.0)
    powers = np.linspace(0.0, 0.4, 41)
    cost = [cost_from_curve(p, coefs) for p in powers]
    for lines in (chords_below_or_on(coefs, 0.0, 0.4), tangents_below(coefs, 0.0, 0.4)):
        np.testing.assert_allclose(largest(lines, powers), cost)


def test_a_unit_of_one_power_has_one_flat_line():
    assert tangents_below((60.0, 40.0, 1.0), 0.2, 0.2).tolist() == [
        [0.0, pytest.approx(60.0 * 0.04 + 8.0 + 1.0)]
    ]
