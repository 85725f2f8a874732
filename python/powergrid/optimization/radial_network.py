"""A radial network in the quantities of the branch-flow model, one column a step.

The lanes of a power flow are the steps: their taps, shunts, set voltages and powers count. All is
in per unit of a base of its own, about as large as what the network carries, so that the solver
sees numbers near 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powergrid.optimization.radial_check import check_radial
from powergrid.powerflow.compilation import CompiledNetwork
from powergrid.powerflow.native_flow import NativeFlow

__all__ = ["RadialNetwork"]

Array = NDArray[np.float64]
RATIO = 0  # of TapKind: the others turn only the angle, which no radial network feels


@dataclass(frozen=True)
class RadialNetwork:
    """Branches, nodes and what is not decided, of every step.

    A branch is an ideal transformer `ratio` at its from end, then a pi circuit. What a node injects
    at the squared voltage v is ``p_constant + p_current sqrt(v) - g v`` and, of reactive power,
    ``q_constant + q_current sqrt(v) + b v``.

    Attributes
    ----------
    compiled : CompiledNetwork
        What it was read from.
    base_mva : float
        Power that is 1 p.u. here.
    rows : ndarray of intp, (n_branch,)
        The branches in service among those of the compiled network.
    from_node, to_node : ndarray of intp, (n_branch,)
        Their ends.
    r, x, g_from, b_from, g_to, b_to, ratio : ndarray, (n_branch, n_step)
        Series impedance, shunts, turns ratio from : to.
    l_max_from, l_max_to : ndarray, (n_branch,)
        Square of the rated current at either end; infinite without a rating.
    p_constant, q_constant, p_current, q_current, g, b : ndarray, (n_node, n_step)
        See above.
    held_node : ndarray of intp, (n_held,)
        Nodes whose voltage is held.
    is_source : ndarray of bool, (n_held,)
        Whether an external grid does, which supplies active power too.
    v_held : ndarray, (n_held, n_step)
        The square of that voltage.
    """

    compiled: CompiledNetwork
    base_mva: float
    rows: NDArray[np.intp]
    from_node: NDArray[np.intp]
    to_node: NDArray[np.intp]
    r: Array
    x: Array
    g_from: Array
    b_from: Array
    g_to: Array
    b_to: Array
    ratio: Array
    l_max_from: Array
    l_max_to: Array
    p_constant: Array
    q_constant: Array
    p_current: Array
    q_current: Array
    g: Array
    b: Array
    held_node: NDArray[np.intp]
    is_source: NDArray[np.bool_]
    v_held: Array

    @property
    def n_step(self) -> int:
        """Number of steps."""
        return int(self.r.shape[1])

    @property
    def n_node(self) -> int:
        """Number of nodes."""
        return len(self.g)

    @classmethod
    def of(
        cls, flow: NativeFlow, decided: Sequence[int] = (), rated_mva: float = 0.0
    ) -> RadialNetwork:
        """Read a power flow, whose lanes are the steps.

        Parameters
        ----------
        flow : NativeFlow
            Solved at least once, so that its set voltages are where the core reads them.
        decided : sequence of int
            Rows of the injections that are left out, because they are decided.
        rated_mva : float
            What those can inject together.

        Raises
        ------
        ConfigError
            If the network is not radial, or an impedance differs by direction; it names the branch.
        """
        compiled, batch = flow.compiled, flow.batch
        data = compiled.data
        check_radial(compiled)
        nodes = _nodes(data, batch, decided)
        apparent = np.hypot(
            nodes["p_constant"] + nodes["p_current"], nodes["q_constant"] + nodes["q_current"]
        )
        base = float(apparent.sum(axis=0).max()) + rated_mva / data["base_mva"] or 1.0
        nodes = {name: values / base for name, values in nodes.items()}
        rows = np.flatnonzero(data["from_node"] >= 0)
        return cls(
            compiled=compiled,
            base_mva=base * data["base_mva"],
            rows=rows,
            from_node=data["from_node"][rows].astype(np.intp),
            to_node=data["to_node"][rows].astype(np.intp),
            **_branches(data, batch.tap_pos, rows, base),
            **{f"l_max_{end}": _rating(data[f"loading_{end}"][rows] * base) for end in _ENDS},
            **nodes,
            held_node=data["controlled_node"].astype(np.intp),
            is_source=data["is_source"].astype(bool),
            v_held=np.square(batch.vm_set_pu),
        )


_ENDS = ("from", "to")


def _nodes(data: dict[str, Any], batch: Any, decided: Sequence[int]) -> dict[str, Array]:
    n_node, n_step = len(data["p_fixed_pu"]), batch.n_lane
    result = {}
    undecided = data["injection_node"] >= 0
    undecided[list(decided)] = False
    at, scale = data["injection_node"][undecided], data["injection_scale"][undecided, np.newaxis]
    step = data["shunt_node"] >= 0
    sums = {}
    for name, of_input in (("p", batch.p_mw), ("q", batch.q_mvar)):
        power = scale * of_input[undecided]
        current, impedance = (
            data[f"{name}_{kind}_share"][undecided, np.newaxis]
            if data["p_current_share"].size
            else np.zeros((len(at), 1))
            for kind in ("current", "impedance")
        )
        for kind, share in (
            ("constant", 1.0 - current - impedance),
            ("current", current),
            ("impedance", impedance),
        ):
            total = sums[name, kind] = np.zeros((n_node, n_step))
            np.add.at(total, at, share * power)
        result[f"{name}_constant"] = (
            sums[name, "constant"] + data[f"{name}_fixed_pu"][:, np.newaxis]
        )
        result[f"{name}_current"] = sums[name, "current"]
    for name, of_load in (("g", -sums["p", "impedance"]), ("b", sums["q", "impedance"])):
        total = result[name] = of_load + data[f"{name}_shunt_pu"][:, np.newaxis]
        steps = data[f"shunt_{name}_pu"][:, np.newaxis] * batch.shunt_step
        np.add.at(total, data["shunt_node"][step], steps[step])
    return result


def _branches(
    data: dict[str, Any], tap_pos: Array, rows: NDArray[np.intp], base: float
) -> dict[str, Array]:
    """Return the branch fields, (n_branch, n_step), at the steps' taps.

    A changer on the to winding also scales impedance and shunts, which are referred to it.
    """
    ratio = np.repeat(data["ratio"][:, np.newaxis], tap_pos.shape[1], axis=1)
    z_scale = np.ones_like(ratio)
    taps = np.flatnonzero((data["tap_branch"] >= 0) & (data["tap_kind"] == RATIO))
    n = tap_pos[taps] - data["tap_neutral"][taps, np.newaxis]
    added = data["tap_step"][taps] * np.exp(1j * np.deg2rad(data["tap_angle_degree"][taps]))
    m = np.abs(1.0 + n * added[:, np.newaxis])
    is_to = data["tap_is_to"][taps, np.newaxis] == 1
    branch = data["tap_branch"][taps]
    ratio[branch] *= np.where(is_to, 1.0 / m, m)
    z_scale[branch] = np.where(is_to, m * m, 1.0)
    result = {name: (data[f"{name}_pu"][:, np.newaxis] * z_scale)[rows] * base for name in "rx"}
    for name in ("g_from", "b_from", "g_to", "b_to"):
        result[name] = (data[f"{name}_pu"][:, np.newaxis] / z_scale)[rows] / base
    return result | {"ratio": ratio[rows]}


def _rating(loading_percent: Array) -> Array:
    """Return the square of the current [p.u.] at 100 %, from the loading of 1 p.u."""
    is_rated = loading_percent > 0.0
    rated = 100.0 / np.where(is_rated, loading_percent, 1.0)
    return np.where(is_rated, rated * rated, np.inf)
