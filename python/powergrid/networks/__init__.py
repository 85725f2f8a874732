"""Distribution networks: IEEE and CIGRE feeders, look-up of buses, merging.

Nothing here imports pandapower before a network is built.
"""

from __future__ import annotations

from powergrid.networks.catalog import NETWORKS, make_network
from powergrid.networks.cigre import CIGRELV, CIGREMV
from powergrid.networks.ieee13 import IEEE13Bus
from powergrid.networks.ieee34 import IEEE34Bus
from powergrid.networks.ieee123 import IEEE123Bus
from powergrid.networks.lookup import bus_index
from powergrid.networks.merge import merge_microgrid
from powergrid.networks.start import tap_aware_start

__all__ = [
    "CIGRELV",
    "CIGREMV",
    "NETWORKS",
    "IEEE13Bus",
    "IEEE34Bus",
    "IEEE123Bus",
    "bus_index",
    "make_network",
    "merge_microgrid",
    "tap_aware_start",
]
