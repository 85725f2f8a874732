"""The shipped setups as environments, by which `heron.make` and RLlib know them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from powergrid.envs.config import config_mapping
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

__all__ = [
    "ieee34_ieee13",
    "ieee34_ieee13_lanes",
    "ieee123_ieee13",
    "ieee123_ieee13_lanes",
    "make_lanes",
    "make_setup",
]


def make_setup(
    setup: str, env_config: Mapping[str, Any] | None = None, **kwargs: Any
) -> MultiAgentMicrogrids:
    """Make the environment of a setup.

    Parameters
    ----------
    setup : str
        Its name; see `load_setup`.
    env_config : mapping, optional
        Replaces entries of the setup's configuration.
    **kwargs
        For `MultiAgentMicrogrids`.

    Examples
    --------
    >>> make_setup("ieee34_ieee13", {"max_episode_steps": 4}).max_episode_steps
    4
    """
    return MultiAgentMicrogrids(_config(setup, env_config), **kwargs)


def make_lanes(
    setup: str, num_envs: int, env_config: Mapping[str, Any] | None = None, **kwargs: Any
) -> VectorGridEnv:
    """Make many of them that are stepped together; the rest goes to `VectorGridEnv`."""
    return VectorGridEnv(num_envs, _config(setup, env_config), **kwargs)


def _config(setup: str, env_config: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**load_setup(setup), **config_mapping("make_setup", env_config)}


# The entry points of the package.
ieee34_ieee13 = partial(make_setup, "ieee34_ieee13")
ieee34_ieee13_lanes = partial(make_lanes, "ieee34_ieee13")
ieee123_ieee13 = partial(make_setup, "ieee123_ieee13")
ieee123_ieee13_lanes = partial(make_lanes, "ieee123_ieee13")
