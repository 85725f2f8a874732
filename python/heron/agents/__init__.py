"""Agents by level: proxy (0), field (1), coordinator (2), system (3)."""

from __future__ import annotations

from heron.agents.base import Agent
from heron.agents.coordinator_agent import COORDINATOR_LEVEL, CoordinatorAgent
from heron.agents.field_agent import FIELD_LEVEL, FieldAgent
from heron.agents.hierarchical_agent import HierarchicalAgent
from heron.agents.proxy_agent import PROXY_LEVEL, ProxyAgent
from heron.agents.system_agent import SYSTEM_LEVEL, SystemAgent

__all__ = [
    "COORDINATOR_LEVEL",
    "FIELD_LEVEL",
    "PROXY_LEVEL",
    "SYSTEM_LEVEL",
    "Agent",
    "CoordinatorAgent",
    "FieldAgent",
    "HierarchicalAgent",
    "ProxyAgent",
    "SystemAgent",
]
