"""Dataclasses of arrays as bytes, without pickle."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from powergrid.cache.encoding import decode, encode


@dataclass(frozen=True, eq=False)
class Line:
    """A dataclass with a field that its constructor does not take."""

    name: str
    r_pu: np.ndarray
    rows: slice
    worked_out: float = field(init=False, default=3.0)


@dataclass(frozen=True)
class Grid:
    """One that holds others."""

    lines: tuple[Line, ...]
    limits: Mapping[str, float | None]


GRID = Grid((Line("a", np.array([0.1, -0.0]), slice(2, 5)),), {"low": 0.95, "high": None})

numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.int32, np.int64, np.uint8, np.complex128]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
)
values = st.recursive(
    numbers | arrays,
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def assert_same(a: Any, b: Any) -> None:
    """Compare values to the last bit, types included."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    else:
        assert a == b or (a != a and b != b)


@given(values)
def test_what_is_decoded_is_what_was_encoded(value: Any) -> None:
    assert_same(decode(encode(value), ()), value)


def test_dataclasses_come_back_with_what_their_constructors_take() -> None:
    back = decode(encode(GRID), (Grid, Line))
    assert isinstance(back, Grid)
    assert back.limits == GRID.limits
    (line,) = back.lines
    assert (line.name, line.rows, line.worked_out) == ("a", slice(2, 5), 3.0)
    assert line.r_pu.tobytes() == np.array([0.1, -0.0]).tobytes()


def test_no_class_is_made_but_those_allowed() -> None:
    with pytest.raises(KeyError, match="Line"):
        decode(encode(GRID), (Grid,))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([None, "x"]), "without pickle"),
        ({1: 2.0}, "expected a string"),
        ({"when": {3, 4}}, "set, which has no encoding"),
        ((Grid,), "no encoding"),
        (np.float64(1.0), "no encoding"),
    ],
)
def test_what_cannot_be_encoded_is_refused(value: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        encode(value)


def test_a_pickle_inside_is_never_loaded() -> None:
    stream = io.BytesIO()
    np.savez(stream, manifest=np.array([{"array": "a0"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        decode(stream.getvalue(), ())
