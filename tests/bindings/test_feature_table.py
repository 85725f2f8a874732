"""The memory of a compiled feature table, and its use from several threads."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from heron._core import FeatureLayout, FeatureTable


def lanes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


@pytest.mark.parametrize(("n_lane", "stride"), [(1, 1), (7, 7), (8, 8), (9, 16), (250, 256)])
def test_rows_are_padded_to_cache_lines_from_eight_lanes_on(n_lane: int, stride: int) -> None:
    values = FeatureTable(3, n_lane).values
    assert values.shape == (3, n_lane)
    assert values.strides == (8 * stride, 8)
    assert values.ctypes.data % 64 == 0
    assert values.flags.writeable
    assert not values.any()


def test_the_array_never_moves() -> None:
    table = FeatureTable(3, 2, 2)
    values, address = table.values, table.values.ctypes.data
    for k in range(50):
        table.add_observer(lanes(0, 1))
        table.snapshot_all(float(k))
    values[2, 1] = 4.0
    assert table.values.ctypes.data == address
    assert table.values[2, 1] == 4.0


def test_a_view_of_a_view_keeps_the_table_alive() -> None:
    table = FeatureTable(1000, 8)
    column = table.values[:, 3][::2]
    column[:] = 5.0
    del table
    gc.collect()
    for _ in range(20):  # would take the memory if it had been freed
        FeatureTable(1000, 8).values[:] = 9.0
    assert (column == 5.0).all()


def test_numbers_that_do_not_fit_are_type_errors() -> None:
    with pytest.raises(TypeError):
        FeatureTable(2**31)
    with pytest.raises(TypeError):
        FeatureTable(1).n_snapshot(0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        FeatureLayout().add_block("gen1", "x", 2**31, 1, [])


def test_an_impossible_history_is_refused_without_being_allocated() -> None:
    big = 2**31 - 1
    with pytest.raises((ValueError, MemoryError)):
        FeatureTable(big, 2**20, big)


def test_an_unaligned_output_is_a_type_error() -> None:
    table = FeatureTable(1)
    table.add_observer(lanes(0))
    out = np.zeros(17, dtype=np.uint8)[1:17].view(np.float64).reshape(1, 2)
    with pytest.raises(TypeError, match="out is not aligned"):
        table.gather(lanes(0), lanes(0), out)


def test_the_refusal_of_an_output_says_what_was_expected() -> None:
    table = FeatureTable(1)
    table.add_observer(lanes(0))
    for out, message in [
        (np.zeros((1, 1), dtype=np.int16), "out is an array of int16, expected float32 or float64"),
        (np.zeros(1), "out has 1 dimensions, expected two"),
        (np.broadcast_to(0.0, (1, 1)), "out is read-only"),
    ]:
        with pytest.raises(TypeError, match=message):
            table.gather(lanes(0), lanes(0), out)


@pytest.mark.parametrize("n_thread", [1, 8])
def test_lanes_give_the_same_from_any_number_of_threads(n_thread: int) -> None:
    n_lane, n_slot, n_step = 32, 20, 40
    table = FeatureTable(n_slot, n_lane, 5)
    observer = table.add_observer(np.arange(n_slot, dtype=np.int32)[::-1].copy())
    rows = np.zeros((n_lane, n_step, n_slot))
    drawn = np.random.default_rng(0).normal(size=(n_step, n_slot, n_lane))

    def live(lane: int) -> None:
        column: Any = table.values[:, lane]
        for k in range(n_step):
            column[:] = drawn[k, :, lane]
            table.snapshot(lanes(lane), np.array([float(k)]))
            # As of two steps ago.
            table.gather_as_of(
                lanes(observer), lanes(lane), np.array([k - 2.0]), rows[lane, k : k + 1]
            )

    with ThreadPoolExecutor(n_thread) as threads:
        list(threads.map(live, range(n_lane)))
    expected = np.zeros_like(rows)
    expected[:, 2:] = drawn[:-2, ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(rows, expected)
