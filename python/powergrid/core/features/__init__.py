"""Observable state of devices and grids, one block a concept."""

from powergrid.core.features.availability import AvailablePower
from powergrid.core.features.context import ClockBlock, ForecastBlock, MarketBlock
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.core.features.network import BusVoltages, GridSummary, LineFlows
from powergrid.core.features.power_limits import PowerLimits
from powergrid.core.features.storage import StorageBlock
from powergrid.core.features.tap import TapBlock
from powergrid.core.features.unit_status import UnitStatus

__all__ = [
    "AvailablePower",
    "BusVoltages",
    "ClockBlock",
    "ElectricalBasePh",
    "ForecastBlock",
    "GridSummary",
    "LineFlows",
    "MarketBlock",
    "PowerLimits",
    "StorageBlock",
    "TapBlock",
    "UnitStatus",
]
