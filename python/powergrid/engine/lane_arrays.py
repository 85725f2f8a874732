"""Arrays whose last axis is the lane, laid out so that kernels run over lanes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

__all__ = ["as_rows", "lane_array", "whole_rows"]

Array = NDArray[np.float64]

LINE = 8  # float64 in a cache line


def lane_array(*shape: int, n_lane: int) -> Array:
    """Return zeros of shape ``(*shape, n_lane)``, and what is behind the last lane as well.

    From eight lanes on, rows are padded to whole cache lines, and never to a multiple of 4 KiB,
    where the rows of one lane would push each other out of the cache. The first row begins a cache
    line, so that threads whose lanes begin one have none in common. The array is C-contiguous: its
    last axis may be longer than `n_lane`; lanes behind the last are never read.
    """
    stride = n_lane if n_lane < LINE else -(-n_lane // LINE) * LINE
    stride += LINE if stride % 512 == 0 else 0
    size = math.prod(shape) * stride
    room = np.zeros(size + LINE)
    skip = -room.ctypes.data % (LINE * room.itemsize) // room.itemsize
    return room[skip : skip + size].reshape(*shape, stride)


def as_rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of an array with lanes on its last axis as (n_row, n_lane)."""
    rows = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])
    if rows.size and not np.may_share_memory(rows, array):
        raise ValueError(f"strides {array.strides} of {array.shape} are not those of rows")
    return rows


def whole_rows(view: Array) -> Array:
    """Return the C-contiguous array of whole rows, padding included, that ``view`` is a part of.

    `view` is (n_row, n_lane), a lane beside the other. The result keeps the view's memory alive.
    """
    n_row, n_lane = view.shape
    if n_row == 0 or n_lane == 0:
        return np.zeros((n_row, max(n_lane, 1)))
    itemsize = view.itemsize
    if view.strides[1] != itemsize and n_lane > 1:
        raise ValueError(f"lanes lie {view.strides[1]} bytes apart, expected {itemsize}")
    if n_row == 1:
        return np.ascontiguousarray(view) if not view.flags.c_contiguous else view
    stride = view.strides[0] // itemsize
    # The last row's padding is there as well: tables allocate whole rows.
    return as_strided(view, (n_row, stride), (view.strides[0], itemsize))
