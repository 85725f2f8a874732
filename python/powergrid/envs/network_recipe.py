"""All that decides the network of microgrids merged into a distribution grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from powergrid.agents.attach import place_agent
from powergrid.agents.placement import DeviceRequest, Placement
from powergrid.networks.catalog import make_network
from powergrid.networks.merge import merge_microgrid

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["MicrogridRecipe", "NetworkRecipe"]


@dataclass(frozen=True)
class MicrogridRecipe:
    """A microgrid: which feeder, where it hangs, and what its devices want of it."""

    name: str
    network: str
    connection_bus: str
    load_scale: float
    devices: tuple[DeviceRequest, ...]


@dataclass(frozen=True)
class NetworkRecipe:
    """A distribution grid and its microgrids, in plain values.

    Building takes nothing else, so equal recipes make equal networks.
    """

    name: str
    network: str
    load_scale: float
    source_vm_pu: float
    is_regulated: bool  # by line-drop compensation
    microgrids: tuple[MicrogridRecipe, ...]

    @property
    def networks(self) -> set[str]:
        """The kinds of feeders it is made of."""
        return {self.network, *(microgrid.network for microgrid in self.microgrids)}

    def build(self) -> pandapowerNet:
        """Build the merged network, without devices."""
        net = make_network(self.network, self.name, load_scale=self.load_scale)
        net.ext_grid["vm_pu"] = self.source_vm_pu
        for microgrid in self.microgrids:
            net = merge_microgrid(
                net,
                make_network(microgrid.network, microgrid.name),
                microgrid.connection_bus,
                load_scale=microgrid.load_scale,
            )
        return net

    def place(self, net: pandapowerNet) -> Mapping[str, Placement]:
        """Add the devices to the network, and return where each agent stands."""
        return {
            microgrid.name: place_agent(net, microgrid.name, microgrid.devices)
            for microgrid in self.microgrids
        }

    def build_with_devices(self) -> pandapowerNet:
        """Build the whole network."""
        net = self.build()
        self.place(net)
        return net
