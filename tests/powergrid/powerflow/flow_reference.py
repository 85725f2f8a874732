"""Admittances and injections of compiled arrays, as the equations of NetworkData say."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix


def tapped(data: dict[str, Any], tap_pos: Any) -> tuple[Any, Any, Any]:
    """Return each branch's complex ratio, and the factors of its impedances and shunts."""
    ratio = data["ratio"] * np.exp(1j * np.deg2rad(data["shift_degree"]))
    size = np.ones(len(ratio))
    for row, branch in enumerate(data["tap_branch"]):
        if branch < 0:
            continue
        n = tap_pos[row] - data["tap_neutral"][row]
        angle = np.deg2rad(data["tap_angle_degree"][row])
        if data["tap_kind"][row] == 0:
            m = 1.0 + n * data["tap_step"][row] * np.exp(1j * angle)
        else:
            m = np.exp(1j * n * angle)
        if data["tap_is_to"][row]:
            ratio[branch] /= m
            size[branch] = abs(m)
        else:
            ratio[branch] *= m
    return ratio, size**2, size**-2


def admittance(data: dict[str, Any], tap_pos: Any, shunt_step: Any) -> Any:
    """Return the admittance matrix in p.u., sparse, (n_node, n_node)."""
    on = data["from_node"] >= 0
    ratio, of_z, of_y = (values[on] for values in tapped(data, tap_pos))

    def get(name: str) -> Any:
        return data[name][on]

    y = 1.0 / ((get("r_pu") + 1j * get("x_pu")) * of_z)
    y_back = 1.0 / ((get("r_back_pu") + 1j * get("x_back_pu")) * of_z)
    at_from = (get("g_from_pu") + 1j * get("b_from_pu")) * of_y
    at_to = (get("g_to_pu") + 1j * get("b_to_pu")) * of_y
    f, t, n = get("from_node"), get("to_node"), len(data["p_fixed_pu"])
    shunt = data["shunt_node"] >= 0
    step_y = data["shunt_g_pu"] + 1j * data["shunt_b_pu"]
    nodes = np.arange(n)
    parts = [
        (f, f, (y + at_from) / abs(ratio) ** 2),
        (f, t, -y / np.conj(ratio)),
        (t, f, -y_back / ratio),
        (t, t, y_back + at_to),
        (nodes, nodes, data["g_shunt_pu"] + 1j * data["b_shunt_pu"]),
        (data["shunt_node"][shunt], data["shunt_node"][shunt], (shunt_step * step_y)[shunt]),
    ]
    rows, cols, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return csr_matrix((values, (rows, cols)), (n, n))


def injection(data: dict[str, Any]) -> Any:
    """Return the complex power injected at 1 p.u. of voltage, (n_node,)."""
    s = data["p_fixed_pu"] + 1j * data["q_fixed_pu"]
    on = data["injection_node"] >= 0
    power = data["injection_scale"] * (data["p_mw"] + 1j * data["q_mvar"])
    np.add.at(s, data["injection_node"][on], power[on])
    return s
