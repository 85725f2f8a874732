"""The layout of features in pure Python: the definition of what the compiled one does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heron.core.visibility import VISIBILITY_TAGS, is_visible
from heron.errors import InvalidArgumentError

__all__ = ["FeatureLayout"]

_MAX_SLOTS = 2**31 - 1


class _Block(NamedTuple):
    first_slot: int
    n_slot: int
    owner_level: int
    visibility: tuple[str, ...]


class FeatureLayout:
    """Say which slots belong to whom and who may see them.

    A block is a named run of slots with one owner; blocks follow each other in the order of adding.
    A layout is made before the table, and only grows.

    Raises
    ------
    InvalidArgumentError
        If a block cannot be added; the layout is then as it was before.

    Examples
    --------
    >>> layout = FeatureLayout()
    >>> layout.add_block("gen1", "electrical", 2, 1, ["owner", "upper_level"])
    0
    >>> layout.add_block("MG1", "market", 1, 2, ["public"])
    2
    >>> layout.visible_slots("gen2", 1), layout.visible_slots("MG1", 2)
    (array([2], dtype=int32), array([0, 1, 2], dtype=int32))
    """

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._n_slot = 0

    def add_block(
        self, owner: str, name: str, n_slot: int, owner_level: int, visibility: Sequence[str]
    ) -> int:
        """Reserve the next `n_slot` slots, possibly none, and return the first.

        `visibility` holds any of the tags "public", "owner", "upper_level" and "system".
        """
        full_name = f"'{owner}.{name}'"
        for tag in visibility:
            if tag not in VISIBILITY_TAGS:
                raise InvalidArgumentError(
                    f"visibility tag '{tag}' does not exist; expected public, owner, upper_level "
                    "or system"
                )
        if not owner:
            raise InvalidArgumentError(f"block {full_name} has no owner; give it a name")
        if (owner, name) in self._blocks:
            raise InvalidArgumentError(
                f"block {full_name} is in the layout already; owners need names of their own"
            )
        n_free = _MAX_SLOTS - self._n_slot
        if not 0 <= n_slot <= n_free:
            raise InvalidArgumentError(
                f"block {full_name} has {n_slot} slots, expected 0 to {n_free}"
            )
        first_slot = self._n_slot
        self._blocks[owner, name] = _Block(first_slot, n_slot, owner_level, tuple(visibility))
        self._n_slot += n_slot
        return first_slot

    def find(self, owner: str, name: str) -> tuple[int, int] | None:
        """Return first slot and number of slots of a block, or None if there is none."""
        block = self._blocks.get((owner, name))
        return None if block is None else (block.first_slot, block.n_slot)

    def visible_slots(
        self, requestor: str | None, requestor_level: int, owner: str | None = None
    ) -> NDArray[np.int32]:
        """Return the slots that an agent may see, ascending: of all owners, or of one.

        Without a name (None or "") the requestor sees what its level alone allows.
        """
        runs = [
            np.arange(block.first_slot, block.first_slot + block.n_slot, dtype=np.int32)
            for (block_owner, _), block in self._blocks.items()
            if owner in (None, block_owner)
            and is_visible(
                block.visibility, requestor, requestor_level, block_owner, block.owner_level
            )
        ]
        return np.concatenate(runs) if runs else np.zeros(0, dtype=np.int32)

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._blocks)

    @property
    def n_slot(self) -> int:
        """Number of slots of all blocks together."""
        return self._n_slot
