"""The feature table in pure Python: the definition of what the compiled one does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError

__all__ = ["FeatureTable"]

Floats = NDArray[np.float32] | NDArray[np.float64]


class FeatureTable:
    """Hold every feature of every lane in one array, with a past and gather lists.

    A lane is one environment of a batch, a slot one value of one agent. Each lane has a ring of
    its last `n_history` snapshots, under times that never go back. An observer is a list of slots;
    a gather copies what observers see of lanes into rows.

    Parameters
    ----------
    n_slot, n_lane
        Numbers of slots and of lanes; at least one lane.
    n_history
        Snapshots kept of each lane; with 0 none can be taken.

    Raises
    ------
    InvalidArgumentError
        If a number of an observer, a lane or a slot does not exist, sizes disagree, or a time
        cannot be. The table, and what a call was to fill, are then as they were before.
    TypeError
        If an array has another dtype or number of dimensions, or is not C-contiguous.

    Examples
    --------
    >>> table = FeatureTable(n_slot=3, n_lane=2, n_history=10)
    >>> table.values[:, 1] = [1.0, 2.0, 3.0]
    >>> observer = table.add_observer(np.array([2, 0], dtype=np.int32))
    >>> table.snapshot_all(60.0)
    >>> table.values[:, 1] = 0.0
    >>> table.as_of(1, 70.0)
    array([1., 2., 3.])
    >>> rows = np.zeros((2, 2))
    >>> who, where = np.full(2, observer, dtype=np.int32), np.ones(2, dtype=np.int32)
    >>> table.gather_as_of(who, where, np.array([70.0, 50.0]), rows), rows
    (array([False,  True]), array([[3., 1.],
           [0., 0.]]))
    """

    def __init__(self, n_slot: int, n_lane: int = 1, n_history: int = 0) -> None:
        for name, value, least in (("n_slot", n_slot, 0), ("n_lane", n_lane, 1)):
            _check_size(name, value, least)
        _check_size("n_history", n_history, 0)
        self._values = np.zeros((n_slot, n_lane))
        self._n_history = n_history
        # Of each lane (time [s], state), oldest first.
        self._history: list[list[tuple[float, NDArray[np.float64]]]] = [[] for _ in range(n_lane)]
        self._observers: list[NDArray[np.int32]] = []

    @property
    def n_slot(self) -> int:
        """Number of slots."""
        return self._values.shape[0]

    @property
    def n_lane(self) -> int:
        """Number of lanes."""
        return self._values.shape[1]

    @property
    def n_history(self) -> int:
        """Snapshots kept of each lane."""
        return self._n_history

    @property
    def n_observer(self) -> int:
        """Number of observers."""
        return len(self._observers)

    @property
    def values(self) -> NDArray[np.float64]:
        """The values themselves, float64, (n_slot, n_lane): writing here writes the table.

        The array never moves, so a view may be kept; it keeps the table's memory alive.
        """
        return self._values.view()

    # --- history ------------------------------------------------------------------------------

    def snapshot(self, lane: NDArray[np.int32], time_s: NDArray[np.float64]) -> None:
        """Keep the present state of each lane in `lane`, (n,), under its time, (n,) [s].

        A full ring forgets its oldest state; a second snapshot at one time replaces the first. A
        time that is not finite, or before the lane's last one, is refused, and nothing is kept.
        """
        _check_array("lane", lane, np.int32)
        _check_array("time_s", time_s, np.float64)
        self._check_keeps_history()
        _check_length("time_s", len(time_s), len(lane))
        last = {}
        for one in lane.tolist():
            self._check_lane(one)
            last[one] = self._last_time(one)
        for one, time in zip(lane.tolist(), time_s.tolist(), strict=True):
            _check_snapshot_time(one, time, last[one])
            last[one] = time
        for one, time in zip(lane.tolist(), time_s.tolist(), strict=True):
            self._keep(one, time)

    def snapshot_all(self, time_s: float) -> None:
        """Keep the present state of every lane under one time [s]; as `snapshot`."""
        self._check_keeps_history()
        for lane in range(self.n_lane):
            _check_snapshot_time(lane, time_s, self._last_time(lane))
        for lane in range(self.n_lane):
            self._keep(lane, float(time_s))

    def _keep(self, lane: int, time_s: float) -> None:
        history = self._history[lane]
        if history and history[-1][0] == time_s:
            history.pop()
        history.append((time_s, self._values[:, lane].copy()))
        if len(history) > self._n_history:
            history.pop(0)

    def _last_time(self, lane: int) -> float:
        history = self._history[lane]
        return history[-1][0] if history else -math.inf

    def clear_history(self, lane: int) -> None:
        """Forget a lane's snapshots; its next one may have any time."""
        self._check_lane(lane)
        self._history[lane].clear()

    def n_snapshot(self, lane: int) -> int:
        """Return the number of snapshots that are kept of a lane."""
        self._check_lane(lane)
        return len(self._history[lane])

    def snapshot_times(self, lane: int) -> NDArray[np.float64]:
        """Return the times of a lane's snapshots [s], ascending, (n_snapshot,)."""
        self._check_lane(lane)
        return np.array([time for time, _ in self._history[lane]], dtype=np.float64)

    def as_of(self, lane: int, time_s: float) -> NDArray[np.float64] | None:
        """Return a copy of the lane's newest state taken at `time_s` or before, (n_slot,).

        None if none was taken by then, or it is forgotten: never a state from the future.
        """
        self._check_lane(lane)
        _check_not_nan(time_s)
        states = [state for time, state in self._history[lane] if time <= time_s]
        return states[-1].copy() if states else None

    # --- observers ----------------------------------------------------------------------------

    def add_observer(self, slot: NDArray[np.int32]) -> int:
        """Add a list of slots, in the order in which they are gathered; return its number."""
        _check_array("slot", slot, np.int32)
        for one in slot.tolist():
            _check_index("slot", one, self.n_slot)
        self._observers.append(slot.copy())
        return self.n_observer - 1

    def observer(self, observer: int) -> NDArray[np.int32]:
        """Return a copy of an observer's slots."""
        _check_index("observer", observer, self.n_observer)
        return self._observers[observer].copy()

    def gather(self, observer: NDArray[np.int32], lane: NDArray[np.int32], out: Floats) -> None:
        """Fill row i of `out` with what observer[i] sees of lane[i] now.

        Parameters
        ----------
        observer, lane
            int32, (n_row,).
        out
            float32 or float64, (n_row, row_length). Entries behind an observer's last are zero;
            more slots than entries are refused.
        """
        self._check_rows(observer, lane, out)
        for row, who, where in zip(out, observer.tolist(), lane.tolist(), strict=True):
            self._fill(row, who, self._values[:, where])

    def gather_as_of(
        self,
        observer: NDArray[np.int32],
        lane: NDArray[np.int32],
        time_s: NDArray[np.float64],
        out: Floats,
    ) -> NDArray[np.bool_]:
        """Fill row i of `out` with what observer[i] saw of lane[i] as of time_s[i].

        Returns
        -------
        is_stale : ndarray of bool, (n_row,)
            Where no state is old enough; the row is zero there.
        """
        self._check_rows(observer, lane, out)
        _check_array("time_s", time_s, np.float64)
        _check_length("time_s", len(time_s), len(observer))
        for time in time_s.tolist():
            _check_not_nan(time)
        is_stale = np.zeros(len(observer), dtype=np.bool_)
        wanted = zip(observer.tolist(), lane.tolist(), time_s.tolist(), strict=True)
        for i, (who, where, time) in enumerate(wanted):
            state = self.as_of(where, time)
            is_stale[i] = state is None
            if state is None:
                out[i] = 0.0
            else:
                self._fill(out[i], who, state)
        return is_stale

    def _fill(self, row: Floats, observer: int, state: NDArray[np.float64]) -> None:
        slot = self._observers[observer]
        with np.errstate(over="ignore"):  # beyond float32 is infinity, as in C
            row[: len(slot)] = state[slot]
        row[len(slot) :] = 0.0

    # --- checks -------------------------------------------------------------------------------

    def _check_lane(self, lane: int) -> None:
        _check_index("lane", lane, self.n_lane)

    def _check_keeps_history(self) -> None:
        if self._n_history == 0:
            raise InvalidArgumentError(
                "the table keeps no history; make it with n_history of at least 1"
            )

    def _check_rows(
        self, observer: NDArray[np.int32], lane: NDArray[np.int32], out: Floats
    ) -> None:
        _check_array("observer", observer, np.int32)
        _check_array("lane", lane, np.int32)
        _check_array("out", out, np.float32, np.float64, n_dim=2)
        if not out.flags.writeable:
            raise TypeError("out is read-only")
        _check_length("lane", len(lane), len(observer))
        if len(out) != len(observer):
            raise InvalidArgumentError(
                f"out has {len(out)} rows, expected {len(observer)}, one for each observer"
            )
        for one in lane.tolist():
            self._check_lane(one)
        for one in observer.tolist():
            _check_index("observer", one, self.n_observer)
            n_slot, row_length = len(self._observers[one]), out.shape[1]
            if n_slot > row_length:
                raise InvalidArgumentError(
                    f"observer {one} has {n_slot} slots, more than the {row_length} entries of a "
                    "row of out"
                )


