"""Lines and switches open in single lanes: pandapower's answer, and nobody else's concern."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest
from flow_networks import setup

from heron.errors import InvalidArgumentError
from powergrid.networks import IEEE13Bus, IEEE34Bus
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.openable import Openable
from powergrid.powerflow.pandapower_flow import PandapowerFlow
from powergrid.powerflow.power_flow import RESULTS, PowerFlow
from powergrid.powerflow.tap_control import TapControl

# By what may differ: voltages [p.u.], angles [degree], powers [MW, Mvar], loadings [%].
TOLERANCE = {"vm_pu": 1e-8, "va_degree": 1e-6}
UNSUPPLIED = ("buses", "loads", "sgens", "storages")


def meshed() -> Any:
    """Return a ring with a generator, coupled bus bars, and switches at ends of lines and trafos.

    Opening one of the couplers leaves both of its sides supplied.
    """
    net = pp.create_empty_network(sn_mva=1.0)
    bus = [pp.create_bus(net, 20.0) for _ in range(8)]
    low = pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, bus[0], vm_pu=1.02)
    for a, b in ((0, 1), (1, 2), (3, 4), (4, 5), (5, 0), (6, 7), (2, 6)):
        pp.create_line(net, bus[a], bus[b], 2.0, "NA2XS2Y 1x95 RM/25 12/20 kV")
    pp.create_switch(net, bus[2], bus[3], et="b")  # parts a bus bar of the ring
    pp.create_switch(net, bus[1], 0, et="l")
    pp.create_switch(net, bus[2], 1, et="l")
    pp.create_switch(net, bus[4], 2, et="l", closed=False)
    pp.create_switch(net, bus[4], bus[7], et="b", z_ohm=0.1)
    trafo = pp.create_transformer(net, bus[5], low, "0.4 MVA 20/0.4 kV")
    net.trafo["shift_degree"] = 0.0  # pandapower's flat start knows no shifts
    pp.create_switch(net, bus[5], trafo, et="t")
    pp.create_switch(net, low, trafo, et="t")
    for b, p_mw in ((1, 0.4), (2, 0.3), (3, 0.5), (4, 0.2), (6, 0.3), (7, 0.1)):
        pp.create_load(net, bus[b], p_mw=p_mw, q_mvar=0.1)
    pp.create_load(net, low, p_mw=0.1, q_mvar=0.03, const_z_p_percent=40, const_i_p_percent=20)
    pp.create_sgen(net, bus[3], p_mw=0.2)
    pp.create_gen(net, bus[7], p_mw=0.1, vm_pu=1.01)
    pp.create_shunt(net, bus[6], q_mvar=-0.1)
    pp.create_ward(net, bus[2], ps_mw=0.05, qs_mvar=0.01, pz_mw=0.02, qz_mvar=0.0)
    return net


def two_sources() -> Any:
    """Return a chain fed at both ends: each cut leaves everything supplied."""
    net = nw.create_cigre_network_mv()
    pp.create_ext_grid(net, 8, vm_pu=1.03)
    return net


NETWORKS: dict[str, Callable[[], Any]] = {
    "ieee13": IEEE13Bus,
    "ieee34": IEEE34Bus,
    "setup_ieee34_ieee13": lambda: setup("ieee34_ieee13"),
    "setup_ieee123_ieee13": lambda: setup("ieee123_ieee13"),
    "meshed": meshed,
    "two_sources": two_sources,
    "case30": nw.case30,
}


@cache
def network(name: str) -> Any:
    return NETWORKS[name]()


def everything(flow: PowerFlow) -> Openable:
    lines, switches = (
        tuple(np.flatnonzero(flow.rows.can_open[table]).tolist()) for table in ("line", "switch")
    )
    return Openable(lines, switches)


def both(net: Any, n_lane: int) -> tuple[NativeFlow, PandapowerFlow]:
    native = NativeFlow(net, n_lane, tolerance=1e-10)
    openable = everything(native)
    reference = PandapowerFlow(copy.deepcopy(net), n_lane, tolerance_mva=1e-9, openable=openable)
    return native.with_openable(openable), reference


def open_and_solve(flow: PowerFlow, is_open: np.ndarray) -> None:
    flow.is_open[:] = is_open
    flow.rewire(0, flow.n_lane)
    flow.solve()


def check_same(native: PowerFlow, reference: PowerFlow, lanes: Any = slice(None)) -> None:
    assert (native.status[lanes] == reference.status[lanes]).all()
    for name in RESULTS:
        difference = np.abs(getattr(native, name)[:, lanes] - getattr(reference, name)[:, lanes])
        assert difference.max(initial=0.0) <= TOLERANCE.get(name, 1e-6), name
    assert np.abs(native.source_p_mw - reference.source_p_mw)[lanes].max() < 1e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_each_line_and_switch_is_opened_as_pandapower_opens_it(name: str) -> None:
    net = network(name)
    n = len(everything(NativeFlow(net)))
    native, reference = both(net, n)
    for flow in (native, reference):
        open_and_solve(flow, np.eye(n, dtype=np.uint8))
    converged = native.status == 0
    assert converged.sum() >= n - 1  # on one of them nobody finds a solution
    assert np.array_equal(native.status, reference.status)
    check_same(native, reference, converged)
    dead = 0
    for lane in range(n):
        ours, theirs = native.unsupplied(lane), reference.unsupplied(lane)
        assert ours is not None
        assert theirs is not None
        for table in UNSUPPLIED:
            assert getattr(ours, table).tolist() == getattr(theirs, table).tolist()
        assert (native.vm_pu[ours.buses, lane] == 0.0).all()
        dead += len(ours.buses)
    assert dead > 0 or name in ("two_sources", "case30")


@pytest.mark.parametrize("name", ["setup_ieee123_ieee13", "meshed", "two_sources", "case30"])
def test_several_open_at_once_are_as_with_pandapower(name: str) -> None:
    net = network(name)
    native, reference = both(net, 24)
    rng = np.random.default_rng(4)
    n = len(native.is_open)
    for flow in (native, reference):
        rng = np.random.default_rng(4)
        for _ in range(2):  # from variant to variant
            open_and_solve(flow, (rng.random((n, 24)) < 3.0 / n).astype(np.uint8))
    converged = (native.status == 0) & (reference.status == 0)
    assert converged.sum() >= 20
    # Where pandapower finds no solution, neither is one asked for: without a slack of its own an
    # island with a generator has none there.
    check_same(native, reference, converged)


@pytest.mark.parametrize("name", ["setup_ieee34_ieee13", "meshed"])
def test_other_lanes_keep_every_bit(name: str) -> None:
    net = network(name)
    plain = NativeFlow(net, 40)
    opened = plain.with_openable(everything(plain))
    for flow in (plain, opened):
        flow.load_p_mw[:] *= np.linspace(0.5, 1.2, 40)
    is_open = np.zeros_like(opened.is_open)
    is_open[2, 3::5] = is_open[0, 4::9] = 1
    plain.solve()
    open_and_solve(opened, is_open)
    others = ~is_open.any(axis=0)
    for flow in (plain, opened):
        flow.load_q_mvar[:] *= 1.1
        flow.solve_lanes(5, 33)
    for result in (*RESULTS, "status", "iterations", "mismatch_pu"):
        assert np.array_equal(
            getattr(plain, result)[..., others], getattr(opened, result)[..., others]
        )


def test_a_lane_does_not_depend_on_its_neighbours_or_its_place() -> None:
    net = network("meshed")
    flow = NativeFlow(net)
    openable = everything(flow)
    many, few = (flow.with_openable(openable).with_lanes(n) for n in (33, 1))
    rng = np.random.default_rng(0)
    is_open = (rng.random((len(openable), 33)) < 0.15).astype(np.uint8)
    for step in range(3):
        open_and_solve(many, np.roll(is_open, step, axis=0))
    for lane in (0, 7, 32):
        one = few.with_lanes(1)
        for step in range(3):
            open_and_solve(one, np.roll(is_open, step, axis=0)[:, lane : lane + 1])
        for result in (*RESULTS, "status", "iterations"):
            assert np.array_equal(getattr(many, result)[..., lane], getattr(one, result)[..., 0])


def test_closing_again_gives_what_was_before() -> None:
    native, _ = both(network("setup_ieee34_ieee13"), 2)
    native.solve()
    before = native.vm_pu.copy()
    is_open = np.zeros_like(native.is_open)
    is_open[:3, 0] = 1
    open_and_solve(native, is_open)
    assert (native.vm_pu[:, 0] == 0.0).any()
    assert native.vm_pu[:, 1] == pytest.approx(before[:, 1], abs=1e-9)
    open_and_solve(native, np.zeros_like(is_open))
    assert native.vm_pu == pytest.approx(before, abs=1e-9)
    assert native.unsupplied(0) is None


@pytest.mark.parametrize("is_native", [True, False])
def test_results_without_supply_are_zero_even_if_nothing_can_be_solved(is_native: bool) -> None:
    native, reference = both(network("ieee13"), 1)
    flow: PowerFlow = native if is_native else reference
    flow.solve()
    flow.is_open[5, 0] = 1
    flow.rewire(0, 1)
    flow.load_p_mw[:] *= 1e4
    flow.solve()
    dead = flow.unsupplied(0)
    assert flow.status[0] == 1
    assert dead is not None
    assert len(dead.buses)
    assert (flow.vm_pu[dead.buses, 0] == 0.0).all()
    assert flow.line_p_from_mw[5, 0] == flow.line_loading_percent[5, 0] == 0.0


def test_regulators_settle_alike_where_lines_are_open() -> None:
    net = network("ieee34")
    control = TapControl.of_trafos(net, np.flatnonzero(net.trafo["is_regulator"].to_numpy(bool)))
    n = len(everything(NativeFlow(net)))
    native, reference = both(net, n)
    is_stuck = np.zeros((len(control.rows), n), np.uint8)
    is_stuck[1, 3::4] = 1
    for flow in (native, reference):
        flow.is_open[:] = np.eye(n, dtype=np.uint8)
        flow.rewire(0, n)
        flow.tap_pos[control.rows] = 3.4
    native.settle_lanes(control.compiled(native), 0, n, is_stuck=is_stuck)
    for lane in range(n):
        control.settle(reference.lane(lane), is_stuck[:, lane])
    assert np.array_equal(native.tap_pos[control.rows], reference.tap_pos[control.rows])
    assert (native.tap_pos[control.rows[1], 3::4] == 3.4).all()
    assert len(np.unique(native.tap_pos[control.rows[0]])) > 2
    check_same(native, reference)


def test_copies_and_pickles_keep_what_is_open() -> None:
    native, _ = both(network("meshed"), 3)
    is_open = np.zeros_like(native.is_open)
    is_open[1, 0] = is_open[-1, 2] = 1
    open_and_solve(native, is_open)
    copies = (copy.deepcopy(native), pickle.loads(pickle.dumps(native)))
    for flow in (native, *copies):
        flow.load_p_mw[:] *= 1.02
        flow.solve()
    for made in copies:
        assert np.array_equal(made.is_open, is_open)
        assert np.array_equal(made.vm_pu, native.vm_pu)
        assert np.array_equal(made.start, native.start)


@pytest.mark.parametrize("is_native", [True, False])
def test_the_pandapower_network_shows_what_is_open(is_native: bool) -> None:
    native, reference = both(network("meshed"), 2)
    flow: PowerFlow = native if is_native else reference
    is_open = np.zeros_like(flow.is_open)
    is_open[1, 1] = is_open[len(everything(flow).lines), 1] = 1
    open_and_solve(flow, is_open)
    whole, cut = flow.to_pandapower(0), flow.to_pandapower(1)
    line, switch = everything(flow).lines[1], everything(flow).switches[0]
    assert whole.line["in_service"].iat[line]
    assert whole.switch["closed"].iat[switch]
    assert not cut.line["in_service"].iat[line]
    assert not cut.switch["closed"].iat[switch]
    vm_pu = np.nan_to_num(cut.res_bus["vm_pu"].to_numpy())
    assert vm_pu == pytest.approx(flow.vm_pu[:, 1], abs=1e-8)


def test_many_sets_of_open_lines_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("powergrid.powerflow.native_topology.MOST_VARIANTS", 4)
    native, _ = both(network("ieee13"), 3)
    solved: dict[bytes, np.ndarray] = {}
    rng = np.random.default_rng(0)
    for _ in range(30):
        open_and_solve(native, (rng.random(native.is_open.shape) < 0.2).astype(np.uint8))
        for lane in range(3):
            key = native.is_open[:, lane].tobytes()
            vm_pu = native.vm_pu[:, lane].copy()
            assert vm_pu == pytest.approx(solved.setdefault(key, vm_pu), abs=1e-9)
    topology = native._topology
    assert topology is not None
    assert len(topology._variants) <= 4 + 3


@pytest.mark.parametrize(
    ("openable", "said"),
    [
        (Openable(lines=(99,)), "no row 99 of net.line"),
        (Openable(lines=(1, 1)), "named twice"),
        (Openable(switches=(3,)), "row 3 of net.switch is open, or at"),
    ],
)
def test_what_cannot_be_opened_is_refused(openable: Openable, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        NativeFlow(network("meshed"), openable=openable)


def test_a_power_flow_made_without_openings_has_none() -> None:
    flow = NativeFlow(network("ieee13"))
    assert not hasattr(flow, "is_open")
    assert flow.unsupplied(0) is None
    with pytest.raises(InvalidArgumentError, match="with_openable"):
        flow.rewire(0, 1)
