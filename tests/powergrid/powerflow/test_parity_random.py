"""The native answer is pandapower's, on networks that Hypothesis makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower as pp
from flow_parity import assert_parity, mismatch, runpp
from flow_random import meshed_networks, radial_networks
from hypothesis import Phase, given, settings

from powergrid.powerflow.native_flow import NativeFlow

# Without shrinking, which takes minutes: the networks are small as they are.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
# Each takes pandapower several solves; `make parity` tries more.
N_EXAMPLE = max(6, settings.default.max_examples // 50)


def has_solution(flow: NativeFlow, load: tuple[Any, Any], factor: float) -> bool:
    """Return whether the flow solves this multiple of a load, from a flat start."""
    flow.load_p_mw[:, 0], flow.load_q_mvar[:, 0] = factor * load[0], factor * load[1]
    flow.forget()
    flow.solve()
    return bool(flow.status[0] == 0)


def largest_factor(flow: NativeFlow) -> float:
    """Return the factor on the loads up to which the flow has a solution, to 0.5 %."""
    load = flow.load_p_mw[:, 0].copy(), flow.load_q_mvar[:, 0].copy()
    high = 1.0
    while has_solution(flow, load, high):
        high *= 2.0
    low = 0.0
    while high - low > 0.005 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if has_solution(flow, load, middle) else (low, middle)
    return low


@settings(max_examples=N_EXAMPLE, phases=PHASES)
@given(radial_networks())
def test_radial_networks_up_to_near_collapse(net: Any) -> None:
    probe = NativeFlow(net)
    # A phase shifter that moves makes ratios complex, which is none of the tree's.
    assert probe.method == ("sparse" if net.trafo.tap_changer_type[0] == "Ideal" else "tree")
    top = largest_factor(probe)
    factors = np.array([0.0, 0.5, 0.9 * top, 0.97 * top, 1.5 * top])
    flow = NativeFlow(probe.compiled, len(factors), tolerance=1e-10)
    flow.load_p_mw *= factors
    flow.load_q_mvar *= factors
    flow.solve()
    assert flow.status.tolist() == [0, 0, 0, 0, 1]
    load = net.load[["p_mw", "q_mvar"]].copy()
    for lane, factor in enumerate(factors[:-1]):
        assert mismatch(flow, lane) < 2e-10
        net.load[["p_mw", "q_mvar"]] = load * factor
        assert runpp(net, 1e-10, max_iteration=30)
        assert_parity(flow, lane, net)
    net.load[["p_mw", "q_mvar"]] = load * factors[-1]
    assert not runpp(net, 1e-8)


@settings(max_examples=N_EXAMPLE, phases=PHASES)
@given(meshed_networks())
def test_meshed_networks_with_held_voltages(net: Any) -> None:
    factors = np.array([0.2, 1.0, 1.5])
    flow = NativeFlow(net, len(factors), tolerance=1e-10)
    assert flow.method == "sparse"
    flow.load_p_mw *= factors
    flow.load_q_mvar *= factors
    flow.gen_p_mw *= factors
    flow.solve()
    load, gen = net.load[["p_mw", "q_mvar"]].copy(), net.gen["p_mw"].copy()
    for lane, factor in enumerate(factors):
        net.load[["p_mw", "q_mvar"]], net.gen["p_mw"] = load * factor, gen * factor
        assert runpp(net, 1e-10)
        assert_parity(flow, lane, net)


def test_collapse_is_where_a_quadratic_has_no_root() -> None:
    """Of two buses: v^4 + (2 (pr + qx) - 1) v^2 + (p^2 + q^2) z^2 = 0."""
    net = pp.create_empty_network(sn_mva=1.0)
    a, b = pp.create_bus(net, 10.0), pp.create_bus(net, 10.0)
    pp.create_ext_grid(net, a)
    pp.create_line_from_parameters(net, a, b, 1.0, 2.0, 3.0, 0.0, 1.0)
    pp.create_load(net, b, 1.0, 0.0)
    r, z2 = 0.02, 0.0013
    most = (np.sqrt(z2) - r) / (2.0 * (z2 - r**2))  # where (2 p r - 1)^2 = 4 p^2 z^2
    flow = NativeFlow(net, 2)
    flow.load_p_mw[0] = [most * 0.9999, most * 1.0001]
    flow.solve()
    assert flow.status.tolist() == [0, 1]