def _check_size(name: str, value: int, least: int) -> None:
    if value < least:
        raise InvalidArgumentError(f"{name} is {value}, expected at least {least}")


def _check_length(name: str, n: int, n_expected: int) -> None:
    if n != n_expected:
        raise InvalidArgumentError(f"{name} has {n} values, expected {n_expected}, one for each")


def _check_index(name: str, value: int, end: int) -> None:
    if not 0 <= value < end:
        raise InvalidArgumentError(f"{name} {value} does not exist; the table has {end}")


def _check_not_nan(time_s: float) -> None:
    if math.isnan(time_s):
        raise InvalidArgumentError("time_s is nan, expected a number of seconds")


def _check_snapshot_time(lane: int, time_s: float, last_time_s: float) -> None:
    if not math.isfinite(time_s):
        raise InvalidArgumentError(
            f"time_s of lane {lane} is {time_s}, expected a finite number of seconds"
        )
    if time_s < last_time_s:
        raise InvalidArgumentError(
            f"time_s of lane {lane} is {time_s}, before its last snapshot at {last_time_s}; "
            "clear_history() lets a lane's time start anew"
        )


def _check_array(name: str, array: NDArray[Any], *dtypes: type, n_dim: int = 1) -> None:
    expected = " or ".join(dtype.__name__ for dtype in dtypes)
    if not isinstance(array, np.ndarray) or array.dtype not in [np.dtype(t) for t in dtypes]:
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} is {got}, expected an array of {expected}")
    if array.ndim != n_dim or not array.flags.c_contiguous:
        raise TypeError(
            f"{name} has {array.ndim} dimensions, expected {n_dim}, in one piece of memory"
        )
