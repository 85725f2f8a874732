"""What moves between table, power flow and books arrives where and as it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK

from powergrid.kernels.check import first_not_finite
from powergrid.kernels.observe import observe, observe_scaled
from powergrid.kernels.transfer import (
    available_power,
    copy_rows,
    exchange,
    measure,
    scale_rows,
    write_loads,
    write_switched,
)

N_LANE, N_ROW = 7, 9
SEEDS = {"seed": st.integers(0, 2**32), "is_compiled": st.booleans()}


class Case:
    """Random arrays and lists, a range of lanes, and a kernel or its Python."""

    def __init__(self, seed: int, is_compiled: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.is_compiled = is_compiled
        self.first, self.last = sorted(self.rng.integers(0, N_LANE + 1, 2).tolist())
        self.lanes = slice(self.first, self.last)

    def table(self, n_row: int = N_ROW) -> np.ndarray:
        return self.rng.normal(size=(n_row, N_LANE))

    def list(self, n: int, n_row: int = N_ROW) -> np.ndarray:
        return self.rng.permutation(n_row)[:n].astype(np.int32)

    def run(self, kernel: Any, *arguments: Any) -> None:
        function = kernel if self.is_compiled else kernel.py_func
        function(*arguments, self.first, self.last)

    def expect(self, got: np.ndarray, rows: Any, values: np.ndarray, lane_axis: int = 1) -> None:
        """Demand values in the rows and lanes, and marks everywhere else."""
        whole = np.full(got.shape, MARK, got.dtype)
        at = np.moveaxis(whole, lane_axis, -1)
        at[rows, self.lanes] = values[..., self.lanes]
        assert got.tobytes() == whole.tobytes()


@given(**SEEDS)
def test_rows_are_copied_and_scaled(seed: int, is_compiled: bool) -> None:
    case = Case(seed, is_compiled)
    source, factor = case.table(), case.table(4)
    of, to = case.list(4), case.list(4)
    target = np.full((N_ROW, N_LANE), MARK)
    case.run(copy_rows, source, of, target, to)
    case.expect(target, to, source[of])
    target[:] = MARK
    case.run(scale_rows, source, of, factor, target, to)
    case.expect(target, to, source[of] * factor)


@given(**SEEDS)
def test_available_power_is_a_share_of_the_rating(seed: int, is_compiled: bool) -> None:
    case = Case(seed, is_compiled)
    share, rated = case.table() * 2.0, np.abs(case.table(4))
    of, to, is_limited = case.list(4), case.list(4), case.rng.random(4) < 0.5
    target = np.full((N_ROW, N_LANE), MARK)
    case.run(available_power, share, of, rated, is_limited, target, to)
    power = share[of] * rated
    limited = np.minimum(np.maximum(power, 0.0), rated)
    case.expect(target, to, np.where(is_limited[:, np.newaxis], limited, power))


@given(**SEEDS)
def test_loads_follow_the_multiplier_of_their_zone(seed: int, is_compiled: bool) -> None:
    case = Case(seed, is_compiled)
    multiplier, zone = case.table(3), case.rng.integers(0, 3, 5).astype(np.int32)
    base, row = case.rng.normal(size=(2, 5)), case.list(5)
    p, q = np.full((2, N_ROW, N_LANE), MARK)
    case.run(write_loads, multiplier, zone, base[0], base[1], row, p, q)
    for got, of in ((p, base[0]), (q, base[1])):
        case.expect(got, row, of[:, np.newaxis] * multiplier[zone])
    step = np.full((N_ROW, N_LANE), MARK)
    case.run(write_switched, multiplier, 1, 0.2, step, row)
    case.expect(step, row, np.broadcast_to((multiplier[1] >= 0.2) * 1.0, (5, N_LANE)))


@given(**SEEDS)
def test_meters_add_up_their_terms_and_keep_still_without_a_solution(
    seed: int, is_compiled: bool
) -> None:
    case = Case(seed, is_compiled)
    arrays = [case.table() for _ in range(4)]
    status = case.rng.integers(0, 2, N_LANE).astype(np.int8)
    start = np.cumsum([0, *case.rng.integers(0, 4, 3)]).astype(np.int32)
    n = int(start[-1])
    kind, row = case.rng.integers(0, 4, n).astype(np.int32), case.rng.integers(0, N_ROW, n)
    factor, to = case.rng.normal(size=n), case.list(3)
    reading = np.full((N_ROW, N_LANE), MARK)
    case.run(
        measure, *arrays, status, start, kind, row.astype(np.int32), factor, reading, to
    )  # fmt: skip
    expected = np.full((N_ROW, N_LANE), MARK)
    for meter in range(3):
        for lane in range(case.first, case.last):
            if status[lane] == 0:
                expected[to[meter], lane] = sum(
                    factor[t] * arrays[kind[t]][row[t], lane]
                    for t in range(start[meter], start[meter + 1])
                )
    assert reading == pytest.approx(expected, rel=1e-12, abs=1e-15)


@given(**SEEDS)
def test_energy_is_bought_or_sold(seed: int, is_compiled: bool) -> None:
    case = Case(seed, is_compiled)
    x, slot = case.table(), np.array([3, -1, 0], np.int32)
    status = case.rng.integers(0, 2, N_LANE).astype(np.int8)
    bought, sold = np.full((2, 3, N_LANE), MARK)
    case.run(exchange, x, slot, status, 0.5, bought, sold)
    energy = np.where((slot >= 0)[:, np.newaxis] & (status == 0), x[slot] * 0.5, 0.0)
    for got, of in ((bought, energy), (sold, -energy)):
        whole = np.full((3, N_LANE), MARK)
        whole[:, case.lanes] = np.maximum(of, 0.0)[:, case.lanes]
        assert np.array_equal(got, whole)


@given(n_lane=st.integers(1, 80), **SEEDS)
def test_observations_are_gathered(n_lane: int, seed: int, is_compiled: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, n_lane))
    slot = rng.integers(0, 20, (3, 6)).astype(np.int32)
    length = rng.integers(0, 7, 3).astype(np.int32)
    offset, scale = rng.normal(size=(3, 6)), rng.uniform(0.5, 2.0, (3, 6))
    first, last = sorted(rng.integers(0, n_lane + 1, 2).tolist())
    for kernel, extra in ((observe, ()), (observe_scaled, (offset, scale))):
        out = np.full((n_lane, 3, 6), MARK, np.float32)
        expected = out.copy()
        function = kernel if is_compiled else kernel.py_func
        function(x, slot, length, *extra, out, first, last)
        for agent in range(3):
            n = length[agent]
            seen = x[slot[agent, :n]]
            if extra:
                seen = (seen - offset[agent, :n, np.newaxis]) / scale[agent, :n, np.newaxis]
            expected[first:last, agent, :n] = seen.T[first:last]
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_value_that_is_not_finite_is_found(bad: float, dtype: type) -> None:
    values = np.ones(9, dtype)
    assert first_not_finite(values) == first_not_finite.py_func(values) == -1
    values[[4, 7]] = bad
    assert first_not_finite(values) == first_not_finite.py_func(values) == 4
