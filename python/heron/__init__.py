"""Hierarchical multi-agent environments with timing: agents, features, protocols, envs."""

from __future__ import annotations

from heron.envs.registry import make, register
from heron.errors import ConfigError, HeronError

__all__ = ["ConfigError", "HeronError", "__version__", "make", "register"]

__version__ = "0.1.0"
