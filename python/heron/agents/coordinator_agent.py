"""Agents that coordinate field agents."""

from __future__ import annotations

from typing import Any

from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.core.state import CoordinatorAgentState

__all__ = ["COORDINATOR_LEVEL", "CoordinatorAgent"]

COORDINATOR_LEVEL = 2


class CoordinatorAgent(HierarchicalAgent):
    """An agent of the middle level, above field agents.

    Examples
    --------
    >>> from heron.agents.field_agent import FieldAgent
    >>> from heron.protocols.vertical import SetpointProtocol
    >>> house = CoordinatorAgent(
    ...     "house", protocol=SetpointProtocol(), subordinates=[FieldAgent("a"), FieldAgent("b")]
    ... )
    >>> house.act(house.observe(), upstream_action=[0.1, 0.2])
    {'a': array([0.1]), 'b': array([0.2])}
    """

    def __init__(self, agent_id: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(agent_id, *args, **kwargs)
        self.level = COORDINATOR_LEVEL
        self.state = CoordinatorAgentState(self.agent_id, self.level)
