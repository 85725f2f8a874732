"""The agent above all coordinators."""

from __future__ import annotations

from typing import Any

from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.core.state import SystemAgentState

__all__ = ["SYSTEM_LEVEL", "SystemAgent"]

SYSTEM_LEVEL = 3


class SystemAgent(HierarchicalAgent):
    """The agent of the highest level, above coordinators."""

    def __init__(self, agent_id: str = "system_agent", *args: Any, **kwargs: Any) -> None:
        super().__init__(agent_id, *args, **kwargs)
        self.level = SYSTEM_LEVEL
        self.state = SystemAgentState(self.agent_id, self.level)
