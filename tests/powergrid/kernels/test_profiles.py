"""Series are read in every lane as `Profiles.window` reads them for one episode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK, same_bits

from powergrid.agents.profile_window import ProfileWindow
from powergrid.data.profiles import INTERPOLATIONS, Profiles
from powergrid.kernels.profiles import (
    BLOCK,
    find_rows,
    read_clock,
    read_own_series,
    read_series,
    scale_forecasts,
    tell_time,
)

N_LANE, N_FORECAST = 5, 4
KINDS = ("load", "solar", "wind", "price")


def function(kernel: object, is_compiled: bool):
    return kernel if is_compiled else kernel.py_func  # type: ignore[attr-defined]


def read(
    data: np.ndarray,
    time_s: np.ndarray,
    offset_s: np.ndarray,
    row_s: float,
    *,
    is_linear: bool = False,
    scale: float = 1.0,
    lanes: tuple[int, int] | None = None,
    is_compiled: bool = True,
) -> np.ndarray:
    """Return all series at all offsets, (n_series, n_offset, n_lane)."""
    n_series, n_offset, n_lane = len(data), len(offset_s), len(time_s)
    first, last = (0, n_lane) if lanes is None else lanes
    row = np.full((n_offset, n_lane), -1, dtype=np.int32)
    share = np.full((n_offset, n_lane), MARK)
    out = np.full((n_series * n_offset, n_lane), MARK)
    function(find_rows, is_compiled)(
        time_s, offset_s, row_s, data.shape[1], row, share, first, last
    )
    series = np.repeat(np.arange(n_series), n_offset).astype(np.int32)
    at = np.tile(np.arange(n_offset), n_series).astype(np.int32)
    slot = np.arange(n_series * n_offset)[::-1].astype(np.int32)
    function(read_series, is_compiled)(
        data, series, at, np.full(len(slot), scale), slot, row, share, is_linear, out, first, last
    )
    return out[slot].reshape(n_series, n_offset, n_lane)


@given(
    seed=st.integers(0, 2**32),
    n_row=st.sampled_from([1, 2, 24, 97]),
    row_s=st.sampled_from([60.0, 3600.0, 7.5]),
    step_s=st.sampled_from([60.0, 900.0, 3600.0, 86400.0, 0.5]),
    interpolation=st.sampled_from(INTERPOLATIONS),
    is_compiled=st.booleans(),
)
def test_lanes_read_what_windows_hold(
    seed: int, n_row: int, row_s: float, step_s: float, interpolation: str, is_compiled: bool
) -> None:
    rng = np.random.default_rng(seed)
    data = rng.uniform(0.0, 1.0, (len(KINDS), n_row))
    profiles = Profiles(
        {"train": dict(zip(KINDS, data, strict=True))},
        "train",
        row_s=row_s,
        interpolation=interpolation,
    )
    time_s = rng.integers(-3 * n_row, 5 * n_row, N_LANE) * row_s + rng.integers(0, 9, N_LANE)
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    values = read(
        data,
        time_s,
        np.arange(N_FORECAST) * step_s,
        row_s,
        is_linear=interpolation == "linear",
        lanes=(first, last),
        is_compiled=is_compiled,
    )
    for lane in range(N_LANE):
        for k, kind in enumerate(KINDS):
            expected = profiles.window(kind, None, time_s[lane], N_FORECAST, step_s)
            if not first <= lane < last:
                expected = np.full(N_FORECAST, MARK)
            assert same_bits(values[k, :, lane], expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_times_summed_up_from_rounded_steps_do_not_read_the_row_before(interpolation: str) -> None:
    data = np.arange(50.0).reshape(1, 50)
    profiles = Profiles(
        {"train": {"price": data[0]}}, "train", row_s=0.1, interpolation=interpolation
    )
    time_s = np.cumsum(np.full(40, 0.1))
    is_linear = interpolation == "linear"
    values = read(data, time_s, np.zeros(1), 0.1, is_linear=is_linear)[0, 0]
    expected = [profiles.window("price", None, t, 1, 1.0)[0] for t in time_s]
    assert same_bits(values, np.array(expected))
    assert values == pytest.approx(np.arange(1.0, 41.0))


@given(st.integers(-(2**31), 2**31), st.integers(1, 10_000))
def test_the_number_of_a_row_is_that_of_integer_arithmetic(position: int, n_row: int) -> None:
    row, share = np.zeros((1, 1), dtype=np.int32), np.zeros((1, 1))
    find_rows(np.array([float(position)]), np.zeros(1), 1.0, n_row, row, share, 0, 1)
    assert row[0, 0] == position % n_row


def test_values_are_scaled() -> None:
    data = np.array([[1.0, 3.0]])
    values = read(data, np.zeros(1), np.array([0.0, 1800.0]), 3600.0, is_linear=True, scale=0.5)
    assert values.ravel().tolist() == [0.5, 1.0]


def test_lanes_of_all_blocks_are_read() -> None:
    n_lane = 2 * BLOCK + 3
    data = np.arange(float(n_lane)).reshape(1, n_lane)
    values = read(data, np.arange(n_lane) * 60.0, np.zeros(1), 60.0, lanes=(1, n_lane - 1))[0, 0]
    assert same_bits(values[1:-1], data[0, 1:-1])
    assert values[0] == values[-1] == MARK


@given(
    start_s=st.lists(st.integers(0, 10**9), min_size=N_LANE, max_size=N_LANE),
    k=st.integers(0, 10_000),
    step_s=st.sampled_from([60.0, 900.0, 3600.0]),
    is_compiled=st.booleans(),
)
def test_the_clock_is_that_of_a_window(
    start_s: list[int], k: int, step_s: float, is_compiled: bool
) -> None:
    slot = np.array([[3, 1, 0, 2], [7, 6, 5, 4]], dtype=np.int32)
    out = np.full((9, N_LANE), MARK)
    week_s = np.array(start_s, dtype=np.float64) + k * step_s
    function(read_clock, is_compiled)(week_s, slot, out, 1, N_LANE)
    for lane in range(1, N_LANE):
        window = ProfileWindow({}, {}, float(start_s[lane]), step_s, 0)
        for agent in range(2):
            assert out[slot[agent], lane].tolist() == list(window.clock(k))
    assert np.all(out[:, 0] == MARK)
    assert np.all(out[8] == MARK)


def test_series_of_a_lane_forecast_factors_and_time() -> None:
    rng = np.random.default_rng(0)
    own, k = rng.normal(size=(3, 5, 4)), np.array([4, 0, 2, 1])
    for function in (read_own_series, read_own_series.py_func):
        out = np.full((3, 4), MARK)
        function(own, k, out, 1, 3)
        assert np.array_equal(out[:, 1:3], np.stack([own[:, k[lane], lane] for lane in (1, 2)], 1))
        assert (out[:, [0, 3]] == MARK).all()
    for function in (scale_forecasts, scale_forecasts.py_func):
        x, factor = np.ones((9, 4)), np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
        function(x, np.array([1, 5], np.int32), 3, factor, 0, 3)
        assert x[:, 1].tolist() == [1, 2, 2, 2, 1, 6, 6, 6, 1]
        assert (x[:, 3] == 1.0).all()
    for function in (tell_time, tell_time.py_func):
        time_s, week_s = np.full((2, 4), MARK)
        function(np.full(4, 100.0), np.full(4, 500.0), k, 60.0, time_s, week_s, 0, 2)
        assert time_s.tolist() == [340.0, 100.0, MARK, MARK]
        assert week_s.tolist() == [740.0, 500.0, MARK, MARK]
