"""Environments by id."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from heron.errors import ConfigError, nearest

__all__ = ["ENTRY_POINT_GROUP", "make", "register", "registered_ids"]

# Installed packages offer environments under this group, so that they need no import first.
ENTRY_POINT_GROUP = "heron.envs"

_ENTRY_POINTS: dict[str, str] = {}


def register(id: str, entry_point: str) -> None:
    """Make an environment available to `make`.

    Parameters
    ----------
    id
        Name of the environment.
    entry_point
        "module:attribute" of a class or function that returns the environment. It is imported
        when the environment is made.

    Raises
    ------
    ConfigError
        If the id stands for something else already, or the entry point has another form.
    """
    module, _, attribute = entry_point.partition(":")
    if not module or not attribute:
        raise ConfigError(f"entry_point is {entry_point!r}; expected 'module:attribute'")
    if _ENTRY_POINTS.get(id, entry_point) != entry_point:
        raise ConfigError(f"{id!r} is registered already, for {_ENTRY_POINTS[id]}")
    _ENTRY_POINTS[id] = entry_point


def registered_ids() -> list[str]:
    """Return the ids that `make` accepts, sorted."""
    return sorted(_known())


def make(id: str, **kwargs: Any) -> Any:
    """Make the environment of that id; `kwargs` go to its entry point.

    Raises
    ------
    ConfigError
        If there is none of that id.
    """
    known = _known()
    if id not in known:
        raise ConfigError(nearest(id, sorted(known), kind="environment"))
    module, _, attribute = known[id].partition(":")
    return getattr(importlib.import_module(module), attribute)(**kwargs)


def _known() -> dict[str, str]:
    offered = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    return {**offered, **_ENTRY_POINTS}
