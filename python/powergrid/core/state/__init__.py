"""State containers of devices and grids."""

from powergrid.core.state.state import DeviceState, GridState

__all__ = ["DeviceState", "GridState"]
