"""Energy content of a battery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heron.core.feature import FeatureBlock

__all__ = ["StorageBlock"]


@dataclass
class StorageBlock(FeatureBlock):
    """State of charge, energy and efficiencies of a storage unit."""

    visibility: ClassVar[list[str]] = ["owner", "upper_level"]

    soc: float = 0.5  # state of charge [fraction of capacity]
    e_capacity_MWh: float = 1.0  # energy capacity [MWh]
    e_stored_MWh: float = 0.5  # energy stored [MWh] = soc * e_capacity_MWh
    ch_eff: float = 0.95  # charging efficiency: stored / taken from the grid
    dsc_eff: float = 0.95  # discharging efficiency: given to the grid / taken from the store
