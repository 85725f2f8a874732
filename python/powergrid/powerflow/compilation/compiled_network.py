"""A network as the native power flow takes it: flat arrays, and where tables' rows are in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid import _core
from powergrid.powerflow.element_rows import ElementRows

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["CompiledNetwork", "InjectionRows", "SwitchNodes"]


@dataclass(frozen=True)
class InjectionRows:
    """Rows of each table among the injections."""

    load: slice
    sgen: slice
    storage: slice
    gen: slice


@dataclass(frozen=True, eq=False)
class SwitchNodes:
    """What `powergrid._core.OpenableNetwork` needs to open switches.

    Attributes
    ----------
    data : dict
        As `CompiledNetwork.data`, with the nodes at both ends of the switches apart.
    from_node, to_node : ndarray of int32, (n,)
        Nodes of `data` that a switch makes one.
    number : ndarray of int32, (n_switch,)
        Place of each row of the table among them, -1 for a switch that they lack.
    branch : ndarray of int32, (n_switch,)
        Branch of a switch with an impedance, -1 for the others.
    """

    data: dict[str, Any]
    from_node: NDArray[np.int32]
    to_node: NDArray[np.int32]
    number: NDArray[np.int32]
    branch: NDArray[np.int32]


@dataclass(eq=False)
class CompiledNetwork:
    """A network for the native power flow; its arrays never change, so they may be shared.

    Attributes
    ----------
    data : dict
        The fields of the C++ struct ``NetworkData``.
    injections : InjectionRows
        Rows of ``load``, ``sgen``, ``storage`` and ``gen`` among the injections. Every row of a
        table has one, in its order, also out of service (node -1, scale 0).
    lines, trafos, trafo3ws : slice
        Rows of the tables among the branches; a three-winding transformer has three branches, all
        high sides first, then all middle, then all low ones.
    ext_grid_rows, gen_rows : ndarray of int32
        Row of each element among the held nodes, -1 where it is out of service. Elements on one
        node share a row.
    elements : ElementRows
        Rows of elements by number.
    begin : dict
        Values of the tables that `data` lacks, because a row may be without effect or shared:
        ``ext_grid_vm_pu``, ``gen_vm_pu``, ``tap_pos`` (n_trafo,; NaN without a changer).
    switches : SwitchNodes or None
        What opening switches takes; None until somebody asks for it, see `find_switches`.
    network : powergrid._core.Network
        `data`, checked and prepared.
    """

    data: dict[str, Any]
    injections: InjectionRows
    lines: slice
    trafos: slice
    trafo3ws: slice
    ext_grid_rows: NDArray[np.int32]
    gen_rows: NDArray[np.int32]
    elements: ElementRows
    begin: dict[str, NDArray[np.float64]]
    switches: SwitchNodes | None = None
    network: _core.Network = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.network = _core.Network(self.data)
        self._net: pandapowerNet | None = None
        self._build_net: Callable[[], pandapowerNet] | None = None

    @property
    def net(self) -> pandapowerNet | None:
        """The pandapower network that was compiled, built now if it can be and was not yet.

        None where it is unknown; then there is no `NativeFlow.to_pandapower` without one.
        """
        if self._net is None and self._build_net is not None:
            self._net = self._build_net()
        return self._net

    @net.setter
    def net(self, net: pandapowerNet | None) -> None:
        self._net = net
        self._build_net = None

    def find_switches(self) -> SwitchNodes:
        """Return `switches`, compiled now if they were not yet, through the pandapower network.

        Raises
        ------
        InvalidArgumentError
            If that is unknown.
        """
        if self.switches is None:
            if self.net is None:
                raise InvalidArgumentError(
                    "to open switches, the pandapower network of a compiled one must be known: "
                    "set its `net`"
                )
            from powergrid.powerflow.compilation.switches import compile_switches

            self.switches = compile_switches(self.net, self)
        return self.switches

    def build_net_by(self, build: Callable[[], pandapowerNet]) -> None:
        """Say how to build the network when somebody asks for `net`; copies take `build` along."""
        self._build_net = build

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.network = _core.Network(self.data)

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledNetwork:
        """Copy the pandapower network, which its owner may write to; share the rest."""
        result = object.__new__(CompiledNetwork)
        result.__dict__.update(self.__dict__, _net=copy.deepcopy(self._net, memo))
        return result
