"""Environments: the core that all share, the PettingZoo base, and making them by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heron.envs.core import HeronEnvCore
    from heron.envs.pettingzoo import PettingZooParallelEnv

__all__ = ["HeronEnvCore", "PettingZooParallelEnv"]


def __getattr__(name: str) -> Any:
    # Late, so that importing heron does not import gymnasium and pettingzoo.
    if name == "HeronEnvCore":
        from heron.envs.core import HeronEnvCore

        return HeronEnvCore
    if name == "PettingZooParallelEnv":
        from heron.envs.pettingzoo import PettingZooParallelEnv

        return PettingZooParallelEnv
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
