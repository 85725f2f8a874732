"""The native answer is pandapower's, on published networks and on single features."""

from __future__ import annotations

import copy

import numpy as np
import pandapower as pp
import pytest
from flow_networks import CASES
from flow_parity import assert_parity, compiled, fresh, numbers, runpp, solved, worst
from flow_zoo import ZOO

from powergrid import _core
from powergrid.powerflow.native_flow import NativeFlow


@pytest.mark.parametrize("tolerance", [1e-10, 1e-8])
@pytest.mark.parametrize("name", [*CASES, *ZOO])
def test_the_answer_is_pandapowers(name: str, tolerance: float) -> None:
    flow = NativeFlow(compiled(name), tolerance=tolerance)
    flow.solve()
    assert_parity(flow, 0, solved(name))


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].tolerance_mva > 1e-10])
def test_pandapower_solves_no_tighter(name: str) -> None:
    assert not runpp(fresh(name), CASES[name].tolerance_mva / 10.0)


@pytest.mark.parametrize("name", ["ieee123", "ieee34_ideal", "fused", "three_windings", "islands"])
def test_a_radial_network_has_the_same_answer_by_the_sparse_method(name: str) -> None:
    network = copy.copy(compiled(name))
    assert network.network.method == "tree"
    network.network = _core.Network(network.data, "sparse")
    flow = NativeFlow(network, tolerance=1e-10)
    assert flow.method == "sparse"
    flow.solve()
    assert_parity(flow, 0, solved(name))


@pytest.mark.parametrize("name", ["sources_on_one_bus", "two_sources", "slack_generator"])
def test_sources_supply_what_pandapower_says(name: str) -> None:
    flow = NativeFlow(compiled(name), tolerance=1e-10)
    flow.solve()
    net = solved(name)
    assert flow.source_p_mw[0] == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-8)
    q_mvar = net.res_ext_grid.q_mvar.sum()
    if name == "sources_on_one_bus":  # where pandapower gives it to the generator
        q_mvar += net.res_gen.q_mvar.sum()
    # which it splits by limits of 1e9 Mvar, so that seven digits are left
    assert flow.source_q_mvar[0] == pytest.approx(q_mvar, abs=1e-6)


def test_each_lane_has_inputs_of_its_own() -> None:
    """Loads, generators, voltages, taps and shunts differ by lane."""
    net = ZOO["ratio_lv"]()
    pp.create_sgen(net, 2, 0.4, 0.1)
    pp.create_storage(net, 4, p_mw=0.3, max_e_mwh=1.0)
    pp.create_gen(net, 3, p_mw=0.5, vm_pu=1.0)
    pp.create_shunt(net, 4, q_mvar=-0.2, step=1, max_step=3)
    flow = NativeFlow(net, 4, tolerance=1e-10)
    rng = np.random.default_rng(7)
    flow.load_p_mw *= rng.uniform(0.5, 1.5, flow.load_p_mw.shape)
    flow.load_q_mvar *= rng.uniform(0.5, 1.5, flow.load_q_mvar.shape)
    flow.sgen_p_mw[:] = rng.uniform(0.0, 1.0, flow.sgen_p_mw.shape)
    flow.sgen_q_mvar[:] = rng.uniform(-0.3, 0.3, flow.sgen_q_mvar.shape)
    flow.storage_p_mw[:] = rng.uniform(-0.5, 0.5, flow.storage_p_mw.shape)
    flow.gen_p_mw[:] = rng.uniform(0.0, 1.0, flow.gen_p_mw.shape)
    flow.gen_vm_pu[:] = rng.uniform(0.99, 1.02, flow.gen_vm_pu.shape)
    flow.ext_grid_vm_pu[:] = rng.uniform(1.0, 1.03, flow.ext_grid_vm_pu.shape)
    flow.tap_pos[2] = [-3, 1, 2, 8]
    flow.shunt_step[:] = [[0, 1, 2, 3]]
    flow.solve()
    for lane in range(4):
        net.load["p_mw"], net.load["q_mvar"] = flow.load_p_mw[:, lane], flow.load_q_mvar[:, lane]
        net.sgen["p_mw"], net.sgen["q_mvar"] = flow.sgen_p_mw[:, lane], flow.sgen_q_mvar[:, lane]
        net.storage["p_mw"] = -flow.storage_p_mw[:, lane]
        net.gen["p_mw"], net.gen["vm_pu"] = flow.gen_p_mw[:, lane], flow.gen_vm_pu[:, lane]
        net.ext_grid["vm_pu"] = flow.ext_grid_vm_pu[:, lane]
        net.trafo.loc[2, "tap_pos"] = flow.tap_pos[2, lane]
        net.shunt["step"] = flow.shunt_step[:, lane].astype(int)
        assert runpp(net)
        assert_parity(flow, lane, net)


@pytest.mark.parametrize("name", ["case145", "case300"])
def test_a_lane_may_be_far_from_the_network_as_it_was_compiled(name: str) -> None:
    net = fresh(name)
    net.load[["p_mw", "q_mvar"]] = 0.0
    net.shunt["step"] = 0
    flow = NativeFlow(net, tolerance=1e-10)
    whole = fresh(name)
    flow.load_p_mw[:, 0], flow.load_q_mvar[:, 0] = whole.load["p_mw"], whole.load["q_mvar"]
    flow.shunt_step[:, 0] = whole.shunt["step"]
    flow.solve()
    assert_parity(flow, 0, solved(name))


def test_where_nothing_solves_the_status_says_so() -> None:
    net = fresh("case14")
    flow = NativeFlow(net)
    flow.solve()
    before = flow.vm_pu.copy()
    flow.load_p_mw *= 20.0
    net.load["p_mw"] *= 20.0
    flow.solve()
    assert not runpp(net, 1e-8)
    assert flow.status[0] == 1
    assert np.array_equal(flow.vm_pu, before)  # those of the last solution
    assert worst(before[:, 0], numbers(solved("case14").res_bus, "vm_pu")) <= 1e-8
