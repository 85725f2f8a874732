"""Where a merged microgrid is drawn."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powergrid.networks import IEEE13Bus, IEEE34Bus, merge_microgrid
from powergrid.networks.geometry import count_crossed, meets_frame
from powergrid.networks.layout import branch_xy, bus_xy


def frame(net, zone):
    xy = bus_xy(net)[(net.bus.zone == zone).to_numpy()]
    return xy.min(axis=0), xy.max(axis=0)


def test_microgrids_overlap_neither_the_feeder_nor_each_other(fused_grid, dso):
    feeder = branch_xy(dso)
    zones = ("MG1", "MG2", "MG3")
    for zone in zones:
        low, high = frame(fused_grid, zone)
        assert not meets_frame(feeder, low, high)
        for other in set(zones) - {zone}:
            other_low, other_high = frame(fused_grid, other)
            assert np.any(high < other_low) or np.any(low > other_high)


def test_the_feeder_stays_where_it_is_and_the_microgrid_keeps_its_shape(dso, mg1):
    grid, microgrid = dso, mg1
    net = merge_microgrid(grid, microgrid, "DSO Bus 850")
    xy = bus_xy(net)
    np.testing.assert_array_equal(xy[:36], bus_xy(grid))
    before, after = bus_xy(microgrid), xy[36:]
    offset = before[1:] - before[0]
    ratio = (after[1:] - after[0]) / np.where(offset == 0.0, np.nan, offset)
    # One scale for both axes, to six decimals; y may be mirrored.
    assert np.nanstd(ratio[:, 0]) < 1e-6
    assert np.nanstd(ratio[:, 1]) < 1e-6
    assert abs(np.nanmean(ratio[:, 1])) == pytest.approx(np.nanmean(ratio[:, 0]), rel=1e-6)


def test_the_microgrid_is_small_and_near_its_connection(fused_grid):
    xy = bus_xy(fused_grid)
    for zone, ends in fused_grid["heron_pcc"].items():
        low, high = frame(fused_grid, zone)
        assert np.max(high - low) == pytest.approx(0.2 * 6000.0)
        assert np.linalg.norm(xy[ends["grid_bus"]] - xy[ends["bus"]]) < 0.35 * 6000.0


def test_the_place_is_reproduced(fused_grid):
    net = IEEE34Bus("DSO", load_scale=0.5)
    for name, bus in (("MG1", "850"), ("MG2", "858"), ("MG3", "834")):
        net = merge_microgrid(net, IEEE13Bus(name), f"DSO Bus {bus}")
    assert list(net.bus.geo) == list(fused_grid.bus.geo)


def test_networks_without_coordinates_are_left_alone(dso, mg1):
    grid = copy.deepcopy(dso)
    grid.bus["geo"] = None
    microgrid = mg1
    net = merge_microgrid(grid, microgrid, "DSO Bus 850")
    assert list(net.bus.geo[36:]) == list(microgrid.bus.geo)


def test_a_crowded_grid_still_gets_a_place(dso):
    net = dso
    for k in range(5):
        net = merge_microgrid(net, IEEE13Bus(f"MG{k}"), "DSO Bus 850", load_scale=0.01)
    frames = [frame(net, f"MG{k}") for k in range(5)]
    for i, (low, high) in enumerate(frames):
        for other_low, other_high in frames[:i]:
            assert np.any(high < other_low) or np.any(low > other_high)


coordinate = st.integers(-4, 4).map(float)
points = st.tuples(coordinate, coordinate).map(np.array)


def sampled(a, b, n=241):
    """Return points on a segment; 240 = lcm of the steps that small integers can need."""
    t = np.linspace(0.0, 1.0, n)[:, None]
    return a + t * (b - a)


@given(points, points, points, points)
def test_a_segment_with_a_point_in_the_frame_meets_it(a, b, c, d):
    low, high = np.minimum(c, d), np.maximum(c, d)
    on_segment = sampled(a, b)
    touches = bool(np.any(np.all((on_segment >= low) & (on_segment <= high), axis=1)))
    if touches:
        assert meets_frame(np.array([[a, b]]), low, high)
    # Meeting the frame means coming within rounding of it at some point.
    if meets_frame(np.array([[a, b]]), low, high):
        gap = np.maximum(np.maximum(low - on_segment, on_segment - high), 0.0).max(axis=1)
        assert gap.min() < 0.05


@given(points, points, points, points)
def test_crossing_is_symmetric_and_agrees_with_the_solved_intersection(a, b, c, d):
    crossed = count_crossed(np.array([[c, d]]), a, b)
    assert crossed == count_crossed(np.array([[a, b]]), c, d)
    u, v = b - a, d - c
    determinant = u[0] * v[1] - u[1] * v[0]
    if determinant != 0.0:
        w = c - a
        t = (w[0] * v[1] - w[1] * v[0]) / determinant
        s = (w[0] * u[1] - w[1] * u[0]) / determinant
        assert crossed == (-1e-12 <= t <= 1 + 1e-12 and -1e-12 <= s <= 1 + 1e-12)
