"""Some lanes of a native batch: solved and settled alone, by one worker or several at once."""

from __future__ import annotations

import copy
import functools
import itertools
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flow_parity import compiled as compiled_zoo
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.errors import InvalidArgumentError
from powergrid import _core
from powergrid.networks import IEEE34Bus, IEEE123Bus
from powergrid.powerflow.compilation import CompiledNetwork, compile_network
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.power_flow import INPUTS, RESULTS, LaneStatus
from powergrid.powerflow.tap_control import MAX_ROUNDS, TapControl

PER_LANE = ("status", "start", "iterations", "mismatch_pu")
FEEDERS: dict[str, Callable[[str], Any]] = {"ieee34": IEEE34Bus, "ieee123": IEEE123Bus}


@functools.cache
def feeder(name: str) -> tuple[CompiledNetwork, TapControl]:
    """Return a feeder and the control of all its regulators."""
    net = FEEDERS[name]("F")
    return compile_network(net), TapControl.of_trafos(
        net, np.flatnonzero(net.trafo["is_regulator"])
    )


def disturb(flow: NativeFlow, control: TapControl, seed: int) -> None:
    """Give each lane loads and taps of its own; some have no solution, or an invalid input."""
    random = np.random.default_rng(seed)
    n_lane = flow.n_lane
    scale = random.uniform(-0.3, 1.5, n_lane)
    scale[random.random(n_lane) < 0.06] = 500.0
    for loads in (flow.load_p_mw, flow.load_q_mvar):
        loads *= scale * random.uniform(0.5, 1.2, loads.shape)
    flow.load_p_mw[0, random.random(n_lane) < 0.04] = np.nan
    taps = random.uniform(-9.0, 9.0, (len(control.rows), n_lane))
    flow.tap_pos[control.rows] = np.where(random.random(n_lane) < 0.5, np.rint(taps), taps)


def assert_same_lanes(a: NativeFlow, of_a: object, b: NativeFlow, of_b: object) -> None:
    """Assert that some lanes of `a` are to the last bit those of `b`."""
    for name in (*INPUTS, *RESULTS):
        one, other = getattr(a, name)[:, of_a], getattr(b, name)[:, of_b]
        assert np.array_equal(one, other, equal_nan=True), name
    for name in PER_LANE:
        assert np.array_equal(getattr(a, name)[of_a], getattr(b, name)[of_b]), name


def cuts(n_lane: int, at: list[int]) -> list[tuple[int, int]]:
    """Return the ranges between some lanes; where two are equal, an empty one."""
    ends = sorted([0, *(lane % (n_lane + 1) for lane in at), n_lane])
    return list(itertools.pairwise(ends))


