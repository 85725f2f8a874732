"""Dataclasses of arrays and plain values as bytes, and back, without pickle.

The bytes are an NPZ archive: the arrays, and a manifest in JSON that says how they belong together.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["decode", "encode"]

MANIFEST = "manifest"


def encode(value: Any) -> bytes:
    """Return a value as bytes.

    Parameters
    ----------
    value
        Dataclasses, mappings with string keys, sequences, arrays of numbers, slices without step,
        strings, numbers, booleans and None, in any depth. A dataclass counts by the fields that its
        constructor takes.

    Raises
    ------
    TypeError
        For anything else.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_tree(value, arrays))
    arrays[MANIFEST] = np.frombuffer(text.encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # its stub takes them for options
    return stream.getvalue()


def decode(content: bytes, classes: Sequence[type]) -> Any:
    """Return what was encoded; sequences come back as tuples, mappings as dicts.

    Parameters
    ----------
    content : bytes
        From `encode`.
    classes : sequence of type
        The dataclasses that may occur; no others are made.

    Raises
    ------
    ValueError, KeyError, TypeError, zipfile.BadZipFile
        If these are no such bytes.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    tree = json.loads(arrays[MANIFEST].tobytes())
    return _value(tree, arrays, {cls.__name__: cls for cls in classes})


def _tree(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"an array of {value.dtype} cannot be encoded without pickle")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop]}
    if is_dataclass(value) and not isinstance(value, type):
        known = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return {"class": type(value).__name__, "fields": _items(known, arrays)}
    if isinstance(value, Mapping):
        return {"map": _items(value, arrays)}
    if isinstance(value, list | tuple):
        return [_tree(entry, arrays) for entry in value]
    raise TypeError(f"{value!r} is {type(value).__name__}, which has no encoding")


def _items(entries: Mapping[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    for key in entries:
        if not isinstance(key, str):
            raise TypeError(f"the key {key!r} is {type(key).__name__}, expected a string")
    return {key: _tree(entry, arrays) for key, entry in entries.items()}


def _value(tree: Any, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type]) -> Any:
    if isinstance(tree, list):
        return tuple(_value(entry, arrays, classes) for entry in tree)
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return arrays[tree["array"]]
    if "slice" in tree:
        return slice(*tree["slice"])
    if "map" in tree:
        return {key: _value(entry, arrays, classes) for key, entry in tree["map"].items()}
    known = {key: _value(entry, arrays, classes) for key, entry in tree["fields"].items()}
    return classes[tree["class"]](**known)
