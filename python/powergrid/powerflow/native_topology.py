"""Open lines and switches in lanes of a native power flow."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powergrid import _core
from powergrid.powerflow.openable import Openable, Unsupplied

if TYPE_CHECKING:
    from powergrid.powerflow.compilation import CompiledNetwork

__all__ = ["NativeTopology", "Variant"]

MOST_VARIANTS = 1024  # kept in memory, some ten kilobytes each; more only if as many are in use


@dataclass(frozen=True, eq=False)
class Variant:
    """The network with some lines and switches open.

    Attributes
    ----------
    network : powergrid._core.Network
        A variant of the compiled one.
    unsupplied : Unsupplied
        What has no supply.
    """

    network: _core.Network
    unsupplied: Unsupplied


class NativeTopology:
    """Which variant of a compiled network each lane is in.

    A variant is derived from the compiled arrays when a lane first needs it, and then kept.

    Parameters
    ----------
    compiled : CompiledNetwork
    openable : Openable
        What can be opened.
    n_lane : int

    Attributes
    ----------
    is_open : ndarray of uint8, (n_openable, n_lane)
        Written by the caller; counts from `take_up` on.
    variant_of : ndarray of int64, (n_lane,)
        Number of each lane's variant, 0 where nothing is open.
    """

    def __init__(self, compiled: CompiledNetwork, openable: Openable, n_lane: int) -> None:
        self._compiled, self._openable = compiled, openable
        self.is_open = np.zeros((len(openable), n_lane), np.uint8)
        self.variant_of = np.zeros(n_lane, np.int64)
        self._taken_up = self.is_open.copy()
        self._lane = np.arange(n_lane)
        n_line = len(openable.lines)
        self._branch = np.full(len(openable), -1, np.int32)
        self._switch = np.full(len(openable), -1, np.int32)
        self._branch[:n_line] = compiled.lines.start + np.array(openable.lines, np.int32)
        if openable.switches:
            nodes = compiled.find_switches()
            self._network = _core.OpenableNetwork(
                compiled.network, nodes.data, nodes.from_node, nodes.to_node
            )
            self._branch[n_line:] = nodes.branch[list(openable.switches)]
            self._switch[n_line:] = nodes.number[list(openable.switches)]
        else:
            self._network = _core.OpenableNetwork(compiled.network)
        self._number_of: dict[bytes, int] = {bytes(len(openable)): 0}
        self._variants: dict[int, Variant] = {}
        self._next = 1
        self._lock = threading.Lock()

    @property
    def n_spare_node(self) -> int:
        """Rows for voltages that a batch needs beyond the network's nodes."""
        return self._network.n_spare_node

    def variant(self, number: int) -> Variant:
        """Return a variant in use by its number, not 0."""
        return self._variants[number]

    def take_up(self, lanes: slice | NDArray[np.intp]) -> NDArray[np.intp]:
        """Let what is written to `is_open` count; return those of the lanes in which it is new."""
        is_new = (self.is_open[:, lanes] != self._taken_up[:, lanes]).any(axis=0)
        found: NDArray[np.intp] = self._lane[lanes][is_new]
        for lane in found.tolist():  # few, and each has a network of its own
            key = self.is_open[:, lane].tobytes()
            with self._lock:  # workers have lanes of their own, but share the variants
                if key not in self._number_of:
                    self._add(key)
                self.variant_of[lane] = self._number_of[key]
            self._taken_up[:, lane] = self.is_open[:, lane]
        return found

    def _add(self, key: bytes) -> None:
        if len(self._variants) >= MOST_VARIANTS:
            self._forget_unused()
        is_open = np.frombuffer(key, np.uint8) != 0
        branches, switches = self._branch[is_open], self._switch[is_open]
        network = self._network.opened(branches[branches >= 0], switches[switches >= 0])
        base, elements = self._compiled.network, self._compiled.elements
        is_dead = (network.node_of_bus < 0) & (base.node_of_bus >= 0)
        self._variants[self._next] = Variant(network, Unsupplied.at_buses(is_dead, elements))
        self._number_of[key] = self._next
        self._next += 1

    def _forget_unused(self) -> None:
        in_use = set(np.unique(self.variant_of).tolist())
        self._variants = {k: v for k, v in self._variants.items() if k in in_use}
        self._number_of = {
            key: k for key, k in self._number_of.items() if k == 0 or k in self._variants
        }
