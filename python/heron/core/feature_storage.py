"""The flat array in which a block keeps its values, and moving it elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from heron.core.feature_layout import Layout, Shape

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FieldStorage"]


class FieldStorage:
    """Keep the fields of a dataclass in one float64 array, in field order.

    The base of `heron.core.feature.FeatureBlock`.
    """

    # Set through the instance's __dict__, so that frozen dataclasses work too.
    _values: np.ndarray  # float64, (size,)
    _memory: memoryview  # of _values
    _starts: tuple[int, ...]  # position of each field's first value, (n_field + 1,)
    _arrays: dict[str, np.ndarray]  # views of _values
    _is_bound: bool

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Set up the storage, before the dataclass's own ``__init__`` fills it."""
        self = super().__new__(cls)
        layout = cls._layout()
        shapes = tuple((0,) for _ in layout.array_names)
        self._attach(np.zeros(layout.starts(shapes)[-1]), shapes, is_bound=False)
        return self

    @classmethod
    def _layout(cls) -> Layout:
        """Return the layout of the class's fields."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """Number of values, arrays counted by element."""
        return self._values.size

    @property
    def is_bound(self) -> bool:
        """Whether the values live in an array given to `bind`."""
        return self._is_bound

    def bind(self, values: np.ndarray) -> None:
        """Copy the present values into `values` and use it as storage from then on.

        Array fields keep their shape afterwards.

        Parameters
        ----------
        values
            Writable float64 array or view, strided if need be, such as one lane of a table,
            ``values[slots, lane]``; shape (size,). The block keeps a reference to it.
        """
        if values.dtype != np.float64 or values.shape != (self.size,):
            raise ValueError(
                f"{type(self).__name__} cannot be bound to {values.dtype} of shape {values.shape}; "
                f"expected float64 of shape ({self.size},)"
            )
        values[:] = self._values
        self._attach(values, self._shapes(), is_bound=True)

    def restore(self, values: np.ndarray) -> None:
        """Take over all values, as `to_array` gave them; (size,), not checked."""
        self._values[:] = values

    def _shapes(self) -> tuple[Shape, ...]:
        return tuple(array.shape for array in self._arrays.values())

    def _attach(self, values: np.ndarray, shapes: tuple[Shape, ...], *, is_bound: bool) -> None:
        layout = self._layout()
        starts = layout.starts(shapes)
        of_name = {name: k for k, name in enumerate(layout.names)}
        arrays = {
            name: values[starts[of_name[name]] : starts[of_name[name] + 1]].reshape(shape)
            for name, shape in zip(layout.array_names, shapes, strict=True)
        }
        self.__dict__.update(
            _values=values,
            _memory=values.data,
            _starts=starts,
            _arrays=arrays,
            _is_bound=is_bound,
        )

    def _set_array(self, name: str, value: Any) -> None:
        new = np.atleast_1d(np.asarray(value, dtype=np.float64))
        present = self._arrays[name]
        if new.shape == present.shape:
            present[...] = new
            return
        if self._is_bound:
            raise ValueError(
                f"{type(self).__name__}.{name} has shape {new.shape}, expected {present.shape}: "
                "the block is bound to a table, where arrays keep their shape"
            )
        arrays = {**self._arrays, name: new.copy()}
        layout = self._layout()
        parts = [
            arrays[n].ravel() if n in arrays else self._values[start : start + 1]
            for n, start in zip(layout.names, self._starts, strict=False)
        ]
        shapes = tuple(array.shape for array in arrays.values())
        self._attach(np.concatenate(parts), shapes, is_bound=False)

    def __eq__(self, other: object) -> bool:
        """Compare kind, shapes and values; where the values live does not matter."""
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, FieldStorage)
        return self._shapes() == other._shapes() and np.array_equal(self._values, other._values)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        """Return the values and extra attributes; a copy is unbound."""
        state = {
            k: v for k, v in self.__dict__.items() if k not in ("_memory", "_starts", "_arrays")
        }
        state["_values"] = self._values.copy()
        state["_shapes_of_arrays"] = self._shapes()
        state["_is_bound"] = False
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` gave."""
        extra = dict(state)
        values, shapes = extra.pop("_values"), extra.pop("_shapes_of_arrays")
        self.__dict__.update(extra)
        self._attach(values, shapes, is_bound=False)
