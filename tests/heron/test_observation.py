"""Observations become vectors in a fixed order."""

from __future__ import annotations

import numpy as np

from heron.core.observation import Observation


def test_keys_are_sorted_on_every_level_and_local_comes_first():
    observation = Observation(
        local={"b": {"z": 3.0, "y": 2.0}, "a": 1.0}, global_info={"a": 4.0}, timestamp=99.0
    )
    assert observation.vector().tolist() == [1.0, 2.0, 3.0, 4.0]


def test_every_numeric_scalar_is_kept():
    observation = Observation(
        {"a": True, "b": 2, "c": 3.5, "d": np.float32(4.5), "e": np.int64(5), "f": np.bool_(False)}
    )
    assert observation.vector().tolist() == [1.0, 2.0, 3.5, 4.5, 5.0, 0.0]


def test_arrays_and_sequences_are_flattened_in_order():
    observation = Observation({"a": np.array([[1, 2], [3, 4]]), "b": [5.0, (6.0, [7.0])]})
    assert observation.vector().tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_texts_and_none_are_passed_over():
    assert Observation({"a": "text", "b": None, "c": 1.0}).vector().tolist() == [1.0]


def test_the_order_of_insertion_does_not_matter():
    one, two = {"x": 1.0, "y": 2.0}, {"y": 2.0, "x": 1.0}
    assert Observation(one).vector().tolist() == Observation(two).vector().tolist()


def test_the_vector_is_float32_even_if_empty():
    assert Observation().vector().dtype == np.float32
    assert Observation().vector().shape == (0,)
    assert Observation({"a": 1}).vector().dtype == np.float32
