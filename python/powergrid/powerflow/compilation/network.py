"""A pandapower network as flat arrays, and where its tables' rows are in them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandapower as pp
from numpy.typing import NDArray

from powergrid.powerflow.compilation.branches import branch_arrays
from powergrid.powerflow.compilation.controlled import controlled_arrays, rows_of, start_arrays
from powergrid.powerflow.compilation.injections import (
    InjectionRows,
    fixed_arrays,
    injection_arrays,
    shunt_arrays,
)
from powergrid.powerflow.compilation.internal import column, internal_model
from powergrid.powerflow.compilation.supported import check_options, check_supported
from powergrid.powerflow.compilation.taps import tap_arrays

__all__ = ["CompiledNetwork", "compile_network"]


@dataclass(frozen=True)
class CompiledNetwork:
    """A network for the native power flow; it can be pickled and shared.

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
    has_tap_changer : ndarray of bool, (n_trafo,)
        Whether a position of the transformer has an effect.
    net : pandapowerNet or None
        What was compiled; `NativeFlow.to_pandapower` alone needs it.
    """

    data: dict[str, Any]
    injections: InjectionRows
    lines: slice
    trafos: slice
    trafo3ws: slice
    ext_grid_rows: NDArray[np.int32]
    gen_rows: NDArray[np.int32]
    has_tap_changer: NDArray[np.bool_]
    net: pp.pandapowerNet | None = field(repr=False, compare=False)


def compile_network(net: pp.pandapowerNet) -> CompiledNetwork:
    """Compile a pandapower network for the native power flow.

    Everything is taken from pandapower's internal model, so that every element means what it
    means there; controllers are ignored. `net` is not changed.

    Raises
    ------
    UnsupportedNetworkError
        For an element or option that has no native model; the message names table, row and reason.

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
        model = internal_model(net, is_neutral=True)
        check_options(model.net)
        injections, rows = injection_arrays(model, net)
        data: dict[str, Any] = {
            "base_mva": float(model.ppc["baseMVA"]),
            "n_phase": 1,
            "node_of_bus": model.nodes(net.bus.index.to_numpy(np.int64)),
            **fixed_arrays(model),
            **controlled_arrays(model),
            **branch_arrays(model),
            **tap_arrays(model, column(net.trafo, "tap_pos")),
            **injections,
            **shunt_arrays(model, net),
        }
        data |= start_arrays(model, data)
    held = data["controlled_node"]
    return CompiledNetwork(
        data=data,
        injections=rows,
        lines=model.branches("line"),
        trafos=model.branches("trafo"),
        trafo3ws=model.branches("trafo3w"),
        ext_grid_rows=rows_of(model, net, "ext_grid", held),
        gen_rows=rows_of(model, net, "gen", held),
        has_tap_changer=data["tap_branch"] >= 0,
        net=net,
    )
