"""Infos of lanes: kept as arrays, shown as RLlib's episodes show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.rllib.env.utils.infinite_lookback_buffer import InfiniteLookbackBuffer

__all__ = ["InfoBuffer", "InfoGroup", "InfoPacker"]

Array = NDArray[Any]
FINAL = "final_"
RUNNING = "episode_"  # sums over the episode so far, which its steps' infos add up to


@dataclass(frozen=True)
class InfoGroup:
    """Infos of one type and shape, which one array holds, (..., len(names), *shape)."""

    dtype: str
    shape: tuple[int, ...]
    names: tuple[str, ...]


class InfoPacker:
    """Copy the infos of a step into few arrays.

    Parameters
    ----------
    n_lane, n_agent : int
        Size of the environment.
    """

    def __init__(self, n_lane: int, n_agent: int) -> None:
        self._n_lane, self._n_agent = n_lane, n_agent
        self._groups: dict[tuple[tuple[str, str, tuple[int, ...]], ...], list[InfoGroup]] = {}

    def __call__(
        self, infos: Mapping[str, Any], over: NDArray[np.bool_], is_same_step: bool
    ) -> dict[InfoGroup, Array]:
        """Return copies, (n_lane * n_agent, n_name, ...) each.

        Parameters
        ----------
        infos : mapping
            Of a `VectorMultiAgentEnv`.
        over : ndarray of bool, (n_lane,)
            Lanes whose episode ended in this step.
        is_same_step : bool
            Whether these have begun another one already.
        """
        told = {
            name: values
            for name, values in infos.items()
            if not name.startswith((FINAL, RUNNING)) and isinstance(values, np.ndarray)
        }
        signature = tuple((n, v.dtype.str, self._shape(v)) for n, v in told.items())
        if signature not in self._groups:  # the same in every step, or nearly so
            self._groups[signature] = _grouped(signature)
        packed: dict[InfoGroup, Array] = {}
        for group in self._groups[signature]:
            block = np.empty(
                (self._n_lane, self._n_agent, len(group.names), *group.shape), group.dtype
            )
            for k, name in enumerate(group.names):
                values = told[name]
                block[:, :, k] = values if self._is_by_agent(values) else values[:, np.newaxis]
                if is_same_step and FINAL + name in infos and over.any():
                    last = infos[FINAL + name][over]
                    by_agent = self._is_by_agent(infos[FINAL + name])
                    block[over, :, k] = last if by_agent else last[:, np.newaxis]
            packed[group] = block.reshape(self._n_lane * self._n_agent, *block.shape[2:])
        return packed

    def _is_by_agent(self, values: Array) -> bool:
        return values.ndim > 1 and values.shape[1] == self._n_agent

    def _shape(self, values: Array) -> tuple[int, ...]:
        return tuple(values.shape[2 if self._is_by_agent(values) else 1 :])


def _grouped(signature: Sequence[tuple[str, str, tuple[int, ...]]]) -> list[InfoGroup]:
    by_kind: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for name, dtype, shape in signature:
        by_kind.setdefault((dtype, shape), []).append(name)
    return [InfoGroup(dtype, shape, tuple(names)) for (dtype, shape), names in by_kind.items()]


class InfoBuffer(InfiniteLookbackBuffer):
    """Infos of one agent in one episode: dicts that are made when somebody asks for them.

    Who does not ask, which is nearly everybody, does not pay.

    Parameters
    ----------
    arrays : mapping
        By group, (n_step, n_name, ...).
    n_step : int
        Number of steps that they tell of.
    has_first : bool
        Whether the first observation is that of a reset, whose info is empty. Otherwise the first
        step's info belongs to it.
    lookback : int
        See `InfiniteLookbackBuffer`.
    """

    def __init__(
        self, arrays: Mapping[InfoGroup, Array], n_step: int, *, has_first: bool, lookback: int
    ) -> None:
        self._arrays = dict(arrays)
        self._n_step = n_step
        self._has_first = has_first
        self._made: list[dict[str, Any]] | None = None
        self._appended: list[dict[str, Any]] = []
        # Not by RLlib's constructor, which would ask for all of them.
        self.finalized = False
        self.lookback = lookback
        self._space = self._space_struct = None

    @property
    def data(self) -> list[dict[str, Any]]:
        """The dicts themselves."""
        if self._made is None:
            first: list[dict[str, Any]] = [{}] if self._has_first else []
            self._made = [*first, *map(self._make, range(self._n_step)), *self._appended]
            self._appended = []
        return self._made

    @data.setter
    def data(self, value: list[dict[str, Any]]) -> None:
        self._made = value

    def len_incl_lookback(self) -> int:
        """Return the number of dicts, without making them."""
        if self._made is not None:
            return len(self._made)
        return self._has_first + self._n_step + len(self._appended)

    def column(self, name: str) -> Array | None:
        """Return the values of one entry, (n_step, ...), lookback included.

        None if there is no such entry, or if somebody has worked on the dicts.
        """
        if self._made is not None or self._appended:
            return None
        for group, array in self._arrays.items():
            if name in group.names:
                return array[:, group.names.index(name)]
        return None

    def append(self, item: dict[str, Any]) -> None:
        """Add a dict at the end."""
        (self._appended if self._made is None else self._made).append(item)

    def get(self, indices: Any = None, **options: Any) -> Any:
        """Return dicts; the last one alone without making the others."""
        if self._made is None and indices == -1 and not options:
            if self._appended:
                return self._appended[-1]
            return self._make(self._n_step - 1) if self._n_step else {}
        return super().get(indices, **options)

    def _make(self, step: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for group, array in self._arrays.items():
            values = array[step]
            if not group.shape:
                made.update(zip(group.names, values.tolist(), strict=True))
            else:
                made.update(zip(group.names, values, strict=True))
        return made
