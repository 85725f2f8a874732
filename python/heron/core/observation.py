"""What an agent observes at one time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Observation"]


@dataclass
class Observation:
    """An agent's own view, what it knows of the rest, and when that was true.

    Attributes
    ----------
    local
        Values of the agent's own and its subordinates' features, possibly nested.
    global_info
        Values that do not belong to the agent, possibly nested.
    timestamp
        Simulated time in seconds; not part of the vector.
    is_stale
        Whether nothing was known as of that time, so that zeros stand in; not part of the vector.

    Examples
    --------
    >>> Observation({"b": 2, "a": {"x": [0.5, 1.5]}}, {"price": 50.0}).vector()
    array([ 0.5,  1.5,  2. , 50. ], dtype=float32)
    """

    local: dict[str, Any] = field(default_factory=dict)
    global_info: dict[str, Any] = field(default_factory=dict)
    timestamp: float = 0.0
    is_stale: bool = False

    def vector(self) -> np.ndarray:
        """Return every number of `local`, then of `global_info`, as float32, shape (n,).

        Keys are sorted on every level; sequences and arrays are flattened in order. Texts and
        None are no numbers and are passed over.
        """
        parts = [*_numbers(self.local), *_numbers(self.global_info)]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def _numbers(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _numbers(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (bool, int, float, np.bool_, np.number)):
        yield np.array([value], dtype=np.float64)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        yield value.astype(np.float64).ravel()
