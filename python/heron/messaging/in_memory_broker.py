"""The broker of `heron.messaging.memory` under its older module name."""

from __future__ import annotations

from heron.messaging.memory import InMemoryBroker

__all__ = ["InMemoryBroker"]
