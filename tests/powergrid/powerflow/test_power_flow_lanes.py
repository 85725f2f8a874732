"""What every power flow promises of its lanes, on pandapower's and on the native one."""

from __future__ import annotations

import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from heron.errors import ConfigError, InvalidArgumentError
from powergrid.networks import IEEE13Bus
from powergrid.powerflow.compilation import CompiledNetwork, compile_network
from powergrid.powerflow.make import make_power_flow
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import INPUTS, RESULTS, LaneStart, LaneStatus, PowerFlow


def feeder() -> pp.pandapowerNet:
    """Return a feeder with everything that is an input, a bus out of supply, and odd numbers."""
    net = IEEE13Bus("MG")
    pp.create_storage(net, bus=5, p_mw=-0.1, q_mvar=0.02, max_e_mwh=1.0, name="store")
    pp.create_sgen(net, bus=6, p_mw=0.2, q_mvar=0.05, scaling=0.5, name="unit")
    pp.create_gen(net, bus=8, p_mw=0.1, vm_pu=1.02, name="held")
    pp.create_bus(net, vn_kv=4.16, name="alone")
    net.line.index = net.line.index + 7
    return net


@pytest.fixture(params=["native", "pandapower"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@functools.cache
def compiled() -> CompiledNetwork:
    return compile_network(feeder())


@pytest.fixture
def make_flow(name: str) -> Callable[..., PowerFlow]:
    def make(n_lane: int = 1, *, tolerance_pu: float = 1e-8) -> PowerFlow:
        if name == "native":  # as make_power_flow does, but compiled once for all tests
            return NativeFlow(compiled(), n_lane, tolerance=tolerance_pu)
        return make_power_flow(name, feeder(), n_lane, tolerance_pu=tolerance_pu)

    return make


def vary(flow: PowerFlow, seed: int = 0) -> None:
    """Give each lane loads, injections and taps of its own."""
    rng = np.random.default_rng(seed)
    flow.load_p_mw[:] *= rng.uniform(0.5, 1.1, flow.load_p_mw.shape)
    flow.sgen_p_mw[:] = rng.uniform(0.0, 0.4, flow.sgen_p_mw.shape)
    flow.storage_p_mw[:] = rng.uniform(-0.2, 0.2, flow.storage_p_mw.shape)
    flow.gen_vm_pu[:] = rng.uniform(1.0, 1.03, flow.gen_vm_pu.shape)
    flow.ext_grid_vm_pu[:] = rng.uniform(0.99, 1.02, flow.ext_grid_vm_pu.shape)
    flow.tap_pos[:] += rng.integers(-2, 3, flow.tap_pos.shape)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'native'"):
        make_power_flow("nativ", feeder())


def test_a_power_flow_has_at_least_one_lane(make_flow: Callable[..., PowerFlow]) -> None:
    with pytest.raises(InvalidArgumentError, match="n_lane is 0"):
        make_flow(0)
    with pytest.raises(InvalidArgumentError, match=r"lane 2 does not exist: there are 0\.\.1"):
        make_flow(2).lane(2)


def test_shapes_are_those_of_the_tables(make_flow: Callable[..., PowerFlow]) -> None:
    flow, net = make_flow(3), feeder()
    flow.solve()
    for names, n_row in (
        (("load_p_mw", "load_q_mvar"), len(net.load)),
        (("vm_pu", "va_degree"), len(net.bus)),
        (("line_p_to_mw", "line_loading_percent"), len(net.line)),
        (("tap_pos", "trafo_q_lv_mvar", "trafo_loading_percent"), len(net.trafo)),
        (("trafo3w_loading_percent",), 0),
        (("ext_grid_vm_pu", "gen_p_mw", "storage_p_mw"), 1),
    ):
        for entry in names:
            assert getattr(flow, entry).shape == (n_row, 3), entry
            assert getattr(flow, entry).dtype == np.float64, entry
    for entry in ("status", "start", "iterations", "mismatch_pu", "source_p_mw", "loss_mw"):
        assert getattr(flow, entry).shape == (3,), entry


def test_inputs_begin_as_the_network_has_them(make_flow: Callable[..., PowerFlow]) -> None:
    flow, net = make_flow(2), feeder()
    assert np.array_equal(flow.load_p_mw[:, 1], net.load.p_mw)
    assert flow.storage_p_mw[0, 1] == 0.1  # discharge is positive here
    assert flow.storage_q_mvar[0, 0] == -0.02
    assert flow.sgen_p_mw[0, 0] == 0.2
    assert np.array_equal(flow.tap_pos[:, 1], net.trafo.tap_pos, equal_nan=True)
    assert np.isnan(flow.tap_pos).any()  # the transformer without a changer
    assert flow.gen_vm_pu[0, 0] == 1.02
    assert (flow.status == LaneStatus.UNSOLVED).all()


def test_each_lane_is_solved_as_if_it_were_alone(make_flow: Callable[..., PowerFlow]) -> None:
    batch = make_flow(3)
    vary(batch)
    batch.solve()
    assert (batch.status == LaneStatus.CONVERGED).all()
    assert np.ptp(batch.vm_pu, axis=1).max() > 1e-3
    for k in range(3):
        single = make_flow()
        for entry in INPUTS:
            getattr(single, entry)[:, 0] = getattr(batch, entry)[:, k]
        single.solve()
        for entry in RESULTS:
            assert np.array_equal(getattr(single, entry)[:, 0], getattr(batch, entry)[:, k]), entry


def test_results_are_those_of_runpp_in_every_lane(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(2, tolerance_pu=1e-10)
    vary(flow)
    flow.solve()
    for k in range(2):
        net = flow.to_pandapower(k)
        pp.runpp(
            net,
            calculate_voltage_angles=True,
            trafo_model="t",
            tolerance_mva=1e-10,
            lightsim2grid=False,
        )
        assert net.res_bus.vm_pu.isna().sum() == 1
        for ours, theirs, tolerance in (
            (flow.vm_pu, net.res_bus.vm_pu.fillna(0.0), 1e-8),
            (flow.va_degree, net.res_bus.va_degree.fillna(0.0), 1e-6),
            (flow.line_p_from_mw, net.res_line.p_from_mw, 1e-7),
            (flow.line_q_from_mvar, net.res_line.q_from_mvar, 1e-7),
            (flow.line_p_to_mw, net.res_line.p_to_mw, 1e-7),
            (flow.line_q_to_mvar, net.res_line.q_to_mvar, 1e-7),
            (flow.line_loading_percent, net.res_line.loading_percent, 1e-6),
            (flow.trafo_p_hv_mw, net.res_trafo.p_hv_mw, 1e-7),
            (flow.trafo_q_hv_mvar, net.res_trafo.q_hv_mvar, 1e-7),
            (flow.trafo_p_lv_mw, net.res_trafo.p_lv_mw, 1e-7),
            (flow.trafo_q_lv_mvar, net.res_trafo.q_lv_mvar, 1e-7),
            (flow.trafo_loading_percent, net.res_trafo.loading_percent, 1e-6),
        ):
            np.testing.assert_allclose(ours[:, k], theirs, rtol=0.0, atol=tolerance)
        loss = net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()
        assert flow.loss_mw[k] == pytest.approx(loss, abs=1e-7)
        assert flow.source_p_mw[k] == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-7)
        assert flow.source_q_mvar[k] == pytest.approx(net.res_ext_grid.q_mvar.sum(), abs=1e-7)


def test_a_lane_that_fails_leaves_the_others_alone(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(4)
    flow.solve()
    before = {entry: getattr(flow, entry).copy() for entry in RESULTS}
    nominal = flow.load_p_mw.copy()
    flow.load_p_mw[:, 1] *= 1e3
    flow.load_p_mw[0, 2] = np.nan
    flow.load_p_mw[0, 3] *= 1.01
    flow.solve()
    assert flow.status.tolist() == [0, LaneStatus.NO_SOLUTION, LaneStatus.INVALID_INPUT, 0]
    assert flow.start.tolist() == [LaneStart.WARM, LaneStart.NONE, LaneStart.NONE, LaneStart.WARM]
    for entry in RESULTS:  # they keep their last solution
        assert np.array_equal(getattr(flow, entry)[:, 1:3], before[entry][:, 1:3]), entry
    assert not np.array_equal(flow.vm_pu[:, 3], before["vm_pu"][:, 3])
    assert flow.mismatch_pu[2] == np.inf
    counters = flow.counters
    assert (counters["n_failed"], counters["n_invalid"]) == (1, 1)
    assert counters["n_warm"] == 2
    assert counters["n_flat"] + counters["n_damped"] == 4
    flow.load_p_mw[:] = nominal
    flow.solve()
    assert (flow.status == LaneStatus.CONVERGED).all()
    assert flow.start[1] == flow.start[2] == LaneStart.FLAT
    np.testing.assert_allclose(flow.vm_pu, before["vm_pu"], rtol=0.0, atol=1e-9)


def test_what_has_no_rating_has_no_loading(name: str) -> None:
    net = feeder()
    net.line["max_i_ka"] = [0.0, np.nan, *net.line["max_i_ka"].iloc[2:]]
    flow = make_power_flow(name, net)
    flow.solve()
    assert flow.line_loading_percent[:2].tolist() == [[0.0], [0.0]]
    assert flow.line_loading_percent[2:].max() > 0.0


def test_the_mismatch_is_within_the_tolerance(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(2, tolerance_pu=1e-6)
    vary(flow)
    flow.solve()
    assert (flow.mismatch_pu <= 1e-6).all()
    assert (flow.iterations >= 1).all()
    assert flow.counters["n_iteration"] == flow.iterations.sum()
    loose = flow.mismatch_pu.copy()
    flow.solve()  # already solved
    assert (flow.mismatch_pu <= np.maximum(loose, 1e-6)).all()


def test_the_tables_get_a_lane_s_inputs_and_results(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(2)
    vary(flow)
    flow.shunt_step[:, 1] = 0.0
    flow.solve()
    net = flow.to_pandapower(1)
    assert net is not flow.net
    assert net["converged"]
    assert np.array_equal(net.load.p_mw, flow.load_p_mw[:, 1])
    assert net.storage.p_mw[0] == -flow.storage_p_mw[0, 1]
    assert np.array_equal(net.trafo.tap_pos, flow.tap_pos[:, 1], equal_nan=True)
    assert (net.shunt.step == 0).all()
    np.testing.assert_allclose(net.res_bus.vm_pu.fillna(0.0), flow.vm_pu[:, 1], atol=1e-12)
    np.testing.assert_allclose(net.res_line.p_from_mw, flow.line_p_from_mw[:, 1], atol=1e-9)
    assert net.res_gen.vm_pu[0] == pytest.approx(flow.gen_vm_pu[0, 1], abs=1e-12)
    assert (net.res_shunt.q_mvar == 0.0).all()


def test_the_tables_of_a_failed_lane_say_so(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow()
    flow.solve()
    flow.load_p_mw[:] *= 1e3
    flow.solve()
    net = flow.to_pandapower()
    assert not net["converged"]
    assert net.res_bus.vm_pu.isna().all()
    assert len(net.res_line) == len(net.line)
    assert np.array_equal(net.load.p_mw, flow.load_p_mw[:, 0])


def test_current_net_follows_each_solve(make_flow: Callable[..., PowerFlow]) -> None:
    lane = make_flow().lane()
    assert lane.current_net() is lane.net
    for factor in (1.0, 0.9):
        lane.load_p_mw[:] *= factor
        lane.solve()
        net = lane.current_net()
        np.testing.assert_allclose(net.res_bus.vm_pu.fillna(0.0), lane.result.vm_pu, atol=1e-12)
        assert np.array_equal(net.load.p_mw, lane.load_p_mw)
    lane.load_p_mw[:] *= 1e3
    lane.solve()
    assert not lane.current_net()["converged"]


def test_current_net_is_of_the_lane_that_is_asked(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(2)
    vary(flow)
    flow.solve()
    for k in (0, 1, 0):
        vm_pu = flow.lane(k).current_net().res_bus.vm_pu.fillna(0.0)
        np.testing.assert_allclose(vm_pu, flow.vm_pu[:, k], atol=1e-12)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_by_itself_as_the_original_does(
    make_flow: Callable[..., PowerFlow], duplicate: Callable[..., Any]
) -> None:
    lane = make_flow(2).lane(1)
    lane.solve()
    lane.load_p_mw[:] *= 0.9
    twin = duplicate(lane)
    assert twin.n_solve == lane.n_solve
    assert twin.flow.counters == lane.flow.counters
    before = lane.result.vm_pu.copy()
    assert np.array_equal(twin.result.vm_pu, before)
    assert twin.solve()
    assert np.array_equal(lane.result.vm_pu, before)
    assert lane.solve()
    for entry in RESULTS:
        theirs = getattr(twin.result, entry)
        assert np.array_equal(getattr(lane.result, entry), theirs), entry
        assert np.shares_memory(theirs, getattr(twin.flow, entry)) or not theirs.size
    assert twin.flow.start[1] == LaneStart.WARM
    twin.load_p_mw[:] = 0.0
    assert twin.flow.load_p_mw[:, 1].max() == 0.0 < lane.load_p_mw.max()


def test_a_network_that_is_all_source_has_nothing_to_solve(name: str) -> None:
    net = pp.create_empty_network()
    source, behind = (pp.create_bus(net, 10.0) for _ in range(2))
    pp.create_switch(net, source, behind, et="b")
    pp.create_ext_grid(net, source, vm_pu=1.02)
    pp.create_load(net, behind, p_mw=1.0, q_mvar=0.5)
    flow = make_power_flow(name, net, 2)
    flow.load_p_mw[0, 1] = 2.0
    flow.solve()
    assert flow.status.tolist() == [0, 0]
    assert flow.vm_pu.tolist() == [[1.02, 1.02], [1.02, 1.02]]
    assert flow.source_p_mw == pytest.approx([1.0, 2.0])
    assert flow.source_q_mvar == pytest.approx([0.5, 0.5])
    assert flow.mismatch_pu.tolist() == [0.0, 0.0]


def test_forgetting_one_lane_keeps_the_others_warm(make_flow: Callable[..., PowerFlow]) -> None:
    flow = make_flow(3)
    flow.solve()
    first = flow.vm_pu.copy()
    flow.load_p_mw[:] *= 1.1
    flow.solve()
    flow.load_p_mw[:] = flow.to_pandapower().load.p_mw.to_numpy()[:, None] / 1.1
    flow.forget(1)
    flow.solve()
    assert flow.start.tolist() == [LaneStart.WARM, LaneStart.FLAT, LaneStart.WARM]
    flow.forget()
    flow.solve()
    assert flow.start.tolist() == [LaneStart.FLAT] * 3
    np.testing.assert_allclose(flow.vm_pu, first, rtol=0.0, atol=1e-8)


def test_setters_go_by_number_and_the_balance_at_a_bus_counts_scaling(
    make_flow: Callable[..., PowerFlow],
) -> None:
    lane = make_flow(2).lane(1)
    lane.set_sgen(0, 0.3, 0.1)
    lane.set_storage(0, -0.2, 0.05)
    changer = lane.net.trafo.index[lane.net.trafo.tap_pos.notna()][0]
    lane.set_tap(int(changer), 3.0)
    assert lane.flow.sgen_p_mw[0].tolist() == [0.2, 0.3]
    assert lane.flow.storage_q_mvar[0].tolist() == [-0.02, 0.05]
    assert lane.flow.tap_pos[lane.trafo_row(int(changer)), 1] == 3.0
    load = lane.net.load.bus.isin([5, 6]).to_numpy()
    p, q = lane.consumption_at([5, 6])
    assert p == pytest.approx(lane.load_p_mw[load].sum() - 0.5 * 0.3 + 0.2)
    assert q == pytest.approx(lane.load_q_mvar[load].sum() - 0.5 * 0.1 - 0.05)
