"""The framework's states under the names that power engineers expect."""

from __future__ import annotations

from heron.core.state import CoordinatorAgentState as GridState
from heron.core.state import FieldAgentState as DeviceState

__all__ = ["DeviceState", "GridState"]
