"""Lanes of a native batch: independent of each other, of their place and of threads."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
from flow_parity import compiled
from flow_zoo import ZOO

from heron.errors import InvalidArgumentError
from powergrid import _core
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import INPUTS, RESULTS

N_LANE = 37  # no multiple of any group of lanes
NAMES = ["fused", "case14", "mixed_loads", "three_windings", "oblique_lv"]
PER_LANE = ("status", "start", "iterations", "mismatch_pu")


def disturbed(name: str, n_lane: int = N_LANE, **options: int) -> NativeFlow:
    """Return a flow whose lanes differ, one without solution and one with invalid input."""
    flow = NativeFlow(compiled(name), n_lane, **options)
    factor = np.random.default_rng(3).uniform(0.3, 1.4, (len(flow.load_p_mw), n_lane))
    flow.load_p_mw *= factor
    flow.load_q_mvar *= factor[:, ::-1]
    if n_lane > 9:
        flow.load_p_mw[:, 5] *= 300.0
        flow.load_p_mw[0, 9] = np.nan
    return flow


def assert_same_bits(a: NativeFlow, lanes: object, b: NativeFlow) -> None:
    """Assert that the chosen lanes of `a` are those of `b`."""
    for name in (*INPUTS, *RESULTS):
        assert np.array_equal(getattr(a, name)[:, lanes], getattr(b, name), equal_nan=True), name
    for name in PER_LANE:
        assert np.array_equal(getattr(a, name)[lanes], getattr(b, name)), name


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_equals_single_solves_bit_for_bit(name: str) -> None:
    batch = disturbed(name)
    batch.solve()
    assert np.flatnonzero(batch.status).tolist() == [5, 9]
    assert batch.status[[5, 9]].tolist() == [1, 2]
    single = NativeFlow(compiled(name))
    for lane in range(N_LANE):
        for field in INPUTS:
            getattr(single, field)[:, 0] = getattr(batch, field)[:, lane]
        single.forget()
        single.solve()
        if batch.status[lane] == 0:
            assert_same_bits(batch, [lane], single)
        else:
            assert single.status[0] == batch.status[lane]


@pytest.mark.parametrize("name", NAMES)
def test_order_and_threads_change_no_bit(name: str) -> None:
    batch = disturbed(name)
    order = np.random.default_rng(4).permutation(N_LANE)
    shuffled = disturbed(name, n_thread=3)
    for field in INPUTS:
        getattr(shuffled, field)[:] = getattr(batch, field)[:, order]
    for _ in range(2):  # the second time from the first solution
        batch.solve()
        shuffled.solve()
        assert_same_bits(batch, order, shuffled)
        batch.load_p_mw *= 1.01
        shuffled.load_p_mw *= 1.01


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda flow: pickle.loads(pickle.dumps(flow))]
)
@pytest.mark.parametrize("name", ["fused", "sources_on_one_bus"])
def test_a_copy_goes_on_exactly_and_apart(name: str, duplicate: object) -> None:
    flow = disturbed(name, 3)
    flow.solve()
    other = duplicate(flow)  # type: ignore[operator]
    assert other.counters == flow.counters
    assert_same_bits(flow, slice(None), other)
    flow.load_p_mw *= 1.03
    assert not np.array_equal(flow.load_p_mw, other.load_p_mw)
    other.load_p_mw *= 1.03
    flow.solve()
    other.solve()
    assert flow.start.tolist() == [0, 0, 0]
    assert_same_bits(flow, slice(None), other)
    assert other.net is not flow.net


def test_views_stay_where_they_are() -> None:
    flow = disturbed("three_windings", 2)
    views = {name: getattr(flow, name) for name in (*INPUTS, *RESULTS)}
    flow.solve()
    flow.load_p_mw *= 0.9
    flow.solve()
    assert all(getattr(flow, name) is view for name, view in views.items())
    assert views["vm_pu"].min() > 0.9
    del flow
    assert views["vm_pu"].min() > 0.9  # a view keeps its memory


def test_a_forgotten_lane_does_not_depend_on_its_past() -> None:
    flow, fresh = disturbed("ieee123_ideal", 2), disturbed("ieee123_ideal", 2)
    flow.load_p_mw *= 0.5
    flow.solve()
    flow.load_p_mw *= 2.0
    flow.forget(1)
    flow.solve()
    fresh.load_p_mw *= 0.5
    fresh.load_p_mw *= 2.0
    fresh.solve()
    assert flow.start.tolist() == [0, 1]
    assert np.array_equal(flow.vm_pu[:, 1], fresh.vm_pu[:, 1])
    flow.forget()
    flow.solve()
    assert_same_bits(flow, slice(None), fresh)


def test_instructions_can_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    best = disturbed("fused", 2)
    monkeypatch.setenv("HERON_SIMD", "baseline")
    baseline = disturbed("fused", 2)
    assert baseline.simd == "baseline"
    best.solve()
    baseline.solve()
    assert np.abs(best.vm_pu - baseline.vm_pu).max() < 1e-12
    monkeypatch.setenv("HERON_SIMD", "sse9")
    with pytest.raises(InvalidArgumentError, match="sse9"):
        disturbed("fused", 2)


def test_a_shared_node_follows_the_external_grid() -> None:
    flow = NativeFlow(ZOO["sources_on_one_bus"]())
    flow.ext_grid_vm_pu[0] = 1.01
    flow.solve()
    assert flow.vm_pu[0, 0] == pytest.approx(1.01, abs=1e-12)


def test_no_lanes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="n_lane is 0"):
        NativeFlow(compiled("case9"), 0)


@pytest.mark.parametrize("tap_pos", [1e6, -1e6, 1e300, np.inf])
def test_absurd_inputs_give_a_status_and_no_nan(tap_pos: float) -> None:
    flow = NativeFlow(compiled("ratio_lv"), 3)
    flow.tap_pos[2, 0] = tap_pos
    flow.load_p_mw[:, 1] = 1e300
    flow.solve()
    assert flow.status[0] in (0, 1, 2)  # beside the other transformer it may as well be open
    assert flow.status[1] in (1, 2)
    assert flow.status[2] == 0
    assert all(np.isfinite(getattr(flow, name)).all() for name in RESULTS)


def test_callers_of_one_solver_wait_for_each_other() -> None:
    network = compiled("fused").network

    def solve_twice(solver: _core.Solver, batch: _core.Batch, n_thread: int) -> None:
        for _ in range(2):
            solver.solve(batch, 1e-8, 20, n_thread)

    solver = _core.Solver(network)
    batches = [_core.Batch(network, 512) for _ in range(3)]
    for n, batch in enumerate(batches):
        batch.p_mw[:] *= 0.5 + 0.2 * n
    alone = [_core.Batch(network, 512) for _ in batches]
    for batch, other in zip(batches, alone, strict=True):
        other.p_mw[:] = batch.p_mw
        solve_twice(_core.Solver(network), other, 1)
    threads = [
        threading.Thread(target=solve_twice, args=(solver, batch, n))
        for n, batch in enumerate(batches, start=1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for batch, other in zip(batches, alone, strict=True):
        assert not batch.status.any()
        assert np.array_equal(batch.vm_pu, other.vm_pu)
