"""A pandapower network as flat arrays, and where its tables' rows are in them."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid import _core
from powergrid.powerflow.compilation.branches import branch_arrays
from powergrid.powerflow.compilation.checks import branch_without_impedance, check_numbers
from powergrid.powerflow.compilation.controlled import controlled_arrays, rows_of
from powergrid.powerflow.compilation.injections import (
    InjectionRows,
    fixed_arrays,
    injection_arrays,
    shunt_arrays,
)
from powergrid.powerflow.compilation.internal import column, neutral_model
from powergrid.powerflow.compilation.start import start_arrays
from powergrid.powerflow.compilation.supported import check_options, check_supported
from powergrid.powerflow.compilation.taps import tap_arrays
from powergrid.powerflow.element_rows import ElementRows

__all__ = ["CompiledNetwork", "compile_network"]


class CompiledNetwork:
    """A network for the native power flow; it never changes, so it may be shared.

    Attributes
    ----------
    data : dict
        The fields of the C++ struct ``NetworkData``.
    network : powergrid._core.Network
        The same, checked and prepared.
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
    net : pandapowerNet or None
        What was compiled; without it there is no `NativeFlow.to_pandapower`.
    """

    data: dict[str, Any]
    network: _core.Network
    injections: InjectionRows
    lines: slice
    trafos: slice
    trafo3ws: slice
    ext_grid_rows: NDArray[np.int32]
    gen_rows: NDArray[np.int32]
    elements: ElementRows
    begin: dict[str, NDArray[np.float64]]
    net: pp.pandapowerNet | None

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.network = _core.Network(self.data)

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledNetwork:
        """Copy the pandapower network, which its owner may write to; share the rest."""
        new = copy.copy(self.__dict__) | {"net": copy.deepcopy(self.net, memo)}
        result = object.__new__(CompiledNetwork)
        result.__dict__.update(new)
        return result


def compile_network(net: pp.pandapowerNet) -> CompiledNetwork:
    """Compile a pandapower network for the native power flow.

    Everything is taken from pandapower's internal model, so that every element means what it
    means there; controllers are ignored. `net` is not changed.

    Raises
    ------
    UnsupportedNetworkError
        For an element or option that has no native model; the message names table, row and reason.
    InvalidArgumentError
        For a number that is none, or a branch of a meshed network without impedance; the message
        names the element.

    Examples
    --------
    >>> import pandapower.networks as nw
    >>> compiled = compile_network(nw.case9())
    >>> len(compiled.data["from_node"]), len(compiled.data["controlled_node"])
    (9, 3)
    """
    check_supported(net)
    with warnings.catch_warnings():
        # pandas' own about pandapower's ways; nothing a caller could do about them.
        warnings.simplefilter("ignore", (FutureWarning, DeprecationWarning))
        model = neutral_model(net)
        check_options(model.net)
        tap_pos = column(net.trafo, "tap_pos")
        injections, rows = injection_arrays(model, net)
        data: dict[str, Any] = {
            "base_mva": float(model.ppc["baseMVA"]),
            "n_phase": 1,
            "node_of_bus": model.nodes(net.bus.index.to_numpy(np.int64)),
            **fixed_arrays(model),
            **controlled_arrays(model),
            **branch_arrays(model),
            **tap_arrays(model, tap_pos),
            **injections,
            **shunt_arrays(model, net),
        }
        check_numbers(model, data, rows)
        data |= start_arrays(model, data)
    try:
        network = _core.Network(data)
    except InvalidArgumentError as error:
        without = branch_without_impedance(model, data)
        if without is None:
            raise
        raise InvalidArgumentError(
            f"{without} has no impedance, which only a radial network can have: join its ends by a "
            f"closed bus-bus switch instead"
        ) from error
    held = data["controlled_node"]
    return CompiledNetwork(
        data=data,
        network=network,
        injections=rows,
        lines=model.branches("line"),
        trafos=model.branches("trafo"),
        trafo3ws=model.branches("trafo3w"),
        ext_grid_rows=rows_of(model, net, "ext_grid", held),
        gen_rows=rows_of(model, net, "gen", held),
        elements=ElementRows(net),
        begin={
            "ext_grid_vm_pu": column(net.ext_grid, "vm_pu", 1.0),
            "gen_vm_pu": column(net.gen, "vm_pu", 1.0),
            "tap_pos": np.where(data["tap_branch"] >= 0, data["tap_pos"], tap_pos),
        },
        net=net,
    )
