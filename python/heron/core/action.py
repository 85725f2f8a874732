"""Actions with a continuous and a discrete part, and the size of an action space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from heron.errors import ConfigError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Action", "action_dim"]


def action_dim(space: spaces.Space[Any]) -> int:
    """Return how many numbers of a flat action belong to `space`.

    A Box counts its length, a Discrete one, a MultiDiscrete or MultiBinary one per component, a
    Dict or Tuple the sum of its parts.

    Raises
    ------
    TypeError
        If the space is of another kind, or a Box of more than one dimension.
    """
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        return int(space.shape[0])
    if isinstance(space, spaces.Discrete):
        return 1
    if isinstance(space, (spaces.MultiDiscrete, spaces.MultiBinary)) and len(space.shape) == 1:
        return int(space.shape[0])
    if isinstance(space, spaces.Dict):
        return sum(action_dim(part) for part in space.spaces.values())
    if isinstance(space, spaces.Tuple):
        return sum(action_dim(part) for part in space.spaces)
    raise TypeError(
        f"{space} has no flat form; expected a one-dimensional Box, Discrete, MultiDiscrete, "
        "MultiBinary, or a Dict or Tuple of these"
    )


class Action:
    """An action: `c`, continuous values within `range`, and `d`, categories.

    Attributes
    ----------
    c
        Continuous part in physical units, float32, shape (dim_c,).
    d
        Discrete part, int32, shape (dim_d,), with ``0 <= d[i] < ncats[i]``.

    Examples
    --------
    >>> action = Action()
    >>> action.set_specs(dim_c=2, range=([0.0, -1.0], [10.0, 1.0]))
    >>> action.set_values(c=[12.0, 0.5])
    >>> action.c.tolist(), action.scale().tolist()
    ([10.0, 0.5], [1.0, 0.5])
    """

    def __init__(self) -> None:
        self.set_specs()

    def set_specs(
        self,
        dim_c: int = 0,
        dim_d: int = 0,
        ncats: int | Sequence[int] | np.ndarray | None = None,
        range: tuple[Any, Any] | np.ndarray | None = None,
    ) -> None:
        """Define both parts and put the action at its neutral value.

        Parameters
        ----------
        dim_c, dim_d
            Lengths of the continuous and the discrete part.
        ncats
            Number of categories of each discrete component, one for all or one each. Needed if
            `dim_d` > 0.
        range
            Lower and upper bound of the continuous part, each a scalar or shape (dim_c,).
            Default: -1 and 1.
        """
        if dim_c < 0 or dim_d < 0:
            raise ConfigError(f"dim_c and dim_d are {dim_c} and {dim_d}; expected none below 0")
        if dim_d and ncats is None:
            raise ConfigError(f"an action with {dim_d} discrete components needs ncats")
        counts = _spread(0 if ncats is None else ncats, dim_d, "ncats", np.int64)
        if np.any(counts < 1):
            raise ConfigError(f"ncats is {counts.tolist()}; expected at least 1 category each")
        low, high = (-1.0, 1.0) if range is None else range
        self._low = _spread(low, dim_c, "the lower bound", np.float32)
        self._high = _spread(high, dim_c, "the upper bound", np.float32)
        if not np.all(self._low <= self._high):
            raise ConfigError(
                f"range is {self._low.tolist()} to {self._high.tolist()}; "
                "expected no lower bound above its upper bound, and no NaN"
            )
        self.dim_c, self.dim_d = dim_c, dim_d
        self.ncats: list[int] = counts.tolist()
        self._space: spaces.Space[Any] | None = None
        self.reset()

    @property
    def range(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of the continuous part, float32, each (dim_c,)."""
        return self._low.copy(), self._high.copy()

    @property
    def space(self) -> spaces.Space[Any]:
        """The space, made at first use: Box, MultiDiscrete, or Dict(c=Box, d=MultiDiscrete)."""
        if self._space is None:
            self._space = self._make_space()
        return self._space

    def _make_space(self) -> spaces.Space[Any]:
        if not self.dim_c + self.dim_d:
            raise ConfigError("the action has no components; call set_specs first")
        box = spaces.Box(self._low, self._high, dtype=np.float32)
        if not self.dim_d:
            return box
        categories = spaces.MultiDiscrete(self.ncats, dtype=np.int32)
        return spaces.Dict(c=box, d=categories) if self.dim_c else categories

    def sample(self, seed: int | None = None) -> Self:
        """Take a random value of the space and return the action itself.

        With a seed the draws start anew from it.
        """
        if seed is not None:
            self.space.seed(seed)
        self.set_values(self.space.sample())
        return self

    def reset(self) -> None:
        """Return to the neutral value: zero, or the bound nearest to it; category 0."""
        self.c = np.clip(np.zeros(self.dim_c, dtype=np.float32), self._low, self._high)
        self.d = np.zeros(self.dim_d, dtype=np.int32)

    def set_values(self, action: Any = None, *, c: Any = None, d: Any = None) -> None:
        """Set both parts or one of them, clipped to range and categories.

        Parameters
        ----------
        action
            Another Action, a mapping with "c" and/or "d", or the flat vector (dim_c + dim_d,).
        c, d
            One part each, in place of `action`.

        Raises
        ------
        ValueError
            If a shape is wrong or a value is not finite; nothing changes then.
        """
        if action is not None:
            if c is not None or d is not None:
                raise TypeError("set_values takes either an action or its parts c and d, not both")
            c, d = self._parts(action)
        new_c = self.c if c is None else _finite(c, self.dim_c, "c")
        new_d = self.d if d is None else _finite(d, self.dim_d, "d")
        self.c = np.clip(new_c, self._low, self._high).astype(np.float32)
        # Rounded, because a category may arrive in a float vector.
        last = np.asarray(self.ncats, dtype=np.float64) - 1.0
        self.d = np.clip(np.rint(new_d), 0.0, last).astype(np.int32)

    def _parts(self, action: Any) -> tuple[Any, Any]:
        if isinstance(action, Action):
            return action.c, action.d
        if isinstance(action, Mapping):
            unknown = set(action) - {"c", "d"}
            if unknown:
                raise ConfigError(f"an action has the parts 'c' and 'd'; got {sorted(unknown)}")
            return action.get("c"), action.get("d")
        flat = _finite(action, self.dim_c + self.dim_d, "action")
        return flat[: self.dim_c], flat[self.dim_c :]

    def clip(self) -> Self:
        """Bring `c` and `d`, which may have been written to, within bounds; return the action."""
        self.set_values(c=self.c, d=self.d)
        return self

    def scale(self) -> np.ndarray:
        """Return `c` mapped from `range` to [-1, 1], float32; 0 where the range is a point."""
        width = self._width()
        unit = np.divide(self.c - self._low, width, out=np.full_like(self.c, 0.5), where=width > 0)
        scaled: np.ndarray = (2.0 * unit - 1.0).astype(np.float32)
        return scaled

    def unscale(self, x: Any) -> np.ndarray:
        """Set `c` from values in [-1, 1] (clipped to that), and return it in physical units."""
        unit = (np.clip(_finite(x, self.dim_c, "x"), -1.0, 1.0) + 1.0) / 2.0
        self.set_values(c=self._low + unit * self._width())
        return self.c.copy()

    def _width(self) -> np.ndarray:
        width: np.ndarray = self._high - self._low
        if not np.all(np.isfinite(width)):
            raise ConfigError("an action with an infinite range cannot be scaled; give it bounds")
        return width

    def vector(self) -> np.ndarray:
        """Return `c` and `d` in one flat float32 array, shape (dim_c + dim_d,)."""
        return np.concatenate([self.c, self.d]).astype(np.float32)

    def copy(self) -> Self:
        """Return an independent action of equal specification and values."""
        other = type(self)()
        other.set_specs(self.dim_c, self.dim_d, self.ncats, self.range)
        other.set_values(c=self.c, d=self.d)
        return other

    @classmethod
    def from_vector(
        cls,
        vec: Any,
        dim_c: int,
        dim_d: int = 0,
        ncats: int | Sequence[int] | np.ndarray | None = None,
        range: tuple[Any, Any] | np.ndarray | None = None,
    ) -> Self:
        """Make an action of the given specification from its flat vector."""
        action = cls()
        action.set_specs(dim_c, dim_d, ncats, range)
        action.set_values(vec)
        return action

    @classmethod
    def from_gym_space(cls, space: spaces.Space[Any]) -> Self:
        """Make an action for a Box, Discrete, MultiDiscrete, or Dict(c=..., d=...) space.

        Raises
        ------
        TypeError
            If the space is of another kind or does not count from 0.
        """
        if isinstance(space, spaces.Dict) and set(space.spaces) <= {"c", "d"} and space.spaces:
            parts: dict[str, Any] = dict(space.spaces)
        elif isinstance(space, spaces.Box):
            parts = {"c": space}
        else:
            parts = {"d": space}
        box, categories = parts.get("c"), parts.get("d")
        if isinstance(categories, spaces.Discrete):
            counts, first = np.array([categories.n]), np.array([categories.start])
        elif isinstance(categories, spaces.MultiDiscrete) and len(categories.shape) == 1:
            counts, first = categories.nvec, categories.start
        elif categories is None:
            counts, first = np.zeros(0, dtype=np.int64), np.zeros(0)
        else:
            raise TypeError(f"{space} is no Box, Discrete, MultiDiscrete, or Dict of c and d")
        if np.any(first != 0):
            raise TypeError(f"{categories} counts from {first}; an action counts from 0")
        if box is not None and (not isinstance(box, spaces.Box) or len(box.shape) != 1):
            raise TypeError(f"the continuous part is {box}; expected a one-dimensional Box")
        action = cls()
        bounds = None if box is None else (box.low, box.high)
        action.set_specs(0 if box is None else box.shape[0], counts.size, counts, bounds)
        return action

    def __repr__(self) -> str:
        return f"Action(c={self.c.tolist()}, d={self.d.tolist()})"


def _spread(value: Any, n: int, what: str, dtype: Any) -> np.ndarray:
    array = np.asarray(value, dtype=dtype)
    if array.shape not in ((), (n,)):
        raise ConfigError(f"{what} has shape {array.shape}, expected () or ({n},)")
    return np.broadcast_to(array, (n,)).copy()


def _finite(values: Any, n: int, what: str) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.shape != (n,):
        raise ValueError(f"{what} has shape {array.shape}, expected ({n},)")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{what} is {array.tolist()}; expected finite values")
    return array
