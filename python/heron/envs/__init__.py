"""Environments: what all share, PettingZoo's base, vectors of them, and making them by id."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heron.envs.core import HeronEnvCore
    from heron.envs.looped import LoopedVectorEnv
    from heron.envs.pettingzoo import PettingZooParallelEnv
    from heron.envs.vector import VectorMultiAgentEnv

__all__ = ["HeronEnvCore", "LoopedVectorEnv", "PettingZooParallelEnv", "VectorMultiAgentEnv"]

_MODULES = {
    "HeronEnvCore": "core",
    "LoopedVectorEnv": "looped",
    "PettingZooParallelEnv": "pettingzoo",
    "VectorMultiAgentEnv": "vector",
}


def __getattr__(name: str) -> Any:
    # Late, so that importing heron does not import gymnasium and pettingzoo.
    if name in _MODULES:
        return getattr(importlib.import_module(f"heron.envs.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
