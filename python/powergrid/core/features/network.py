"""Network quantities of one agent's own grid, after the last power flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from heron.core.feature import FeatureBlock

__all__ = ["BusVoltages", "GridSummary", "LineFlows"]


@dataclass
class BusVoltages(FeatureBlock):
    """Voltage magnitudes of the grid's own buses."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    vm_pu: np.ndarray = field(default_factory=lambda: np.ones(1))  # [p.u.], (n_bus,)
    v_min: float = 1.0  # lowest of vm_pu
    v_max: float = 1.0  # highest of vm_pu


@dataclass
class LineFlows(FeatureBlock):
    """Flows and loading of the grid's own lines."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    p_MW: np.ndarray = field(default_factory=lambda: np.zeros(1))  # at the from side, (n_line,)
    loading_pct: np.ndarray = field(default_factory=lambda: np.zeros(1))  # [%], (n_line,)
    max_loading: float = 0.0  # highest of loading_pct


@dataclass
class GridSummary(FeatureBlock):
    """Totals over the grid's own elements."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    total_load_MW: float = 0.0  # active power of all loads, positive = consumption
