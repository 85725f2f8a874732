"""How kernels are compiled, and the loop over lanes that they share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

__all__ = ["F64", "I32", "kernel", "lanes"]

F64: TypeAlias = NDArray[np.float64]
I32: TypeAlias = NDArray[np.int32]

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function over arrays: cached on disk, without the interpreter lock.

    Arithmetic is that of IEEE 754 in the order written: nothing is reassociated or contracted, so a
    kernel gives the bits that the same operations give in Python. Dividing by zero gives an
    infinity or NaN instead of an exception, because the test for it would keep loops scalar.

    The cache notices a change of the file that holds the kernel, not of one that it calls into:
    after editing a shared helper, delete ``__pycache__``.
    """
    compile_: Any = njit(nogil=True, error_model="numpy")
    compiled: Any = compile_(function)
    with contextlib.suppress(RuntimeError):  # typed in at a prompt: no file to keep a cache beside
        compiled.enable_caching()
    kept: Function = compiled
    return kept


def lanes(first: int, last: int) -> range:
    """Return the lanes ``first .. last - 1``, as unsigned numbers; for use within kernels.

    A signed index may count from the end, and the test for that keeps a loop from being
    vectorised. Without it loops take a quarter of the time.
    """
    return range(np.uint64(first), np.uint64(last))


register_jitable(lanes)
