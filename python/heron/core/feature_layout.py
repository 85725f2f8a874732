"""Where each field of a feature block lies in the block's flat array.

A block keeps every value in one float64 array, in field order. Reading or writing a field goes
through a property that this module makes once per class. Scalars use a memoryview of the array,
because indexing that yields a Python float at about half the cost of indexing the array itself.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["METADATA", "Layout", "Shape", "keep_redeclared_defaults", "make_layout"]

Shape = tuple[int, ...]

# Names that describe a block and are never values of it, even if declared as dataclass fields.
METADATA = frozenset({"visibility", "feature_name"})

_KINDS: dict[Any, str] = {float: "float", int: "int", bool: "bool", np.ndarray: "array"}
_KINDS_OF_TEXT = {"float": "float", "int": "int", "bool": "bool"}


class Layout(NamedTuple):
    """Names and kinds of the fields of one class, in order."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]  # "float", "int", "bool" or "array"
    fields: tuple[dataclasses.Field[Any], ...]

    @property
    def array_names(self) -> tuple[str, ...]:
        """Names of the array-valued fields."""
        return tuple(n for n, k in zip(self.names, self.kinds, strict=True) if k == "array")

    def starts(self, shapes: tuple[Shape, ...]) -> tuple[int, ...]:
        """Return the first position of each field, and the total size at the end."""
        remaining = iter(shapes)
        starts = [0]
        for kind in self.kinds:
            starts.append(starts[-1] + (math.prod(next(remaining)) if kind == "array" else 1))
        return tuple(starts)

    def default_shapes(self) -> tuple[Shape, ...]:
        """Return the shapes that the array fields have by default, (0,) without a default."""
        return tuple(
            _default_shape(f) for f, k in zip(self.fields, self.kinds, strict=True) if k == "array"
        )


class _Field(property):
    """A property of a class made here; remembers the default that it took the place of."""

    default: Any = dataclasses.MISSING

    def __reduce__(self) -> tuple[Callable[..., _Field], tuple[Any, ...]]:
        """Let a class of a script or notebook travel to other processes, as cloudpickle does it."""
        default = () if self.default is dataclasses.MISSING else (self.default,)
        return _field, (self.fget, self.fset, self.__doc__, *default)


def _field(get: Any, set_: Any, doc: str | None, default: Any = dataclasses.MISSING) -> _Field:
    descriptor = _Field(get, set_, doc=doc)
    descriptor.default = default
    return descriptor


def make_layout(cls: type, base: type) -> Layout:
    """Work out the layout of a dataclass and put one property per field on it.

    Done when the first instance is made, because the dataclass decorator runs after the class
    statement and needs the plain defaults in the class.

    Raises
    ------
    TypeError
        If annotated fields lack the dataclass decorator, a field is of a type that is not a
        number or an array, or its name is one that every block uses.
    """
    _require_decorator(cls, base)
    all_fields = getattr(cls, "__dataclass_fields__", {})
    # Pseudo-fields (ClassVar, InitVar) are in __dataclass_fields__ but not among fields().
    fields = tuple(
        f for f in (dataclasses.fields(cls) if all_fields else ()) if f.name not in METADATA
    )
    hints = _resolved_annotations(cls)
    kinds = tuple(_kind(cls, f.name, hints.get(f.name, f.type)) for f in fields)
    layout = Layout(tuple(f.name for f in fields), kinds, fields)
    first_array = kinds.index("array") if "array" in kinds else len(kinds)
    for k, (field, kind) in enumerate(zip(fields, kinds, strict=True)):
        if hasattr(base, field.name) or field.name.startswith("_"):
            raise TypeError(
                f"{cls.__name__}.{field.name}: every feature block uses this name, or names that "
                "start with an underscore, itself; rename the field"
            )
        # Behind an array the position depends on the instance's array lengths.
        is_fixed = k < first_array
        if kind == "array":
            get, set_ = _array_accessors(field.name)
        else:
            get, set_ = _SCALAR_ACCESSORS[kind](k, field.name, is_fixed)
        doc = f"Value of the field {field.name!r}."
        setattr(cls, field.name, _field(get, set_, doc, field.default))
    return layout


def keep_redeclared_defaults(cls: type) -> None:
    """Give a subclass that annotates an inherited field anew the inherited default.

    Without this the dataclass decorator would take the parent's property for the default.
    """
    for name in inspect.get_annotations(cls):
        inherited = getattr(cls, name, None)
        if name not in cls.__dict__ and isinstance(inherited, _Field):
            if inherited.default is dataclasses.MISSING:
                raise TypeError(
                    f"{cls.__name__}.{name} is declared anew without a default; give it one"
                )
            setattr(cls, name, inherited.default)


