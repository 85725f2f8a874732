"""What is without supply in each lane, because lines or switches are open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from powergrid.agents.action_layout import device_action_dims
from powergrid.agents.device_agent import DeviceAgent
from powergrid.engine.device_stage import DeviceStage
from powergrid.engine.network_stage import NetworkStage
from powergrid.engine.scene import Scene
from powergrid.kernels.disturbances import zero_where
from powergrid.powerflow.openable import Unsupplied

__all__ = ["Supply", "is_switchable"]

MOST_KNOWN = 2048  # sets of open elements of which it is remembered what they cut off


def is_switchable(device: DeviceAgent) -> bool:
    """Return whether a device injects what it is commanded to."""
    return device.element not in ("", "trafo") and bool(device_action_dims(device))


class Supply:
    """Loads and devices on buses without supply.

    Attributes
    ----------
    is_dead : ndarray of uint8, (n_device, n_lane)
        Devices without supply, in the order of `DeviceStage.in_order`.
    """

    def __init__(self, scene: Scene, devices: DeviceStage, network: NetworkStage) -> None:
        self._network, self._flow = network, network.flow.flow
        n_lane, rows = scene.n_lane, network.flow.rows
        self.is_dead = np.zeros((len(devices.in_order), n_lane), np.uint8)
        self._load_is_dead = np.zeros((len(network.load_row), n_lane), np.uint8)
        self._load = np.arange(len(network.load_row), dtype=np.int32)
        # By what is unsupplied.
        self._dead: dict[
            Unsupplied | None, tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]
        ] = {}
        # Where each load is among those of the zones, and each device by its element's row.
        start = network.flow.injection["load"]
        self._load_place = np.full(len(rows.bus_of["load"]), -1, np.intp)
        self._load_place[network.load_row - start] = self._load
        self._device_at: dict[str, NDArray[np.intp]] = {
            table: np.full(len(rows.bus_of[table]), -1, np.intp) for table in ("sgen", "storage")
        }
        for k, m in enumerate(devices.in_order):
            if is_switchable(m.device) and m.device.pp_idx >= 0:
                table = "storage" if m.device.element == "storage" else "sgen"
                self._device_at[table][getattr(rows, table)[m.device.pp_idx]] = k

    def rewire(self, first: int, last: int) -> None:
        """Take up what is open in some lanes."""
        self._find(self._flow.rewire(first, last))

    def recognise(self, lanes: NDArray[np.intp]) -> None:
        """Find out what is open in lanes whose whole state was written."""
        self._flow.recognise(lanes)
        self._find(lanes)

    def cut(self, first: int, last: int) -> None:
        """Let loads without supply draw nothing."""
        network = self._network
        for inputs in (network.flow.p_mw, network.flow.q_mvar):
            zero_where(self._load_is_dead, self._load, inputs, network.load_row, first, last)

    def _find(self, lanes: NDArray[np.intp]) -> None:
        """Find what is without supply in lanes where that may have changed."""
        for lane in lanes.tolist():  # each has a network of its own
            found = self._flow.unsupplied(lane)
            dead = self._dead.get(found)
            if dead is None:
                if len(self._dead) >= MOST_KNOWN:
                    self._dead.clear()
                dead = self._dead[found] = self._look_up(found)
            self._load_is_dead[:, lane], self.is_dead[:, lane], total = dead
            self._network.served_mw[:, lane] = total

    def _look_up(
        self, found: Unsupplied | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]:
        """Return which loads and devices are dead, and the agents' base load that is left."""
        loads = np.zeros(len(self._load), np.uint8)
        devices = np.zeros(len(self.is_dead), np.uint8)
        if found is not None:
            loads[_known(self._load_place[found.loads])] = 1
            for table, of in (("sgen", found.sgens), ("storage", found.storages)):
                devices[_known(self._device_at[table][of])] = 1
        return loads, devices, self._network.base_load_mw(loads)


def _known(places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[places >= 0]
