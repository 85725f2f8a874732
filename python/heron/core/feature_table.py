"""One flat array that holds every feature of every agent of an environment."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heron.core.feature import FeatureBlock
from heron.core.feature_backend import BACKENDS, Backend, Store, contents, restore
from heron.core.visibility import check_tags
from heron.errors import ConfigError, HeronError, InvalidArgumentError, nearest

__all__ = ["Backend", "FeatureTable", "TableFeature"]


@dataclass(frozen=True)
class TableFeature:
    """A block of a table: whose it is, where it lies and who may see it."""

    owner_id: str
    owner_level: int
    name: str
    slots: slice
    visibility: tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    """A block as it was when it was added."""

    block: FeatureBlock
    slots: slice
    owner_level: int
    visibility: tuple[str, ...]


class FeatureTable:
    """Collect feature blocks, then own their values in one float64 array.

    `freeze` ends the collecting: it allocates the array, (n_slot, n_lane), never to be moved, puts
    the blocks' values into every lane, and binds the blocks to lane 0, so that
    ``block.p_MW = 3.0`` writes the table.

    A deep copy or pickle of a table has its own array with the same values, history and observers,
    and its own copies of the blocks, bound to it.

    Parameters
    ----------
    n_lane
        Environments that the table serves, side by side.
    n_history
        Snapshots kept of each lane; with 0 none can be taken.
    backend
        "native" for the compiled table, "reference" for its twin in plain Python.

    Raises
    ------
    ConfigError
        If the backend does not exist, there is no lane, or a number is negative.

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
    (['MG1/gen1.electrical.p_MW'], array([[3.]]))
    """

    def __init__(self, n_lane: int = 1, n_history: int = 0, backend: Backend = "native") -> None:
        if backend not in BACKENDS:
            raise ConfigError(nearest(backend, BACKENDS, kind="backend"))
        if n_lane < 1 or n_history < 0:
            raise ConfigError(
                f"a table of {n_lane} lanes that keeps {n_history} snapshots cannot be; expected "
                "at least 1 lane and 0 snapshots"
            )
        self.n_lane = n_lane
        self.n_history = n_history
        self.backend = backend
        make_layout, self._make_store = BACKENDS[backend]
        self._layout = make_layout()
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._frozen: Store | None = None
        self._slot_names: list[str] = []
        self._slot_of_name: dict[str, int] = {}

    # --- collecting ---------------------------------------------------------------------------

    def add_block(
        self, owner_id: str, name: str, block: FeatureBlock, owner_level: int = 1
    ) -> slice:
        """Reserve the next slots for a block and return them.

        The shapes of the block's arrays and its visibility count from now on.

        Raises
        ------
        ConfigError
            If the owner has no name or a block of that name, or a visibility tag does not exist.
        HeronError
            If the table is frozen.
        """
        if self._frozen is not None:
            raise HeronError(f"cannot add {owner_id}.{name}: the table is frozen")
        if not owner_id:
            raise ConfigError(f"feature {name!r} has no owner; give its agent an id")
        if (owner_id, name) in self._entries:
            raise ConfigError(f"{owner_id}.{name} is in the table already; owners need unique ids")
        visibility = tuple(block.visibility)
        check_tags(visibility)
        first = self._layout.add_block(owner_id, name, block.size, owner_level, visibility)
        slots = slice(first, first + block.size)
        self._entries[owner_id, name] = _Entry(block, slots, owner_level, visibility)
        return slots

    def freeze(self) -> None:
        """Allocate the array, never to be moved, and bind every block to its part of lane 0."""
        if self._frozen is not None:
            raise HeronError("the table is frozen already")
        for key, entry in self._entries.items():
            n_slot = entry.slots.stop - entry.slots.start
            if entry.block.size != n_slot:
                raise HeronError(
                    f"{'.'.join(key)} has {entry.block.size} values, but {n_slot} when it was "
                    "added; give arrays their final length before add_block"
                )
        self._frozen = self._make_store(len(self), self.n_lane, self.n_history)
        lane = self.values[:, 0]
        for entry in self._entries.values():
            entry.block.bind(lane[entry.slots])
        self.values[:, 1:] = self.values[:, :1]
        self._slot_names = [
            f"{'.'.join(key)}.{field}"
            for key, entry in self._entries.items()
            for field in entry.block.names()
        ]
        self._slot_of_name = {name: k for k, name in enumerate(self._slot_names)}

    @property
    def is_frozen(self) -> bool:
        """Whether the array exists."""
        return self._frozen is not None

    @property
    def _store(self) -> Store:
        if self._frozen is None:
            raise HeronError("the table has no values before freeze()")
        return self._frozen

    # --- slots --------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of slots."""
        return self._layout.n_slot

    @property
    def values(self) -> NDArray[np.float64]:
        """All values, float64, (n_slot, n_lane); the array itself, not a copy.

        A view stays good for as long as it is kept, even if the table is gone.
        """
        return self._store.values

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
        if self._frozen is None:
            raise HeronError("the table has no slots before freeze()")
        if (owner, feature) not in self._entries:
            options = [".".join(key) for key in self._entries]
            raise ConfigError(nearest(f"{owner}.{feature}", options, kind="feature"))
        entry = self._entries[owner, feature]
        if field is None:
            return entry.slots
        names = [n.split("[")[0] for n in entry.block.names()]
        if field not in names:
            raise ConfigError(
                f"{owner}.{feature}: {nearest(field, dict.fromkeys(names), kind='field')}"
            )
        start = entry.slots.start + names.index(field)
        return slice(start, start + names.count(field))

    @property
    def features(self) -> list[TableFeature]:
        """Every block, in the order in which it was added."""
        return [
            TableFeature(owner_id, entry.owner_level, name, entry.slots, entry.visibility)
            for (owner_id, name), entry in self._entries.items()
        ]

    def visible_slots(
        self, requestor_id: str | None, requestor_level: int, owner_id: str | None = None
    ) -> NDArray[np.int32]:
        """Return the slots that an agent may see, ascending: of all owners, or of one.

        They are what `heron.core.state.State.observed_by` gives for the same requestor, owner by
        owner, as a list to be gathered: what is not in it is never copied.
        """
        return self._layout.visible_slots(requestor_id, requestor_level, owner_id)

    # --- observers and the past ---------------------------------------------------------------

    def add_observer(self, slots: ArrayLike) -> int:
        """Add a list of slots, in the order in which they are to be gathered; return its number.

        Raises
        ------
        HeronError
            If the table is not frozen.
        InvalidArgumentError
            If a slot does not exist.
        """
        return self._store.add_observer(_whole_numbers(slots))

    def observer(self, observer: int) -> NDArray[np.int32]:
        """Return the slots of an observer."""
        return self._store.observer(observer)

    def gather(
        self,
        observer: NDArray[np.int32],
        lane: NDArray[np.int32],
        out: NDArray[np.float32] | NDArray[np.float64],
    ) -> None:
        """Fill row i of `out` with what observer[i] sees of lane[i] now.

        Parameters
        ----------
        observer, lane
            int32, (n_row,).
        out
            float32 or float64, C-contiguous, (n_row, row_length). Entries behind an observer's last
            are zero.

        Raises
        ------
        TypeError
            If an array has another dtype or form.
        InvalidArgumentError
            If sizes disagree, an observer or lane does not exist, or has more slots than a row.
        """
        self._store.gather(observer, lane, out)

    def gather_as_of(
        self,
        observer: NDArray[np.int32],
        lane: NDArray[np.int32],
        time_s: NDArray[np.float64],
        out: NDArray[np.float32] | NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Fill row i of `out` with what observer[i] saw of lane[i] as of time_s[i] [s], float64.

        Return where no snapshot is old enough, bool, (n_row,): those rows are zero. Otherwise as
        `gather`.
        """
        return self._store.gather_as_of(observer, lane, time_s, out)

    def snapshot(self, lane: NDArray[np.int32], time_s: NDArray[np.float64]) -> None:
        """Keep the present state of lanes, int32, (n,), under a time each, float64, (n,) [s].

        A full history forgets its oldest state; a second snapshot at one time replaces the first.

        Raises
        ------
        InvalidArgumentError
            If the table keeps no history, a lane does not exist, or a time is not finite or before
            the lane's last one; nothing is kept then.
        """
        self._store.snapshot(lane, time_s)

    def snapshot_all(self, time_s: float) -> None:
        """Keep the present state of every lane under one time [s]; as `snapshot`."""
        self._store.snapshot_all(time_s)

    def clear_history(self, lane: int) -> None:
        """Forget a lane's snapshots; its next one may have any time."""
        self._store.clear_history(lane)

    def snapshot_times(self, lane: int) -> NDArray[np.float64]:
        """Return the times of a lane's snapshots [s], ascending, (n_snapshot,)."""
        return self._store.snapshot_times(lane)

    def as_of(self, lane: int, time_s: float) -> NDArray[np.float64] | None:
        """Return a copy of the lane's newest state taken at `time_s` [s] or before, (n_slot,).

        None if none was taken by then, or it is forgotten.
        """
        return self._store.as_of(lane, time_s)

    # --- copies -------------------------------------------------------------------------------

    def __copy__(self) -> NoReturn:
        # Blocks belong to one table: a second one would take them away from the first.
        raise TypeError("a FeatureTable and its blocks are copied together: use copy.deepcopy")

    def with_history(self, n_history: int) -> FeatureTable:
        """Return an equal table of its own, with blocks of its own, that keeps `n_history` states.

        It serves who looks back, where the table itself keeps nothing: copy ``values`` into it,
        then take its snapshot.
        """
        state = copy.deepcopy(self.__getstate__())
        state["options"] = (self.n_lane, n_history, self.backend)
        table = FeatureTable.__new__(FeatureTable)
        table.__setstate__(state)
        return table

    def __getstate__(self) -> dict[str, Any]:
        """Return what the table was made from and what it holds."""
        store = self._frozen
        return {
            "options": (self.n_lane, self.n_history, self.backend),
            "entries": self._entries,
            "contents": None if store is None else contents(store),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make an equal table; its blocks, which come unbound, are bound to its own array."""
        FeatureTable.__init__(self, *state["options"])
        for (owner_id, name), entry in state["entries"].items():
            self._layout.add_block(
                owner_id, name, entry.block.size, entry.owner_level, entry.visibility
            )
        self._entries = state["entries"]
        if state["contents"] is not None:
            self.freeze()
            restore(self._store, state["contents"])


def _whole_numbers(slots: ArrayLike) -> NDArray[np.int32]:
    given = np.asarray(slots)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise TypeError(f"slots are {given.dtype}, expected whole numbers")
    limits = np.iinfo(np.int32)
    if given.size and not (limits.min <= given.min() and given.max() <= limits.max):
        raise InvalidArgumentError(
            f"slots reach from {given.min()} to {given.max()}: none is there"
        )
    return np.ascontiguousarray(given, dtype=np.int32)
