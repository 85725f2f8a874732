"""A proxy's memory in the ring of a feature table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heron.agents.state_history import SeenState, StateHistory, StateRequest
from heron.core.feature_table import FeatureTable

__all__ = ["TableHistory"]


@dataclass(frozen=True)
class _View:
    """What one request gathers, and whose it is."""

    observer: NDArray[np.int32]  # number in the table, (1,)
    n_slot: int
    parts: tuple[tuple[str, str, slice], ...]  # owner, feature, where in the gathered row


class TableHistory(StateHistory):
    """The snapshots that a table's owner takes of it, read by gather lists.

    A list is made at an agent's first request and contains what it may see by the visibility of
    each block; the rest is never copied.

    Parameters
    ----------
    table
        A frozen table that keeps a history.
    lane
        Which of its environments.
    """

    def __init__(self, table: FeatureTable, lane: int = 0) -> None:
        self._table = table
        self._lane = np.array([lane], dtype=np.int32)
        self._views: dict[StateRequest, _View] = {}
        self._choices: dict[
            tuple[StateRequest, bytes], tuple[NDArray[np.int32], NDArray[np.intp]]
        ] = {}

    @property
    def table(self) -> FeatureTable:
        """The table of which it reads."""
        return self._table

    def read(self, request: StateRequest, time_s: float) -> SeenState:
        """Return copies of what may be seen of the newest snapshot taken at `time_s` or before."""
        view = self._views.get(request)
        if view is None:
            view = self._views[request] = self._make_view(request)
        row = np.empty((1, view.n_slot))
        when = np.array([time_s], dtype=np.float64)
        is_stale = self._table.gather_as_of(view.observer, self._lane, when, row)[0]
        shown: dict[str, dict[str, NDArray[np.float64]]] = {}
        for owner, feature, slots in view.parts:
            shown.setdefault(owner, {})[feature] = row[0, slots]
        return SeenState(shown, time=None if is_stale else self._time_of(time_s))

    def read_slots(
        self, request: StateRequest, slots: NDArray[np.int32], time_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return slots as they were, and which of them are shown, (n_slot,) each; others are zero.

        Nothing is if no snapshot is old enough. What the request's rule hides is never copied.
        Without a rule all slots are shown: the list itself says what the agent may see.
        """
        key = request, slots.tobytes()
        chosen = self._choices.get(key)
        if chosen is None:
            where = np.arange(len(slots))
            if request.allowed is not None:
                shown = [
                    np.arange(f.slots.start, f.slots.stop)
                    for f in self._table.features
                    if request.may_see(f.owner_id, f.owner_level, f.name, f.visibility)
                ]
                allowed = np.concatenate([np.zeros(0, np.intp), *shown])
                where = np.flatnonzero(np.isin(slots, allowed))
            observer = self._table.add_observer(slots[where])
            chosen = self._choices[key] = np.array([observer], np.int32), where
        observers, where = chosen
        row = np.empty((1, len(where)))
        when = np.array([time_s], dtype=np.float64)
        is_stale = bool(self._table.gather_as_of(observers, self._lane, when, row)[0])
        values, is_shown = np.zeros(len(slots)), np.zeros(len(slots), np.bool_)
        values[where] = row[0]
        is_shown[where] = not is_stale
        return values, is_shown

    def _time_of(self, time_s: float) -> float:
        times_s = self._table.snapshot_times(int(self._lane[0]))
        return float(times_s[np.searchsorted(times_s, time_s, side="right") - 1])

    def _make_view(self, request: StateRequest) -> _View:
        parts, slots, start = [], [np.zeros(0, dtype=np.int32)], 0
        for feature in self._table.features:
            if not request.may_see(
                feature.owner_id, feature.owner_level, feature.name, feature.visibility
            ):
                continue
            here = np.arange(feature.slots.start, feature.slots.stop, dtype=np.int32)
            parts.append((feature.owner_id, feature.name, slice(start, start + len(here))))
            slots.append(here)
            start += len(here)
        observer = self._table.add_observer(np.concatenate(slots))
        return _View(np.array([observer], dtype=np.int32), start, tuple(parts))
