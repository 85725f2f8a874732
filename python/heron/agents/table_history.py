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
