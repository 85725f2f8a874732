"""The reference power flow: set-points in, results out, failures reported."""

from __future__ import annotations

import copy

import numpy as np
import pandapower as pp
import pytest

from powergrid.networks import IEEE13Bus
from powergrid.powerflow.lane import FlowLane
from powergrid.powerflow.pandapower_flow import PandapowerFlow


@pytest.fixture
def net() -> pp.pandapowerNet:
    net = IEEE13Bus("MG")
    pp.create_storage(net, bus=5, p_mw=0.0, max_e_mwh=1.0, name="store")
    pp.create_sgen(net, bus=6, p_mw=0.0, name="unit")
    return net


@pytest.fixture
def flow(net: pp.pandapowerNet) -> FlowLane:
    return PandapowerFlow(net).lane()


def test_results_are_those_of_runpp(flow: FlowLane, net: pp.pandapowerNet) -> None:
    assert flow.solve()
    own = copy.deepcopy(net)
    pp.runpp(own, tolerance_mva=1e-8, lightsim2grid=False)
    assert np.abs(flow.result.vm_pu - own.res_bus.vm_pu.to_numpy()).max() < 1e-9
    assert np.abs(flow.result.line_loading_percent - own.res_line.loading_percent).max() < 1e-6
    assert flow.result.source_p_mw == pytest.approx(own.res_ext_grid.p_mw.sum(), abs=1e-8)


def test_discharge_and_generation_lower_what_the_source_gives(flow: FlowLane) -> None:
    flow.solve()
    idle = flow.result.source_p_mw
    flow.set_storage(0, 0.2, 0.0)
    flow.solve()
    assert idle - flow.result.source_p_mw == pytest.approx(0.2, rel=0.1)
    flow.set_sgen(0, 0.3, 0.0)
    flow.solve()
    assert idle - flow.result.source_p_mw == pytest.approx(0.5, rel=0.1)


def test_power_balances(flow: FlowLane) -> None:
    flow.set_sgen(0, 0.5, 0.1)
    flow.solve()
    used = flow.load_p_mw.sum() + flow.result.loss_mw - flow.sgen_p_mw.sum()
    assert flow.result.source_p_mw == pytest.approx(used, abs=1e-7)


def test_a_tap_moves_the_voltage_behind_it(flow: FlowLane, net: pp.pandapowerNet) -> None:
    flow.solve()
    before = flow.result.vm_pu.copy()
    regulator = int(net.trafo.index[net.trafo["name"] == "MG REG1"][0])
    flow.set_tap(regulator, float(flow.tap_pos[flow.trafo_row(regulator)]) + 1.0)
    flow.solve()
    behind = flow.bus_row(int(net.trafo.at[regulator, "lv_bus"]))
    assert flow.result.vm_pu[behind] - before[behind] == pytest.approx(0.00625, rel=0.2)


def test_collapse_is_a_result_that_keeps_the_last_solution(flow: FlowLane) -> None:
    flow.solve()
    last = flow.result.vm_pu.copy()
    nominal = flow.load_p_mw.copy()
    flow.load_p_mw[:] = nominal * 100.0
    assert not flow.solve()
    assert not flow.result.converged
    assert np.array_equal(flow.result.vm_pu, last)
    flow.load_p_mw[:] = nominal
    assert flow.solve()
    assert np.abs(flow.result.vm_pu - last).max() < 1e-9


def test_forgetting_makes_a_solve_independent_of_history(flow: FlowLane) -> None:
    nominal = flow.load_p_mw.copy()
    flow.solve()
    first = flow.result.vm_pu.copy()
    flow.load_p_mw[:] = 1.3 * nominal
    flow.solve()
    flow.load_p_mw[:] = nominal
    flow.forget()
    flow.solve()
    assert np.array_equal(flow.result.vm_pu, first)
