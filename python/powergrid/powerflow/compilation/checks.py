"""Errors of compiled arrays, in words of the network that they come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from heron.errors import InvalidArgumentError
from powergrid.powerflow.compilation.internal import InternalModel

__all__ = ["branch_without_impedance", "check_numbers"]

OF_BRANCH = (
    *("r_pu", "x_pu", "r_back_pu", "x_back_pu", "g_from_pu", "b_from_pu", "g_to_pu", "b_to_pu"),
    *("ratio", "shift_degree", "loading_from", "loading_to"),
)
OF_NODE = ("p_fixed_pu", "q_fixed_pu", "g_shunt_pu", "b_shunt_pu")
OF_INJECTION = ("p_mw", "q_mvar", "injection_scale")


def check_numbers(model: InternalModel, data: dict[str, Any], injections: Any) -> None:
    """Raise InvalidArgumentError, naming the element, for what is not a finite number.

    Parameters
    ----------
    injections : InjectionRows
        Rows of the tables among the injections.
    """
    for name in OF_BRANCH:
        for row in np.flatnonzero(~np.isfinite(data[name])).tolist():
            raise InvalidArgumentError(
                f"{_branch(model, row)}: its parameters give {name} = {data[name][row]}, expected "
                f"a finite number"
            )
    for table, rows in vars(injections).items():
        for name in OF_INJECTION:
            for row in np.flatnonzero(~np.isfinite(data[name][rows])).tolist():
                raise InvalidArgumentError(
                    f"net.{table}.loc[{_label(model, table, row)}]: its {name} is "
                    f"{data[name][rows][row]}, expected a finite number"
                )
    for name in OF_NODE:
        for node in np.flatnonzero(~np.isfinite(data[name])).tolist():
            bus = model.net.bus.index[np.flatnonzero(data["node_of_bus"] == node)]
            raise InvalidArgumentError(
                f"net.bus.loc[{bus.tolist()}]: what draws or injects there gives {name} = "
                f"{data[name][node]}, expected a finite number"
            )


def branch_without_impedance(model: InternalModel, data: dict[str, Any]) -> str | None:
    """Return the name of a branch in service whose impedance is zero, None if there is none."""
    is_on = data["from_node"] >= 0
    for r, x in (("r_pu", "x_pu"), ("r_back_pu", "x_back_pu")):
        for row in np.flatnonzero(is_on & (data[r] == 0.0) & (data[x] == 0.0)).tolist():
            return _branch(model, row)
    return None


def _branch(model: InternalModel, row: int) -> str:
    """Return a branch's element, by its row of pandapower's branch table."""
    for table, (start, stop) in model.net._pd2ppc_lookups["branch"].items():
        if start <= row < stop and table in model.net:
            n = len(model.net[table])  # a transformer of three windings has three rows
            return f"net.{table}.loc[{_label(model, table, (row - start) % n)}]"
    return f"branch {row} of pandapower's internal model"


def _label(model: InternalModel, table: str, row: int) -> str:
    label = model.net[table].index[row]
    return repr(getattr(label, "item", lambda: label)())
