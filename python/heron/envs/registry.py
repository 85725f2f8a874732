"""Environments by id."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from heron.errors import ConfigError, nearest

__all__ = [
    "ENTRY_POINT_GROUP",
    "VECTOR_ENTRY_POINT_GROUP",
    "id_of",
    "make",
    "make_vec",
    "register",
    "registered_ids",
]

# Installed packages offer environments under these groups, so that they need no import first.
ENTRY_POINT_GROUP = "heron.envs"
VECTOR_ENTRY_POINT_GROUP = "heron.vector_envs"

_ENTRY_POINTS: dict[str, str] = {}
_VECTOR_ENTRY_POINTS: dict[str, str] = {}


def register(id: str, entry_point: str, vector_entry_point: str | None = None) -> None:
    """Make an environment available to `make` and `make_vec`.

    Parameters
    ----------
    id
        Name of the environment.
    entry_point
        "module:attribute" of a class or function that returns the environment. It is imported
        when the environment is made.
    vector_entry_point
        The same of what returns many of them at once, a `VectorMultiAgentEnv`. Without one,
        `make_vec` steps single ones in a loop.

    Raises
    ------
    ConfigError
        If the id stands for something else already, or an entry point has another form.
    """
    given = {"entry_point": entry_point, "vector_entry_point": vector_entry_point}
    for name, value in given.items():
        if value is not None and not all(value.partition(":")):
            raise ConfigError(f"{name} is {value!r}; expected 'module:attribute'")
    if id in _ENTRY_POINTS:
        present = (_ENTRY_POINTS[id], _VECTOR_ENTRY_POINTS.get(id))
        if present != (entry_point, vector_entry_point):
            raise ConfigError(f"{id!r} is registered already, for {_ENTRY_POINTS[id]}")
    _ENTRY_POINTS[id] = entry_point
    if vector_entry_point is not None:
        _VECTOR_ENTRY_POINTS[id] = vector_entry_point


def registered_ids() -> list[str]:
    """Return the ids that `make` accepts, sorted."""
    return sorted(_known())


def id_of(entry_point: str) -> str | None:
    """Return an id that stands for this "module:attribute"; None if none does."""
    return next((name for name, known in sorted(_known().items()) if known == entry_point), None)


def make(id: str, **kwargs: Any) -> Any:
    """Make the environment of that id; `kwargs` go to its entry point.

    Raises
    ------
    ConfigError
        If there is none of that id.
    """
    return _load(_entry_point(id))(**kwargs)


def make_vec(id: str, num_envs: int, *, event_driven: bool = False, **kwargs: Any) -> Any:
    """Make `num_envs` environments of that id that are stepped together.

    Parameters
    ----------
    id
        Name of the environment.
    num_envs
        Number of lanes.
    event_driven
        Whether lanes run by events: the vector that the environment's own one names in its
        attribute ``event_driven``, "module:attribute".
    **kwargs
        ``autoreset_mode``: "NextStep" (default), "SameStep" or "Disabled". The rest goes to the
        entry point, such as ``env_config``.

    Returns
    -------
    VectorMultiAgentEnv
        The environment's own vector; a `LoopedVectorEnv` if it has none.

    Raises
    ------
    ConfigError
        If there is none of that id, or it does not run by events and shall.
    """
    entry_point = _entry_point(id)
    # An id that was registered here says all there is to it, also that it has no vector.
    own = _VECTOR_ENTRY_POINTS.get(id)
    if own is None and id not in _ENTRY_POINTS:
        own = _offered(VECTOR_ENTRY_POINT_GROUP).get(id)
    vector = None if own is None else _load(own)
    if event_driven:
        vector = getattr(vector, "event_driven", None)
        if vector is None:
            raise ConfigError(f"{id} does not run by events: leave event_driven at False")
        vector = _load(vector)
    if vector is not None:
        return vector(num_envs, **kwargs)
    from heron.envs.looped import LoopedVectorEnv  # loads gymnasium

    mode = {key: kwargs.pop(key) for key in ("autoreset_mode",) if key in kwargs}
    return LoopedVectorEnv(lambda: _load(entry_point)(**kwargs), num_envs, **mode)


def _entry_point(id: str) -> str:
    known = _known()
    if id not in known:
        raise ConfigError(nearest(id, sorted(known), kind="environment"))
    return known[id]


def _load(entry_point: str) -> Any:
    module, _, attribute = entry_point.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _known() -> dict[str, str]:
    return {**_offered(ENTRY_POINT_GROUP), **_ENTRY_POINTS}


def _offered(group: str) -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=group)}
