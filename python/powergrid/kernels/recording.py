"""Writing down which kernels a function calls, instead of calling them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["Call", "LanesUsedError", "record", "recorded_by"]

Call = tuple[Any, tuple[Any, ...]]
"""A compiled kernel and its arguments, but the lanes."""


class LanesUsedError(TypeError):
    """A function did something else with its lanes than to hand them to kernels."""


class _Bound:
    """Stands for the first or the last lane; whoever wants to know which gets an error."""

    def __init__(self, calls: list[Call], name: str) -> None:
        self.calls, self.name = calls, name

    def _refuse(self, *_: object) -> NoReturn:
        raise LanesUsedError(f"{self.name} is not known while kernels are written down")

    __index__ = __int__ = __float__ = __bool__ = __hash__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = _refuse


def record(function: Callable[..., Any]) -> list[Call]:
    """Return the calls that ``function(first, last)`` makes, in their order.

    The arguments are those of this moment, so whatever the function decides by must stay as it is.

    Raises
    ------
    LanesUsedError
        If the function does anything else with `first` and `last`: takes slices, loops over them,
        hands them to a function that is not compiled.
    """
    calls: list[Call] = []
    function(_Bound(calls, "first"), _Bound(calls, "last"))
    return calls


def recorded_by(kernel: Any, arguments: tuple[Any, ...]) -> Callable[..., None] | None:
    """Return what writes down a call of `kernel`, None if these arguments are for a true one."""
    bounds = [k for k, value in enumerate(arguments) if type(value) is _Bound]
    if not bounds:
        return None
    n = len(arguments)
    first, last = arguments[-2:] if n >= 2 else (None, None)
    if bounds != [n - 2, n - 1] or (first.name, last.name) != ("first", "last"):
        raise LanesUsedError("a kernel takes the lanes as its last two arguments, first and last")

    def write_down(*_: object) -> None:
        first.calls.append((kernel, arguments[:-2]))

    return write_down
