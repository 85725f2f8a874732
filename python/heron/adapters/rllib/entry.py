"""From what a configuration says to an environment."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import heron
from heron.errors import ConfigError

__all__ = ["Entry", "make_environment"]

# A registered id, "module:attribute", or something that makes an environment of a configuration.
Entry = str | Callable[..., Any]


def make_environment(entry: Entry, env_config: Mapping[str, Any] | None = None) -> Any:
    """Make a PettingZoo ParallelEnv.

    Parameters
    ----------
    entry : str or callable
        An id that `heron.make` knows, ``"module:attribute"``, or a class or function. Names
        travel to other processes without the class being pickled.
    env_config : mapping, optional
        Passed on as the keyword ``env_config``.

    Raises
    ------
    ConfigError
        If the name stands for nothing, or for something that is not a parallel environment.
    """
    config = dict(env_config or {})
    if not isinstance(entry, str):
        env = entry(env_config=config)
    elif ":" in entry:
        env = _load(entry)(env_config=config)
    else:
        env = heron.make(entry, env_config=config)
    missing = [
        name
        for name in ("possible_agents", "observation_space", "action_space", "reset", "step")
        if not hasattr(env, name)
    ]
    if missing:
        raise ConfigError(
            f"{entry!r} made {type(env).__name__}, which has no {', '.join(missing)}; expected a "
            f"PettingZoo ParallelEnv"
        )
    return env


def _load(entry: str) -> Callable[..., Any]:
    module, _, attribute = entry.partition(":")
    try:
        made: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"env {entry!r} cannot be imported ({error}); expected 'module:attribute'"
        ) from error
    return made
