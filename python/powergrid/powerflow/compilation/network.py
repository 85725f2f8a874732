"""Compile a pandapower network into flat arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandapower as pp

from heron.errors import InvalidArgumentError
from powergrid.powerflow.compilation.branches import branch_arrays
from powergrid.powerflow.compilation.checks import branch_without_impedance, check_numbers
from powergrid.powerflow.compilation.compiled_network import CompiledNetwork
from powergrid.powerflow.compilation.controlled import controlled_arrays, rows_of
from powergrid.powerflow.compilation.injections import (
    fixed_arrays,
    injection_arrays,
    shunt_arrays,
)
from powergrid.powerflow.compilation.internal import column, neutral_model
from powergrid.powerflow.compilation.start import start_arrays
from powergrid.powerflow.compilation.supported import check_options, check_supported
from powergrid.powerflow.compilation.taps import tap_arrays
from powergrid.powerflow.element_rows import ElementRows

__all__ = ["compile_network"]


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
    held = data["controlled_node"]
    try:
        compiled = CompiledNetwork(
            data=data,
            injections=rows,
            lines=model.branches("line"),
            trafos=model.branches("trafo"),
            trafo3ws=model.branches("trafo3w"),
            ext_grid_rows=rows_of(model, net, "ext_grid", held),
            gen_rows=rows_of(model, net, "gen", held),
            elements=ElementRows.of(net),
            begin={
                "ext_grid_vm_pu": column(net.ext_grid, "vm_pu", 1.0),
                "gen_vm_pu": column(net.gen, "vm_pu", 1.0),
                "tap_pos": np.where(data["tap_branch"] >= 0, data["tap_pos"], tap_pos),
            },
        )
    except InvalidArgumentError as error:
        without = branch_without_impedance(model, data)
        if without is None:
            raise
        raise InvalidArgumentError(
            f"{without} has no impedance, which only a radial network can have: join its ends by a "
            f"closed bus-bus switch instead"
        ) from error
    compiled.net = net
    return compiled