def _require_decorator(cls: type, base: type) -> None:
    for klass in cls.__mro__:
        if klass is base or not issubclass(klass, base) or "__dataclass_fields__" in vars(klass):
            continue
        annotations = inspect.get_annotations(klass)
        bare = [n for n, a in annotations.items() if "ClassVar" not in str(a) and n not in METADATA]
        if bare:
            raise TypeError(
                f"{klass.__name__} declares {', '.join(bare)} but is no dataclass; "
                "put @dataclass above the class"
            )


def _resolved_annotations(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError, AttributeError):
        # An annotation names something that exists only for a type checker; its text decides.
        return {}


def _kind(cls: type, name: str, annotation: Any) -> str:
    if isinstance(annotation, str):
        text = annotation
        kind = _KINDS_OF_TEXT.get(text)
    else:
        origin = typing.get_origin(annotation) or annotation
        text = str(annotation)
        kind = _KINDS.get(origin)
        if kind is None and isinstance(origin, type) and issubclass(origin, np.floating):
            kind = "float"
        elif kind is None and isinstance(origin, type) and issubclass(origin, np.integer):
            kind = "int"
    if kind is None and ("ndarray" in text or "NDArray" in text) and "None" not in text:
        kind = "array"
    if kind is None:
        raise TypeError(
            f"{cls.__name__}.{name} is annotated {text}; a feature is a float, int, bool or "
            "np.ndarray (use ClassVar for what describes the block)"
        )
    return kind


def _default_shape(field: dataclasses.Field[Any]) -> Shape:
    if field.default_factory is not dataclasses.MISSING:
        return np.atleast_1d(np.asarray(field.default_factory(), dtype=np.float64)).shape
    if field.default is not dataclasses.MISSING:
        return np.atleast_1d(np.asarray(field.default, dtype=np.float64)).shape
    return (0,)


# --- accessors -------------------------------------------------------------------------------
# One closure per field: a general accessor with a look-up would double the cost of a read.

Accessors = tuple[Callable[[Any], Any], Callable[[Any, Any], None]]


def _float_accessors(k: int, name: str, is_fixed: bool) -> Accessors:
    def get_fixed(self: Any) -> float:
        return self._memory[k]  # type: ignore[no-any-return]

    def set_fixed(self: Any, value: float) -> None:
        try:
            self._memory[k] = value
        except TypeError:
            raise _not_a_number(self, name, value) from None

    def get_shifted(self: Any) -> float:
        return self._memory[self._starts[k]]  # type: ignore[no-any-return]

    def set_shifted(self: Any, value: float) -> None:
        try:
            self._memory[self._starts[k]] = value
        except TypeError:
            raise _not_a_number(self, name, value) from None

    return (get_fixed, set_fixed) if is_fixed else (get_shifted, set_shifted)


def _int_accessors(k: int, name: str, is_fixed: bool) -> Accessors:
    get_float, set_float = _float_accessors(k, name, is_fixed)

    def get(self: Any) -> int:
        return int(get_float(self))

    def set_(self: Any, value: float) -> None:
        try:
            is_whole = float(value).is_integer()
        except (TypeError, ValueError):
            raise _not_a_number(self, name, value) from None
        if not is_whole:
            raise ValueError(f"{type(self).__name__}.{name} is {value!r}; expected a whole number")
        set_float(self, value)

    return get, set_


def _bool_accessors(k: int, name: str, is_fixed: bool) -> Accessors:
    get_float, set_float = _float_accessors(k, name, is_fixed)

    def get(self: Any) -> bool:
        return bool(get_float(self))

    def set_(self: Any, value: bool) -> None:
        set_float(self, 1.0 if value else 0.0)

    return get, set_


def _array_accessors(name: str) -> Accessors:
    def get(self: Any) -> np.ndarray:
        return self._arrays[name]  # type: ignore[no-any-return]

    def set_(self: Any, value: Any) -> None:
        self._set_array(name, value)

    return get, set_


_SCALAR_ACCESSORS = {
    "float": _float_accessors,
    "int": _int_accessors,
    "bool": _bool_accessors,
}


def _not_a_number(block: Any, name: str, value: object) -> TypeError:
    return TypeError(
        f"{type(block).__name__}.{name} is {value!r} ({type(value).__name__}); expected a number"
    )
