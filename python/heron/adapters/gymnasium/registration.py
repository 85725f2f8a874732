"""HERON's environments under Gymnasium's ids."""

from __future__ import annotations

from typing import Any

import gymnasium

import heron
from heron.adapters.gymnasium.single import JointEnv
from heron.adapters.gymnasium.vector import JointVectorEnv
from heron.envs.registry import registered_ids

__all__ = ["make_single", "make_vector", "register_environments"]

NAMESPACE = "heron"


def register_environments() -> None:
    """Give every id that `heron.make` knows to Gymnasium, as ``heron/<id>``.

    Call it again after `heron.register`.
    """
    for name in registered_ids():
        gymnasium_id = f"{NAMESPACE}/{name}"
        if gymnasium_id not in gymnasium.registry:
            gymnasium.register(
                gymnasium_id,
                entry_point=f"{__name__}:make_single",
                vector_entry_point=f"{__name__}:make_vector",
                kwargs={"env": name},
            )


def make_single(env: str, **kwargs: Any) -> JointEnv:
    """Return what ``gymnasium.make("heron/<env>")`` makes; `kwargs` go to `heron.make`."""
    return JointEnv(heron.make(env, **kwargs))


def make_vector(num_envs: int, env: str, *, copy: bool = True, **kwargs: Any) -> JointVectorEnv:
    """Return what ``gymnasium.make_vec("heron/<env>")`` makes; `kwargs` go to `heron.make_vec`."""
    return JointVectorEnv(heron.make_vec(env, num_envs, **kwargs), copy=copy)
