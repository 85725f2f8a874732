"""Calls of compiled kernels that need no interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba import typeof
from numba.core import types
from numpy.typing import NDArray

__all__ = ["NativeCall", "Trampolines", "native_call"]

# LLVM's type of a scalar argument. An array is handed over as integers of this width alone.
WORD = "i64"
SCALARS = {
    types.int64: WORD,
    types.int32: "i32",
    types.float64: "double",
    types.boolean: "i8",
}


@dataclass(frozen=True)
class NativeCall:
    """A compiled kernel with its arguments, but the lanes, as it wants them.

    Attributes
    ----------
    kernel, arguments
        As in Python.
    address : int
        Of the kernel's machine code.
    signature : tuple[str, ...]
        LLVM types of the arguments.
    words : ndarray of int64, (n_argument,)
        Their values, 8 bytes each. Valid while this object lives, which holds the arrays.
    """

    kernel: Any
    arguments: tuple[Any, ...]
    address: int
    signature: tuple[str, ...]
    words: NDArray[np.int64]


def native_call(kernel: Any, arguments: Sequence[Any]) -> NativeCall | None:
    """Return a call of a kernel, None if it has arguments or a result of other types.

    The kernel is loaded or compiled for these arguments and two int64, the lanes. What is used of
    Numba: where it keeps the machine code, and its calling convention, that arguments follow the
    addresses of the result and of an exception, an array as (owner, parent, number of items, size
    of an item, data, shape, strides); see "Notes on Numba's calling convention" in its manual.
    """
    type_of: Any = typeof
    found = (*(type_of(value) for value in arguments), types.int64, types.int64)
    signature: list[str] = []
    values: list[Any] = []
    for of_type, value in zip(found, arguments, strict=False):
        if isinstance(of_type, types.Array):
            # Kernels own nothing: no owner whose references they would count.
            address = value.__array_interface__["data"][0]
            words = [0, 0, value.size, value.itemsize, address, *value.shape, *value.strides]
            signature += [WORD] * len(words)
            values += words
        elif of_type in SCALARS:
            signature.append(SCALARS[of_type])
            values.append(value)
        else:
            return None
    kernel.compile(found)
    compiled = kernel.overloads[found]
    if compiled.objectmode or compiled.signature.return_type != types.none:
        return None
    table = np.zeros(len(values), np.int64)
    for k, (kind, value) in enumerate(zip(signature, values, strict=True)):
        if kind == "double":
            table.view(np.float64)[k] = value
        else:
            table[k] = value
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return NativeCall(kernel, tuple(arguments), address, tuple(signature), table)


class Trampolines:
    """Machine code that calls kernels of given signatures with arguments from a table.

    ``int32 enter(kernel, arguments, first, last)``, four int64, two of them addresses, returns 0 if
    the kernel raised nothing. LLVM knows how the platform hands over arguments of any number and
    type; C++ would need a function of its own for each signature.
    """

    def __init__(self, signatures: Sequence[tuple[str, ...]]) -> None:
        names = {signature: f"enter{k}" for k, signature in enumerate(dict.fromkeys(signatures))}
        module = llvm.parse_assembly(
            "\n".join(_trampoline(name, signature) for signature, name in names.items())
        )
        # Numba has done so, except with NUMBA_DISABLE_JIT. It may be done twice.
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(opt=0)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        self._address: dict[tuple[str, ...], int] = {
            signature: self._engine.get_function_address(name) for signature, name in names.items()
        }

    def address(self, signature: tuple[str, ...]) -> int:
        """Return the address of `enter` for a signature. It is valid while this object lives."""
        return self._address[signature]


def _trampoline(name: str, signature: tuple[str, ...]) -> str:
    parameters = ", ".join(["i64*", "i64*", *signature, WORD, WORD])
    lines = [
        f"define i32 @{name}(i64 %kernel, i64 %arguments, i64 %first, i64 %last) {{",
        "%result = alloca i64",
        "%exception = alloca i64",
        "store i64 0, i64* %exception",
        f"%callee = inttoptr i64 %kernel to i32 ({parameters})*",
    ]
    for k, kind in enumerate(signature):
        lines += [
            f"%address{k} = add i64 %arguments, {8 * k}",
            f"%place{k} = inttoptr i64 %address{k} to {kind}*",
            f"%value{k} = load {kind}, {kind}* %place{k}",
        ]
    values = ", ".join(
        [
            *("i64* %result", "i64* %exception"),
            *(f"{kind} %value{k}" for k, kind in enumerate(signature)),
            *("i64 %first", "i64 %last"),
        ]
    )
    lines += [f"%status = call i32 %callee({values})", "ret i32 %status", "}"]
    return "\n".join(lines)
