"""The shipped setups as environments, by which `heron.make` and RLlib know them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from powergrid.envs.config import config_mapping
from powergrid.envs.event_driven_vector_env import EventDrivenVectorEnv
from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.envs.vector_grid_env import VectorGridEnv
from powergrid.setups.loader import load_setup

__all__ = [
    "ieee34_ieee13",
    "ieee34_ieee13_by_events",
    "ieee34_ieee13_lanes",
    "ieee123_ieee13",
    "ieee123_ieee13_by_events",
    "ieee123_ieee13_lanes",
    "make_event_driven_lanes",
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


def make_event_driven_lanes(
    setup: str, num_envs: int, env_config: Mapping[str, Any] | None = None, **kwargs: Any
) -> EventDrivenVectorEnv:
    """Make many of them that run by events; the rest goes to `EventDrivenVectorEnv`."""
    return EventDrivenVectorEnv(num_envs, _config(setup, env_config), **kwargs)


def _config(setup: str, env_config: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**load_setup(setup), **config_mapping("make_setup", env_config)}


class Lanes(partial[VectorGridEnv]):
    """What makes lanes of a setup; `heron.make_vec` asks it for those that run by events."""

    event_driven: str


# The entry points of the package.
ieee34_ieee13 = partial(make_setup, "ieee34_ieee13")
ieee34_ieee13_lanes = Lanes(make_lanes, "ieee34_ieee13")
ieee34_ieee13_by_events = partial(make_event_driven_lanes, "ieee34_ieee13")
ieee34_ieee13_lanes.event_driven = f"{__name__}:ieee34_ieee13_by_events"
ieee123_ieee13 = partial(make_setup, "ieee123_ieee13")
ieee123_ieee13_lanes = Lanes(make_lanes, "ieee123_ieee13")
ieee123_ieee13_by_events = partial(make_event_driven_lanes, "ieee123_ieee13")
ieee123_ieee13_lanes.event_driven = f"{__name__}:ieee123_ieee13_by_events"
