"""Hierarchical multi-agent environments with timing: agents, features, protocols, envs."""

from __future__ import annotations

from heron.envs.registry import make, make_vec, register
from heron.errors import ConfigError, HeronError

__all__ = ["ConfigError", "HeronError", "__version__", "make", "make_vec", "register"]

__version__ = "0.1.0"
