"""How kernels are compiled, and the loop over lanes that they share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from powergrid.kernels.recording import recorded_by

__all__ = ["F64", "I32", "U8", "kernel", "lanes"]

F64: TypeAlias = NDArray[np.float64]
I32: TypeAlias = NDArray[np.int32]
U8: TypeAlias = NDArray[np.uint8]

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function over arrays, to run without the interpreter lock.

    Arithmetic is that of IEEE 754 in the order written: nothing is reassociated or contracted, so a
    kernel gives the bits that the same operations give in Python. Dividing by zero gives an
    infinity or NaN instead of an exception, because the test for it would keep loops scalar.

    What is compiled for a module of a package is kept on disk. The cache notices a change of the
    file that holds the kernel, not of one that it calls into: after editing a shared helper, delete
    ``__pycache__``. Kernels of a script are compiled at every start.
    """
    compile_: Any = njit(nogil=True, error_model="numpy")
    compiled: Any = compile_(function)
    # The cache holds the module's name. A file that is a script now and imported by another name
    # later, or known to this process only, would find it and fail.
    # With NUMBA_DISABLE_JIT there is nothing to keep.
    if compiled is function:
        return function
    if "." in function.__module__:
        with contextlib.suppress(RuntimeError):  # nowhere to write
            compiled.enable_caching()
    _make_recordable(compiled)
    kept: Function = compiled
    return kept


def _make_recordable(compiled: Any) -> None:
    """Let a kernel write down calls that `powergrid.kernels.recording.record` asks for.

    Numba asks for arguments of types that it has not met before, so other calls cost nothing more.
    """
    compile_for = compiled._compile_for_args

    def compile_or_record(*arguments: Any, **named: Any) -> Any:
        return recorded_by(compiled, arguments) or compile_for(*arguments, **named)

    compiled._compile_for_args = compile_or_record


def lanes(first: int, last: int) -> range:
    """Return the lanes ``first .. last - 1``, as unsigned numbers; for use within kernels.

    A signed index may count from the end, and the test for that keeps a loop from being
    vectorised. Without it loops take a quarter of the time.
    """
    return range(np.uint64(first), np.uint64(last))


register_jitable(lanes)
