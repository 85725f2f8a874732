"""Zones are measured in every lane as the safety formulas measure one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK

from powergrid.kernels.zone import BLOCK, read_lines, read_voltages
from powergrid.utils.safety import loading_over_pct, voltage_deviation

N_LANE = 6


def lists(rng: np.random.Generator, n_row: int, n_zone: int, at_least: int):
    """Return the rows of each zone, one list after the other, and where each list begins."""
    length = rng.integers(at_least, n_row + 1, n_zone)
    chosen = [rng.permutation(n_row)[:n] for n in length]
    start = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    return np.concatenate(chosen).astype(np.int32), start


@given(seed=st.integers(0, 2**32), is_compiled=st.booleans())
def test_voltages_are_summed_and_bounded_zone_by_zone(seed: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    vm_pu = rng.choice([0.95, 1.05, 0.0, *rng.uniform(0.8, 1.2, 40)], (30, N_LANE))
    bus, start = lists(rng, 30, 3, at_least=1)
    deviation, low, high = (np.full((3, N_LANE), MARK) for _ in range(3))
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    kernel = read_voltages if is_compiled else read_voltages.py_func
    kernel(vm_pu, bus, start, 0.95, 1.05, deviation, low, high, first, last)
    for zone in range(3):
        own = vm_pu[bus[start[zone] : start[zone + 1]]]
        for lane in range(N_LANE):
            got = [deviation[zone, lane], low[zone, lane], high[zone, lane]]
            if first <= lane < last:
                expected = voltage_deviation(own[:, lane], 0.95, 1.05)
                assert got[0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
                assert got[1:] == [own[:, lane].min(), own[:, lane].max()]
            else:
                assert got == [MARK] * 3


@given(seed=st.integers(0, 2**32), is_compiled=st.booleans())
def test_overloads_are_summed_and_bounded_zone_by_zone(seed: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    loading = rng.choice([0.0, 100.0, *rng.uniform(0.0, 250.0, 40)], (30, N_LANE))
    line, start = lists(rng, 30, 3, at_least=0)
    overload, high = (np.full((3, N_LANE), MARK) for _ in range(2))
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    kernel = read_lines if is_compiled else read_lines.py_func
    kernel(loading, line, start, 100.0, overload, high, first, last)
    for zone in range(3):
        own = loading[line[start[zone] : start[zone + 1]]]
        for lane in range(N_LANE):
            got = [overload[zone, lane], high[zone, lane]]
            if first <= lane < last:
                expected = loading_over_pct(own[:, lane])
                assert got[0] == pytest.approx(expected, rel=1e-12, abs=1e-14)
                assert got[1] == max(own[:, lane], default=0.0)
            else:
                assert got == [MARK] * 2


def test_lanes_of_all_blocks_are_read() -> None:
    n_lane = 2 * BLOCK + 3
    vm_pu = np.linspace(0.8, 1.2, n_lane).reshape(1, n_lane)
    rows = [np.full((1, n_lane), MARK) for _ in range(5)]
    one, start = np.zeros(1, dtype=np.int32), np.array([0, 1], dtype=np.int32)
    read_voltages(vm_pu, one, start, 0.95, 1.05, *rows[:3], 1, n_lane - 1)
    read_lines(100.0 * vm_pu, one, start, 100.0, *rows[3:], 1, n_lane - 1)
    within = slice(1, n_lane - 1)
    assert np.array_equal(rows[1][0, within], vm_pu[0, within])
    assert np.array_equal(rows[2][0, within], vm_pu[0, within])
    assert np.array_equal(rows[4][0, within], 100.0 * vm_pu[0, within])
    for row in rows:
        assert row[0, 0] == row[0, -1] == MARK
