"""Taking lanes out of arrays and putting them into others, without the interpreter lock."""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel

__all__ = ["put_lanes", "take_lanes"]

Array = Any


@kernel
def put_lanes(target: Array, at: Array, source: Array) -> None:
    """Put the first columns of `source` (n_row, ...) into columns `at` (n,) of `target`."""
    for row in range(target.shape[0]):
        for k in range(at.shape[0]):
            target[row, at[k]] = source[row, k]


@kernel
def take_lanes(target: Array, at: Array, source: Array) -> None:
    """Put columns `at` (n,) of `source` (n_row, ...) into the first columns of `target`."""
    for row in range(target.shape[0]):
        for k in range(at.shape[0]):
            target[row, k] = source[row, at[k]]
