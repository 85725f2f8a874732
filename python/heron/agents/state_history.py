"""What a proxy remembers, and how it is read without copying what is hidden."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from heron.core.feature import FeatureBlock
from heron.core.state import State
from heron.core.visibility import is_visible
from heron.errors import ConfigError, InvalidArgumentError

__all__ = ["RecordedHistory", "SeenState", "StateHistory", "StateRequest"]

_FIELD_LEVEL = 1  # of owners of whom nothing more is known
_OWN_ONLY = ("owner",)  # who may see what says nothing about it, as with feature blocks


class SeenState(dict[str, Any]):
    """What one was shown of a snapshot: {owner: {feature: values}}.

    Features that belong to nobody stand beside the owners, under their own names.

    Attributes
    ----------
    time
        When the snapshot was taken [s]; None if there is none.
    """

    def __init__(
        self, values: Mapping[str, Any] | None = None, *, time: float | None = None
    ) -> None:
        super().__init__(values or {})
        self.time = time

    @property
    def is_stale(self) -> bool:
        """Whether no snapshot is old enough: values are zero, or missing if none is known."""
        return self.time is None


@dataclass(frozen=True)
class StateRequest:
    """Who asks, and for what.

    Attributes
    ----------
    agent_id, level
        Who asks.
    owner_id
        Whose features are wanted; None for everybody's and those of nobody.
    allowed
        The features that a rule lets the agent see, in place of what their visibility says: "power"
        of any owner, "MG1.power", "MG1.*" or "*". None: there is no rule.
    """

    agent_id: str
    level: int
    owner_id: str | None = None
    allowed: tuple[str, ...] | None = None

    def may_see(
        self, owner_id: str | None, owner_level: int, name: str, visibility: Iterable[str]
    ) -> bool:
        """Tell whether a feature is wanted and may be shown."""
        if self.owner_id is not None and self.owner_id != owner_id:
            return False
        if self.allowed is not None:
            keys = ("*", name, f"{owner_id}.{name}", f"{owner_id}.*")
            return any(key in self.allowed for key in keys)
        if owner_id is None:
            return True
        return is_visible(tuple(visibility), self.agent_id, self.level, owner_id, owner_level)


class StateHistory(ABC):
    """Snapshots of a state under the times at which they were taken."""

    @abstractmethod
    def read(self, request: StateRequest, time_s: float) -> SeenState:
        """Return copies of what may be seen of the newest snapshot taken at `time_s` or before.

        What may not be seen is not copied. If there is no such snapshot, or it is forgotten, the
        answer is stale: never a later state.
        """


@dataclass(frozen=True)
class _Feature:
    owner_id: str | None
    owner_level: int
    name: str
    visibility: tuple[str, ...]
    value: Any


class RecordedHistory(StateHistory):
    """The last states that were handed over, each with its time.

    Parameters
    ----------
    length
        How many are kept, at least 1.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ConfigError(f"history_length is {length}, expected at least 1")
        self._snapshots: deque[tuple[float, list[_Feature]]] = deque(maxlen=length)

    def __len__(self) -> int:
        """Return the number of snapshots."""
        return len(self._snapshots)

    @property
    def last_time_s(self) -> float:
        """When the newest snapshot was taken [s], minus infinity if there is none."""
        return self._snapshots[-1][0] if self._snapshots else -math.inf

    def add(self, state: Mapping[str, Any], time_s: float) -> None:
        """Keep copies of a state; see `ProxyAgent.update_state`.

        A second state of one time replaces the first.

        Raises
        ------
        InvalidArgumentError
            If the time is not finite or before that of the newest snapshot.
        """
        if not math.isfinite(time_s):
            raise InvalidArgumentError(f"time is {time_s}, expected a finite number of seconds")
        if time_s < self.last_time_s:
            raise InvalidArgumentError(
                f"time is {time_s}, before the last snapshot at {self.last_time_s}; reset() lets "
                f"time start anew"
            )
        features = [feature for key, value in state.items() for feature in _features(key, value)]
        if time_s == self.last_time_s:
            self._snapshots.pop()
        self._snapshots.append((time_s, features))

    def clear(self) -> None:
        """Forget everything."""
        self._snapshots.clear()

    def read(self, request: StateRequest, time_s: float) -> SeenState:
        """Return copies of what may be seen of the newest snapshot taken at `time_s` or before."""
        for taken_s, features in reversed(self._snapshots):
            if taken_s <= time_s:
                return SeenState(_shown(features, request, copy.deepcopy), time=taken_s)
        # The oldest one tells shapes; its values are of the future.
        features = self._snapshots[0][1] if self._snapshots else []
        return SeenState(_shown(features, request, _zero_like))


def _features(key: str, value: Any) -> Iterable[_Feature]:
    """Copy one entry of a state: an owner with its features, or a feature of nobody."""
    if isinstance(value, State):
        for name, block in value.features.items():
            tags = tuple(block.visibility)
            yield _Feature(key, value.owner_level, name, tags, block.to_array())
    elif isinstance(value, Mapping):
        for name, part in value.items():
            if isinstance(part, FeatureBlock):
                tags = tuple(part.visibility)
                yield _Feature(key, _FIELD_LEVEL, name, tags, part.to_array())
            else:
                yield _Feature(key, _FIELD_LEVEL, name, _OWN_ONLY, copy.deepcopy(part))
    else:
        yield _Feature(None, 0, key, (), copy.deepcopy(value))


def _shown(
    features: list[_Feature], request: StateRequest, copied: Callable[[Any], Any]
) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for feature in features:
        if not request.may_see(
            feature.owner_id, feature.owner_level, feature.name, feature.visibility
        ):
            continue
        place = shown if feature.owner_id is None else shown.setdefault(feature.owner_id, {})
        place[feature.name] = copied(feature.value)
    return shown


def _zero_like(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _zero_like(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_zero_like(part) for part in value]
    if isinstance(value, np.ndarray):
        return np.zeros_like(value)
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return type(value)(0)
    return None