@pytest.mark.parametrize("name", FEEDERS)
@given(seed=st.integers(0, 2**32 - 1), n_lane=st.integers(1, 40), n_round=st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_each_lane_settles_as_the_readable_twin_does_it(
    name: str, seed: int, n_lane: int, n_round: int
) -> None:
    network, control = feeder(name)
    flow = NativeFlow(network, n_lane)
    singles = [NativeFlow(network).lane() for _ in range(n_lane)]
    native = control.compiled(flow)
    for k in range(n_round):  # the second time from where the first came to rest
        before = flow.tap_pos.copy()
        disturb(flow, control, seed + k)
        if k > 0:
            flow.tap_pos[:] = before
        for lane, single in enumerate(singles):
            for field in INPUTS:
                getattr(single, field)[:] = getattr(flow, field)[:, lane]
            single.n_solve = 0
            assert control.settle(single) == (single.result.converged)
        n_solve = flow.settle_lanes(native, 0, n_lane)
        assert n_solve == sum(single.n_solve for single in singles)
        for lane, single in enumerate(singles):
            assert isinstance(single.flow, NativeFlow)
            assert_same_lanes(flow, [lane], single.flow, [0])
    expected: dict[str, int] = {}
    for single in singles:
        for counter, n in single.flow.counters.items():
            expected[counter] = expected.get(counter, 0) + n
    assert flow.counters == expected


@pytest.mark.parametrize("name", FEEDERS)
def test_the_lanes_of_these_tests_move_far_and_some_fail(name: str) -> None:
    network, control = feeder(name)
    flow = NativeFlow(network, 400)
    disturb(flow, control, 0)
    before = flow.tap_pos[control.rows]
    flow.settle_lanes(control.compiled(flow), 0, 400)
    assert np.abs(flow.tap_pos[control.rows] - before).max() > 8
    assert set(flow.status.tolist()) == {0, 1, 2}
    assert (flow.status == LaneStatus.CONVERGED).sum() > 300


@given(
    seed=st.integers(0, 2**32 - 1),
    n_lane=st.integers(1, 60),
    at=st.lists(st.integers(0, 60), max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_ranges_of_several_workers_change_no_bit(seed: int, n_lane: int, at: list[int]) -> None:
    network, control = feeder("ieee34")
    whole, parts = NativeFlow(network, n_lane), NativeFlow(network, n_lane)
    native = control.compiled(whole)
    for flow in (whole, parts):
        disturb(flow, control, seed)
    n_solve = whole.settle_lanes(native, 0, n_lane)
    ranges = cuts(n_lane, at)
    n_solves = [0] * len(ranges)

    def work(worker: int) -> None:
        n_solves[worker] = parts.settle_lanes(native, *ranges[worker], worker)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(len(ranges))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(n_solves) == n_solve
    assert_same_lanes(parts, slice(None), whole, slice(None))
    assert parts.counters == whole.counters
    whole.load_p_mw *= 1.02
    parts.load_p_mw *= 1.02
    whole.solve()
    for worker, (first, last) in enumerate(ranges):
        parts.solve_lanes(first, last, worker)
    assert_same_lanes(parts, slice(None), whole, slice(None))
    assert parts.counters == whole.counters


@pytest.mark.parametrize("name", ["fused", "case14", "three_windings", "sources_on_one_bus"])
def test_lanes_outside_the_range_stay_as_they_are(name: str) -> None:
    flow, whole = (NativeFlow(compiled_zoo(name), 21) for _ in range(2))
    flow.solve()
    whole.solve()
    random = np.random.default_rng(2)
    factor = random.uniform(0.7, 1.1, flow.load_p_mw.shape)
    vm_pu = random.uniform(0.99, 1.01, flow.ext_grid_vm_pu.shape)
    before = copy.deepcopy(flow)
    for each in (flow, whole, before):
        each.load_p_mw *= factor
        each.ext_grid_vm_pu[:] = vm_pu
    whole.solve()
    flow.solve_lanes(3, 18)
    outside = np.r_[:3, 18:21]
    assert_same_lanes(flow, slice(3, 18), whole, slice(3, 18))
    assert_same_lanes(flow, outside, before, outside)
    assert not np.array_equal(before.vm_pu, whole.vm_pu)
    for first in (0, 18):
        flow.solve_lanes(first, first + 3)
    assert_same_lanes(flow, slice(None), whole, slice(None))


def test_a_range_that_is_none_is_refused() -> None:
    network, control = feeder("ieee34")
    flow = NativeFlow(network, 4)
    native = control.compiled(flow)
    for first, last in ((-1, 2), (2, 1), (0, 5), (5, 5)):
        for call in (flow.solve_lanes, functools.partial(flow.settle_lanes, native)):
            with pytest.raises(InvalidArgumentError, match=f"{first} to {last} exclusive"):
                call(first, last)
    with pytest.raises(InvalidArgumentError, match=r"0 to 5 exclusive, expected .* within 0 to 4"):
        native.settle(flow._solver, flow._batch, 0, 5)
    flow.solve_lanes(2, 2)
    assert flow.settle_lanes(native, 4, 4) == 0
    assert (flow.status == LaneStatus.UNSOLVED).all()


def test_a_narrow_band_ends_after_the_most_rounds() -> None:
    network, control = feeder("ieee34")
    fields = control.__dict__ | {"bandwidth_volt": np.zeros(len(control.rows))}
    hunting = TapControl(**fields)
    flow = NativeFlow(network, 2)
    single = NativeFlow(network).lane()
    assert hunting.settle(single)
    assert single.n_solve == MAX_ROUNDS + 1
    assert flow.settle_lanes(hunting.compiled(flow), 0, 2) == 2 * (MAX_ROUNDS + 1)
    assert isinstance(single.flow, NativeFlow)
    assert_same_lanes(flow, [1], single.flow, [0])


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_of_flow_and_control_settle_alike(duplicate: Callable[[Any], Any]) -> None:
    network, control = feeder("ieee34")
    flow = NativeFlow(network, 5)
    disturb(flow, control, 8)
    native = control.compiled(flow)
    flow.settle_lanes(native, 2, 5, 1)  # with a worker of its own
    other = copy.deepcopy(flow) if duplicate is copy.copy else duplicate(flow)
    assert flow.settle_lanes(native, 0, 5, 1) == other.settle_lanes(duplicate(native), 0, 5, 1)
    assert_same_lanes(flow, slice(None), other, slice(None))


def arguments(control: TapControl) -> dict[str, Any]:
    """Return the arguments of the compiled control, rows from 0."""
    names = ("vn_kv", "v_set_volt", "bandwidth_volt", "r_volt", "x_volt", "ct_primary_a")
    rows = np.arange(len(control.rows), dtype=np.int32)
    values = {name: getattr(control, name) for name in (*names, "tap_min", "tap_max")}
    return {"tap": rows, "branch": rows, "bus": rows, **values}


def test_what_is_no_control_is_refused() -> None:
    network, control = feeder("ieee34")
    right = arguments(control)
    with pytest.raises(InvalidArgumentError, match="r_volt has 1 values, expected 2"):
        _core.TapControl(**(right | {"r_volt": np.zeros(1)}))
    with pytest.raises(InvalidArgumentError, match="regulators 0 and 1 both move tap row 0"):
        _core.TapControl(**(right | {"tap": np.zeros(2, np.int32)}))
    with pytest.raises(TypeError):
        _core.TapControl(**(right | {"tap": np.arange(2)}))
    flow = NativeFlow(network, 2)
    elsewhere = _core.TapControl(**(right | {"bus": np.array([0, 999], np.int32)}))
    with pytest.raises(InvalidArgumentError, match="regulator 1 has row 999"):
        flow.settle_lanes(elsewhere, 0, 2)
    assert (flow.status == LaneStatus.UNSOLVED).all()
