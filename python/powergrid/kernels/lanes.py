"""Counting in lanes, taking them out of arrays and putting them into others."""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["count", "fill", "put_lanes", "take_lanes"]

Array = Any


@kernel
def count(number: Array, first: int, last: int) -> None:
    """Add 1 to the `number`, (n_lane,), of each lane."""
    for lane in lanes(first, last):
        number[lane] += 1


@kernel
def fill(target: Array, value: float, first: int, last: int) -> None:
    """Write `value` to all rows of `target`, (n_row, n_lane)."""
    for row in range(target.shape[0]):
        for lane in lanes(first, last):
            target[row, lane] = value


@kernel
def put_lanes(target: Array, at: Array, source: Array, first: int, last: int) -> None:
    """Put column k of `source` (n_row, ...) into column ``at[k]`` of `target`, k from `first`."""
    for row in range(target.shape[0]):
        for k in range(first, last):
            target[row, at[k]] = source[row, k]


@kernel
def take_lanes(target: Array, at: Array, source: Array) -> None:
    """Put columns `at` (n,) of `source` (n_row, ...) into the first columns of `target`."""
    for row in range(target.shape[0]):
        for k in range(at.shape[0]):
            target[row, k] = source[row, at[k]]
