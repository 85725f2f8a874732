"""Pickles of plain data are read, all others are refused before anything runs."""

from __future__ import annotations

import collections
import datetime
import io
import os
import pickle

import numpy as np
import pytest

from heron.errors import HeronError
from powergrid.data import restricted_pickle
from powergrid.data.restricted_pickle import RefusedPickleError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
ARRAYS = {
    "float64": np.linspace(-1.0, 1.0, 24),
    "float32": np.linspace(-1.0, 1.0, 24, dtype=np.float32),
    "int": np.arange(5),
    "uint8": np.arange(5, dtype=np.uint8),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "big endian": np.arange(4.0).astype(">f8"),
    "two rows": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(10.0)[::2],
    "empty": np.zeros(0),
    "none": np.array(3.0),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(protocol, name):
    array = ARRAYS[name]
    read = restricted_pickle.loads(pickle.dumps(array, protocol))
    assert type(read) is np.ndarray
    assert read.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(read, array)
    assert read.flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_comes_back_as_it_was(protocol):
    data = {"a": [1, 2.5, True, None, "x", -(2**80), 1j], "b": ({"c": ()}, "y"), 3: {}}
    assert restricted_pickle.loads(pickle.dumps(data, protocol)) == data


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numpy_numbers_come_back(protocol):
    read = restricted_pickle.loads(
        pickle.dumps([np.float64(0.1), np.int32(7), np.bool_(1)], protocol)
    )
    assert read == [0.1, 7, True]
    assert isinstance(read[0], np.float64)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_pickles_of_both_numpy_generations_are_read(protocol):
    text = pickle.dumps(ARRAYS["float64"], protocol)
    for old, new in ((b"numpy._core.", b"numpy.core."), (b"numpy.core.", b"numpy._core.")):
        read = restricted_pickle.loads(text.replace(old, new))
        assert np.array_equal(read, ARRAYS["float64"])


def test_one_array_in_two_places_stays_one_array():
    shared = np.ones(3)
    read = restricted_pickle.loads(pickle.dumps({"a": shared, "b": shared}))
    assert read["a"] is read["b"]


class _RunsCode:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_in_a_pickle_does_not_run(protocol, tmp_path):
    target = tmp_path / "made"
    text = pickle.dumps({"train": _RunsCode(os.mkdir, str(target))}, protocol)
    with pytest.raises(RefusedPickleError, match=r"names \w+\.mkdir"):
        restricted_pickle.loads(text)
    assert not target.exists()


@pytest.mark.parametrize(
    "value",
    [
        datetime.date(2022, 1, 1),
        collections.OrderedDict(a=1),
        np.random.default_rng(0),
        _RunsCode(eval, "1"),
        _RunsCode(getattr, "", "join"),
        np.dtype("f8").type,
        np.ma.masked_array([1.0], [True]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_classes_are_refused_by_name(value):
    with pytest.raises(RefusedPickleError, match="the pickle names"):
        restricted_pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, bytearray(b"x"), frozenset([1])])
def test_other_builtin_containers_are_refused(value):
    with pytest.raises(RefusedPickleError):
        restricted_pickle.loads(pickle.dumps([value], 5))


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}, None], dtype=object),
        np.array(["a", "b"]),
        np.array(["2022-01-01"], dtype="M8[D]"),
        np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
    ],
    ids=["object", "text", "date", "records"],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_of_anything_but_numbers_are_refused(array, protocol):
    with pytest.raises(RefusedPickleError):
        restricted_pickle.loads(pickle.dumps(array, protocol))


def test_an_array_whose_shape_lies_about_its_bytes_is_refused():
    text = pickle.dumps(np.arange(3.0), 2)
    lie = text.replace(b"K\x03\x85", b"K\x63\x85")  # shape (3,) becomes (99,)
    assert lie != text
    with pytest.raises(RefusedPickleError):
        restricted_pickle.loads(lie)


def test_a_pickle_cannot_alter_the_reader():
    alter = b"cnumpy.core.multiarray\nscalar\n}(X\x01\x00\x00\x00aK\x01ub."
    with pytest.raises(RefusedPickleError, match="alter a function"):
        restricted_pickle.loads(alter)


def test_a_bare_function_is_not_data():
    with pytest.raises(RefusedPickleError, match="not data"):
        restricted_pickle.loads(b"cnumpy.core.multiarray\nscalar\n.")


@pytest.mark.parametrize(
    "text", [b"", b"no pickle", pickle.dumps(list(range(99)))[:-20], b"h\x05."]
)
def test_damaged_files_are_refused(text):
    with pytest.raises(RefusedPickleError, match="not a readable pickle"):
        restricted_pickle.load(io.BytesIO(text))


def test_endless_nesting_is_refused():
    knot: list[object] = []
    knot.append(knot)
    with pytest.raises(RefusedPickleError, match="deeper than 32"):
        restricted_pickle.loads(pickle.dumps(knot))


def test_a_small_file_cannot_unfold_into_a_huge_tree():
    level: object = 1.0
    for _ in range(31):
        level = [level] * 10  # 10**31 leaves if every path were followed
    assert len(restricted_pickle.loads(pickle.dumps(level))) == 10


def test_refusals_are_errors_of_the_package_and_of_pickle():
    assert issubclass(RefusedPickleError, (HeronError, ValueError, pickle.UnpicklingError))
    for base in (HeronError, ValueError, pickle.UnpicklingError):
        assert issubclass(RefusedPickleError, base)
