"""Reading pickles that can hold data only.

A pickle is a program: by naming a callable it can run anything. This reader knows the few
names that NumPy arrays and numbers are written with, and puts its own harmless builders in their
place. NumPy's own reconstruction code is never reached, since a crafted array state could corrupt
memory there. Every other name is refused.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from heron.errors import ConfigError

#: dtype codes that may appear: booleans, integers, floats and complex numbers.
_NUMBER_KINDS = "biufc"
_MAX_DEPTH = 32


class RefusedPickleError(ConfigError, pickle.UnpicklingError):
    """A pickle names something that is not plain data, or is not a valid pickle."""


def load(stream: IO[bytes]) -> Any:
    """Read one pickle made of dicts, lists, tuples, strings, numbers, None and NumPy arrays.

    Parameters
    ----------
    stream : binary file
        Where to read; any pickle protocol, written with NumPy 1 or 2.

    Returns
    -------
    object
        The data, with arrays as new ``numpy.ndarray``.

    Raises
    ------
    RefusedPickleError
        If the pickle names any other class or function (the message names it), holds any other
        kind of object, nests deeper than 32 levels, or is damaged.
    """
    try:
        content = _DataUnpickler(stream).load()
    except RefusedPickleError:
        raise
    except (
        pickle.UnpicklingError,
        EOFError,
        LookupError,  # damaged memo or stack
        TypeError,  # a builder called with what it does not take
        ValueError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise RefusedPickleError(f"not a readable pickle of plain data: {error}") from error
    return _plain(content, 0, {})


def loads(content: bytes) -> Any:
    """Read one pickle from bytes; see `load`."""
    return load(io.BytesIO(content))


class _Builder:
    """Stands for a callable that the pickle names; cannot be altered by the pickle."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build

    def __call__(self, *args: Any) -> Any:
        return self._build(*args)

    def __setstate__(self, state: Any) -> None:
        raise RefusedPickleError("the pickle tries to alter a function")


class _DType:
    """A number type as pickles write it: a code, then a state that holds the byte order."""

    __slots__ = ("value",)

    def __init__(self, code: Any, *_flags: Any) -> None:
        if not isinstance(code, str) or code[:1] not in _NUMBER_KINDS or not code[1:].isdigit():
            raise RefusedPickleError(
                f"array of dtype {code!r}: only booleans, integers, floats and complex numbers "
                "are read"
            )
        self.value = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, subarray, names, fields, size, alignment, flags)
        byte_order = state[1]
        if byte_order not in ("<", ">", "=", "|") or any(part is not None for part in state[2:5]):
            raise RefusedPickleError(f"array dtype with state {state!r} is not a plain number type")
        self.value = self.value.newbyteorder(byte_order)


class _Array:
    """An array as pickles write it: an empty one, then a state that holds shape and bytes."""

    __slots__ = ("value",)

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, is_fortran, content = state
        self.value = _from_bytes(content, dtype, shape, "F" if is_fortran else "C")


def _from_bytes(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    if not isinstance(dtype, _DType) or not isinstance(content, bytes | bytearray):
        raise RefusedPickleError("an array of the pickle is not made of numbers")
    flat = np.frombuffer(bytes(content), dtype=dtype.value)
    # Native byte order, and memory of its own.
    native = flat.astype(dtype.value.newbyteorder("="))
    return native.reshape(shape, order="F" if order == "F" else "C")


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.value = _from_bytes(content, dtype, shape, order)
    return array


def _scalar(dtype: Any, content: Any) -> Any:
    return _from_bytes(content, dtype, (), "C")[()]


def _encode(text: Any, encoding: Any) -> bytes:
    # How protocols below 3 write bytes; other codecs would be a way to unpack large data.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise RefusedPickleError(f"text encoded as {encoding!r} in the pickle")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    """How protocols below 3 write the bytes of an empty array: ``bytes()``."""
    return b""


def _complex(real: Any, imaginary: Any) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, float):
        raise RefusedPickleError("a complex number of the pickle is not made of two numbers")
    return complex(real, imaginary)


class _DataUnpickler(pickle.Unpickler):
    """An unpickler whose every global is one of the builders above."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 renamed numpy.core to numpy._core, Python 3 renamed __builtin__.
        known = module.replace("numpy._core.", "numpy.core.").replace("__builtin__", "builtins")
        if (known, name) == ("numpy", "ndarray"):
            return "numpy.ndarray"  # only ever an argument of _reconstruct
        builders: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy", "dtype"): _DType,
            ("numpy.core.multiarray", "_reconstruct"): _Array,
            ("numpy.core.multiarray", "scalar"): _scalar,
            ("numpy.core.numeric", "_frombuffer"): _from_buffer,
            ("_codecs", "encode"): _encode,
            ("builtins", "bytes"): _no_bytes,
            ("builtins", "complex"): _complex,
        }
        if (known, name) not in builders:
            raise RefusedPickleError(
                f"the pickle names {module}.{name}; only dicts, lists, tuples, strings, numbers "
                "and NumPy arrays are read. Save the data as NPZ, CSV or Parquet, or load with "
                "trusted=True if you made this file yourself"
            )
        return _Builder(builders[known, name])


def _plain(value: Any, depth: int, seen: dict[int, Any]) -> Any:
    """Replace the stand-ins by arrays and refuse whatever is not plain data."""
    if value is None or isinstance(
        value, bool | int | float | complex | str | np.number | np.bool_
    ):
        return value
    if depth > _MAX_DEPTH:
        raise RefusedPickleError(f"the pickle nests deeper than {_MAX_DEPTH} levels")
    # Shared parts are converted once, so a small file cannot unfold into a huge tree.
    if id(value) in seen:
        return seen[id(value)]
    result: Any
    if type(value) is _Array and value.value is not None:
        result = value.value
    elif type(value) is dict:
        result = {
            _plain(key, depth + 1, seen): _plain(item, depth + 1, seen)
            for key, item in value.items()
        }
    elif type(value) in (list, tuple):
        result = type(value)(_plain(item, depth + 1, seen) for item in value)
    else:
        raise RefusedPickleError(f"the pickle holds a {type(value).__name__}, which is not data")
    seen[id(value)] = result
    return result
