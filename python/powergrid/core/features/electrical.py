"""Electrical quantities at a device's terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["ElectricalBasePh"]


@dataclass
class ElectricalBasePh(FeatureBlock):
    """Power and voltage of a device; positive P and Q are injections into the grid."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    p_MW: float = 0.0  # active power [MW]
    q_MVAr: float = 0.0  # reactive power [Mvar]
    v_pu: float = 1.0  # voltage magnitude at the bus [p.u.]
    va_deg: float = 0.0  # voltage angle at the bus [degree]
