"""One flat array that holds every feature of every agent of an environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from heron.core.feature import FeatureBlock
from heron.errors import ConfigError, HeronError, nearest

__all__ = ["FeatureTable"]


class FeatureTable:
    """Collect feature blocks, then own their values in one float64 array.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Power(FeatureBlock):
    ...     p_MW: float = 0.0
    >>> table, block = FeatureTable(), Power(2.0)
    >>> table.add_block("MG1/gen1", "electrical", block)
    slice(0, 1, None)
    >>> table.freeze()
    >>> block.p_MW = 3.0
    >>> table.slot_names, table.values
    (['MG1/gen1.electrical.p_MW'], array([3.]))
    """

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str], FeatureBlock] = {}
        self._slices: dict[tuple[str, str], slice] = {}
        self._n_slot = 0
        self._values: np.ndarray | None = None
        self._slot_names: list[str] = []
        self._slot_of_name: dict[str, int] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy: its blocks, which come unbound, are bound to its own array again."""
        self.__dict__.update(state)
        if self._values is not None:
            for key, block in self._blocks.items():
                block.bind(self._values[self._slices[key]])

    def __len__(self) -> int:
        """Return the number of slots."""
        return self._n_slot

    def add_block(self, owner_id: str, name: str, block: FeatureBlock) -> slice:
        """Reserve the next slots for a block and return them.

        The shapes of the block's arrays count from now on.

        Raises
        ------
        ConfigError
            If the owner already has a block of that name.
        HeronError
            If the table is frozen.
        """
        if self._values is not None:
            raise HeronError(f"cannot add {owner_id}.{name}: the table is frozen")
        if (owner_id, name) in self._blocks:
            raise ConfigError(f"{owner_id}.{name} is in the table already; owners need unique ids")
        where = slice(self._n_slot, self._n_slot + block.size)
        self._blocks[owner_id, name] = block
        self._slices[owner_id, name] = where
        self._n_slot = where.stop
        return where

    def freeze(self) -> None:
        """Allocate the array, never to be moved, and bind every block to its part of it."""
        if self._values is not None:
            raise HeronError("the table is frozen already")
        for key, block in self._blocks.items():
            where = self._slices[key]
            if block.size != where.stop - where.start:
                raise HeronError(
                    f"{'.'.join(key)} has {block.size} values, but {where.stop - where.start} "
                    "when it was added; give arrays their final length before add_block"
                )
        self._values = np.zeros(self._n_slot)
        for key, block in self._blocks.items():
            block.bind(self._values[self._slices[key]])
            self._slot_names += [f"{'.'.join(key)}.{field}" for field in block.names()]
        self._slot_of_name = {name: k for k, name in enumerate(self._slot_names)}

    @property
    def is_frozen(self) -> bool:
        """Whether the array exists."""
        return self._values is not None

    @property
    def values(self) -> np.ndarray:
        """All values, float64, shape (n_slot,); the array itself, not a copy."""
        if self._values is None:
            raise HeronError("the table has no values before freeze()")
        return self._values

    @property
    def slot_names(self) -> list[str]:
        """Name of each slot, "owner.feature.field", (n_slot,); empty before `freeze`."""
        return list(self._slot_names)

    def slot(self, owner: str, feature: str, field: str) -> int:
        """Return the slot of a scalar field, or of one element such as "vm_pu[3]"."""
        name = f"{owner}.{feature}.{field}"
        if name not in self._slot_of_name:
            options = [n.split(".")[-1] for n in self._slot_names[self.slots(owner, feature)]]
            raise ConfigError(f"{owner}.{feature}: {nearest(field, options, kind='field')}")
        return self._slot_of_name[name]

    def slots(self, owner: str, feature: str, field: str | None = None) -> slice:
        """Return the slots of a whole block, or of one of its fields with all its elements."""
        if self._values is None:
            raise HeronError("the table has no slots before freeze()")
        if (owner, feature) not in self._slices:
            options = [".".join(key) for key in self._slices]
            raise ConfigError(nearest(f"{owner}.{feature}", options, kind="feature"))
        where = self._slices[owner, feature]
        if field is None:
            return where
        names = [n.split("[")[0] for n in self._blocks[owner, feature].names()]
        if field not in names:
            raise ConfigError(
                f"{owner}.{feature}: {nearest(field, dict.fromkeys(names), kind='field')}"
            )
        start = where.start + names.index(field)
        return slice(start, start + names.count(field))

    def gather(self, index: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Copy the values at `index` into `out` and return it.

        Parameters
        ----------
        index
            Slots, integer, shape (n,).
        out
            float32 or float64, shape (n,).
        """
        if out.shape != index.shape:
            raise ValueError(f"out has shape {out.shape}, expected {index.shape}: one per index")
        out[:] = self.values[index]
        return out
