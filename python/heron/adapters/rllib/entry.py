"""From what a configuration says to an environment."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import heron
from heron.envs.looped import LoopedVectorEnv
from heron.envs.registry import id_of
from heron.errors import ConfigError

__all__ = ["Entry", "make_environment", "make_vector_environment"]

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


def make_vector_environment(
    entry: Entry,
    num_envs: int,
    env_config: Mapping[str, Any] | None = None,
    *,
    vector_env: Entry | None = None,
    **kwargs: Any,
) -> Any:
    """Make many of the environments that `make_environment` makes, stepped together.

    An id, and a class that is registered under one, stand for the vector that is registered with
    them; what has none is stepped one after the other.

    Parameters
    ----------
    entry : str or callable
        See `make_environment`.
    num_envs : int
        Number of lanes.
    env_config : mapping, optional
        Passed on as the keyword ``env_config``.
    vector_env : str or callable, optional
        What to make instead: a registered id, ``"module:attribute"``, or what takes the number of
        lanes and ``env_config``.
    **kwargs
        More for the vector, such as ``autoreset_mode``.

    Returns
    -------
    VectorMultiAgentEnv

    Raises
    ------
    ConfigError
        If the name stands for nothing, or agents have unequal spaces.
    """
    config = dict(env_config or {})
    if vector_env is not None and not isinstance(vector_env, str):
        return vector_env(num_envs, env_config=config, **kwargs)
    if vector_env is not None and ":" in vector_env:
        return _load(vector_env)(num_envs, env_config=config, **kwargs)
    name = vector_env if vector_env is not None else _id(entry)
    if name is not None:
        return heron.make_vec(name, num_envs, env_config=config, **kwargs)
    return LoopedVectorEnv(lambda: make_environment(entry, config), num_envs, **kwargs)


def _id(entry: Entry) -> str | None:
    if not isinstance(entry, str):
        module, name = getattr(entry, "__module__", ""), getattr(entry, "__qualname__", "")
        return id_of(f"{module}:{name}")
    return id_of(entry) if ":" in entry else entry


def _load(entry: str) -> Callable[..., Any]:
    module, _, attribute = entry.partition(":")
    try:
        made: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"env {entry!r} cannot be imported ({error}); expected 'module:attribute'"
        ) from error
    return made
