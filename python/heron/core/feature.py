"""Feature blocks: named groups of observable values that live in one flat array.

>>> from dataclasses import dataclass
>>> @dataclass
... class Battery(FeatureBlock):
...     visibility = ["owner", "upper_level"]
...     soc: float = 0.5
...     is_online: bool = True
>>> block = Battery(soc=0.8)
>>> block.to_array(), block.names()
(array([0.8, 1. ]), ['soc', 'is_online'])
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from heron.core.feature_layout import Layout, Shape, keep_redeclared_defaults, make_layout
from heron.core.feature_storage import FieldStorage
from heron.core.visibility import VISIBILITY_TAGS, is_visible
from heron.errors import ConfigError, nearest

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["VISIBILITY_TAGS", "FeatureBlock", "FeatureProvider"]


class FeatureBlock(FieldStorage):
    """A named group of values that agents observe.

    Subclass it as a dataclass whose fields are annotated ``float``, ``int``, ``bool`` or
    ``np.ndarray``. All values are kept as float64 in one array, in field order; attribute access
    reads and writes that array. ``bind`` moves a block into an array that someone else owns, such
    as a `heron.core.feature_table.FeatureTable`.

    Attributes
    ----------
    visibility
        Tags that say who may observe the block; one that allows it is enough. "owner": the agent
        that has it. "upper_level": agents exactly one level above the owner. "system": agents of
        level 3 and up. "public": everyone.
    feature_name
        Name of the kind of feature; the class name unless the class says otherwise.

    Notes
    -----
    Arrays are handed out as views and copied in on assignment. A view is good until an array of
    another shape is assigned to any field of an unbound block, or until the block is bound.
    """

    visibility: ClassVar[Sequence[str]] = ["owner"]
    feature_name: ClassVar[str] = "FeatureBlock"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "feature_name" not in cls.__dict__:
            cls.feature_name = cls.__name__
        if "__eq__" not in cls.__dict__:
            # Keeps the dataclass decorator from adding one that fails on arrays.
            cls.__eq__ = FeatureBlock.__eq__  # type: ignore[method-assign]
        keep_redeclared_defaults(cls)

    @classmethod
    def _layout(cls) -> Layout:
        layout: Layout | None = cls.__dict__.get("_class_layout")
        if layout is None:
            layout = make_layout(cls, FeatureBlock)
            cls._class_layout = layout  # type: ignore[attr-defined]
        return layout

    # --- values as a whole --------------------------------------------------------------------

    def to_array(self) -> np.ndarray:
        """Return a copy of all values as float64, shape (size,), arrays flattened in place."""
        return self._values.copy()

    def vector(self) -> np.ndarray:
        """Return `to_array()`."""
        return self.to_array()

    @classmethod
    def from_array(cls, arr: Any, *, shapes: Mapping[str, Shape] | None = None) -> Self:
        """Make a block from the values that `to_array` gives.

        Parameters
        ----------
        arr
            The values in field order.
        shapes
            Shape of each array field. Without it they are the default ones, except that a lone
            array field takes whatever the other fields leave.

        Raises
        ------
        ValueError
            If the number of values does not fit.
        """
        layout = cls._layout()
        flat = np.asarray(arr, dtype=np.float64).ravel()
        array_names = layout.array_names
        defaults = dict(zip(array_names, layout.default_shapes(), strict=True))
        _refuse_unknown(cls, shapes or {}, array_names)
        wanted = {**defaults, **(shapes or {})}
        if shapes is None and len(array_names) == 1:
            n_left = flat.size - (len(layout.names) - 1)
            if n_left >= 0 and n_left != math.prod(wanted[array_names[0]]):
                wanted[array_names[0]] = (n_left,)
        starts = layout.starts(tuple(wanted[name] for name in array_names))
        if flat.size != starts[-1]:
            hint = f" with arrays of shape {wanted}; pass shapes=" if array_names else ""
            raise ValueError(
                f"{cls.__name__}.from_array got {flat.size} values, expected {starts[-1]}{hint}"
            )
        values: dict[str, Any] = {}
        for k, (name, kind) in enumerate(zip(layout.names, layout.kinds, strict=True)):
            piece = flat[starts[k] : starts[k + 1]]
            values[name] = piece.reshape(wanted[name]) if kind == "array" else float(piece[0])
        return cls.from_dict(values)

    def names(self) -> list[str]:
        """Name every value: "p_MW" for a scalar, "vm_pu[3]" for an element of an array."""
        names: list[str] = []
        for name in self._layout().names:
            if name in self._arrays:
                indices = np.ndindex(self._arrays[name].shape)
                names += [f"{name}[{','.join(map(str, index))}]" for index in indices]
            else:
                names.append(name)
        return names

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name; arrays are copies."""
        values = {name: getattr(self, name) for name in self._layout().names}
        return {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a block from fields by name; those left out keep their defaults."""
        layout = cls._layout()
        _refuse_unknown(cls, values, layout.names)
        of_init = {f.name for f in layout.fields if f.init}
        block = cls(**{n: v for n, v in values.items() if n in of_init})
        block.set_values(**{n: v for n, v in values.items() if n not in of_init})
        return block

    def set_values(self, **values: Any) -> None:
        """Set fields by name: all of them, or none if one is refused.

        Raises
        ------
        ConfigError
            If a name is not a field; the message names the nearest one.
        """
        _refuse_unknown(type(self), values, self._layout().names)
        before, shapes = self._values.copy(), self._shapes()
        try:
            for name, value in values.items():
                setattr(self, name, value)
        except (TypeError, ValueError):
            if self._is_bound:
                self._values[:] = before
            else:
                self._attach(before, shapes, is_bound=False)
            raise

    # --- who may see it -----------------------------------------------------------------------

    def is_observable_by(
        self,
        requestor_id: str | None,
        requestor_level: int,
        owner_id: str | None,
        owner_level: int,
    ) -> bool:
        """Tell whether any tag of `visibility` lets the requestor see this block.

        Levels are 1 for field agents, 2 for coordinators and 3 for the system agent.
        """
        return is_visible(self.visibility, requestor_id, requestor_level, owner_id, owner_level)


FeatureProvider = FeatureBlock


def _refuse_unknown(cls: type, values: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in values:
        if name not in known:
            raise ConfigError(f"{cls.__name__}: {nearest(name, known, kind='field')}")
