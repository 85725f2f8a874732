"""The two tables that can hold features, and carrying one's contents over to another."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from heron import _core
from heron.reference import feature_layout, feature_table

__all__ = ["BACKENDS", "Backend", "Contents", "Layout", "Store", "contents", "restore"]

Backend = Literal["native", "reference"]
Layout = _core.FeatureLayout | feature_layout.FeatureLayout
Store = _core.FeatureTable | feature_table.FeatureTable

BACKENDS: dict[str, tuple[type[Layout], type[Store]]] = {
    "native": (_core.FeatureLayout, _core.FeatureTable),
    "reference": (feature_layout.FeatureLayout, feature_table.FeatureTable),
}

_History: TypeAlias = list[tuple[float, NDArray[np.float64]]]
Contents: TypeAlias = tuple[NDArray[np.float64], list[_History], list[NDArray[np.int32]]]
"""Values, (n_slot, n_lane); of each lane (time [s], state), oldest first; observers' slots."""


def contents(store: Store) -> Contents:
    """Return copies of everything that a table holds."""
    history: list[_History] = []
    for lane in range(store.n_lane):
        times_s = store.snapshot_times(lane).tolist()
        states = [store.as_of(lane, time_s) for time_s in times_s]
        history.append([(t, s) for t, s in zip(times_s, states, strict=True) if s is not None])
    observers = [store.observer(k) for k in range(store.n_observer)]
    return store.values.copy(), history, observers


def restore(store: Store, kept: Contents) -> None:
    """Let a new table of the same size live through the past again, up to the present."""
    values, history, observers = kept
    for lane, snapshots in enumerate(history):
        for time_s, state in snapshots:
            store.values[:, lane] = state
            store.snapshot(np.array([lane], dtype=np.int32), np.array([time_s]))
    store.values[:] = values
    for slots in observers:
        store.add_observer(slots)
