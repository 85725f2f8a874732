"""Line-drop compensation: the relay's arithmetic, and the compiled twin to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from heron.errors import InvalidArgumentError
from powergrid._core import line_drop_step as native_step
from powergrid.powerflow.line_drop import line_drop_step, relay_voltage

STEPS = [native_step, line_drop_step]


def arguments(n_regulator: int = 1, **changes: float) -> dict[str, NDArray[np.float64]]:
    """Relays at 122 V with a 2 V band, no drop, tap 0 of -16 to 16, and 1.0 p.u."""
    values = {
        "v_re_pu": 1.0,
        "v_im_pu": 0.0,
        "i_re_a": 0.0,
        "i_im_a": 0.0,
        "tap": 0.0,
        "v_set_volt": 122.0,
        "bandwidth_volt": 2.0,
        "r_volt": 0.0,
        "x_volt": 0.0,
        "ct_primary_a": 100.0,
        "tap_min": -16.0,
        "tap_max": 16.0,
        **changes,
    }
    return {name: np.full(n_regulator, value) for name, value in values.items()}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("relay_volt", "expected"),
    [(120.9, 1), (121.0, 0), (122.0, 0), (123.0, 0), (123.1, -1)],
)
def test_the_step_brings_the_voltage_back_into_the_band(
    step: Any, relay_volt: float, expected: int
) -> None:
    result = step(**arguments(v_re_pu=relay_volt / 120.0))
    assert result.dtype == np.int8
    assert result.tolist() == [expected]


@pytest.mark.parametrize("step", STEPS)
def test_load_current_makes_the_relay_raise_the_tap(step: Any) -> None:
    # 122 V at the regulator, 3 V lost to the load at rated current: 119 V, below 121 V.
    loaded = arguments(v_re_pu=122.0 / 120.0, i_re_a=100.0, r_volt=3.0)
    assert step(**loaded).tolist() == [1]
    # Current that flows back lifts the far end to 125 V instead.
    reverse = arguments(v_re_pu=122.0 / 120.0, i_re_a=-100.0, r_volt=3.0)
    assert step(**reverse).tolist() == [-1]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("v_re_pu", "tap", "expected"),
    [(0.8, 16.0, 0), (0.8, 15.0, 1), (1.2, -16.0, 0), (1.2, -15.0, -1), (0.8, 15.6, 0)],
)
def test_a_tap_at_its_end_stays(step: Any, v_re_pu: float, tap: float, expected: int) -> None:
    assert step(**arguments(v_re_pu=v_re_pu, tap=tap)).tolist() == [expected]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("setting", ["v_set_volt", "bandwidth_volt", "r_volt", "ct_primary_a"])
def test_a_transformer_without_a_relay_never_moves(step: Any, setting: str) -> None:
    assert step(**arguments(v_re_pu=0.5, **{setting: float("nan")})).tolist() == [0]


@pytest.mark.parametrize("step", STEPS)
def test_differences_below_a_millionth_do_not_decide(step: Any) -> None:
    at_the_edge = 123.0 / 120.0
    assert step(**arguments(v_re_pu=at_the_edge + 4e-7)).tolist() == [0]
    assert step(**arguments(v_re_pu=at_the_edge + 1.1e-6)).tolist() == [-1]


@pytest.mark.parametrize("step", STEPS)
def test_arrays_of_unequal_length_name_the_odd_one(step: Any) -> None:
    wrong = arguments(3) | {"tap": np.zeros(2)}
    with pytest.raises(InvalidArgumentError, match=r"tap has .*2.*, expected .*3.*: one value per"):
        step(**wrong)


@pytest.mark.parametrize("step", STEPS)
def test_no_regulator_gives_no_step(step: Any) -> None:
    assert step(**arguments(0)).shape == (0,)


def test_the_compiled_step_refuses_what_it_would_have_to_copy() -> None:
    with pytest.raises(TypeError):
        native_step(**(arguments(2) | {"tap": np.zeros(2, dtype=np.int64)}))
    with pytest.raises(TypeError):
        native_step(**(arguments(2) | {"tap": np.zeros(4)[::2]}))


def test_the_relay_voltage_is_the_magnitude_of_the_phasor_equation() -> None:
    random = np.random.default_rng(7)
    v = random.normal(1.0, 0.1, 50) + 1j * random.normal(0.0, 0.3, 50)
    i = random.normal(0.0, 300.0, 50) + 1j * random.normal(0.0, 300.0, 50)
    r, x, ct = random.uniform(0.0, 12.0, (3, 50)) + np.array([[0.0], [0.0], [100.0]])
    expected = np.abs(120.0 * v - (r + 1j * x) * i / ct)
    result = relay_voltage(v.real, v.imag, i.real, i.imag, r, x, ct)
    np.testing.assert_allclose(result, expected, rtol=1e-13)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_regulator=st.integers(0, 40),
    is_on_the_edge=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_both_twins_ask_for_the_same_steps(
    seed: int, n_regulator: int, is_on_the_edge: bool
) -> None:
    random = np.random.default_rng(seed)
    tap_max = random.integers(0, 17, n_regulator).astype(np.float64)
    drawn = {
        "v_re_pu": random.normal(1.0, 0.03, n_regulator),
        "v_im_pu": random.normal(0.0, 0.03, n_regulator),
        "i_re_a": random.normal(0.0, 200.0, n_regulator),
        "i_im_a": random.normal(0.0, 200.0, n_regulator),
        "tap": random.uniform(-17.0, 17.0, n_regulator),
        "v_set_volt": random.uniform(118.0, 126.0, n_regulator),
        "bandwidth_volt": random.uniform(0.0, 4.0, n_regulator),
        "r_volt": random.uniform(0.0, 12.0, n_regulator),
        "x_volt": random.uniform(0.0, 12.0, n_regulator),
        "ct_primary_a": random.uniform(50.0, 700.0, n_regulator),
        "tap_min": -tap_max,
        "tap_max": tap_max,
    }
    if is_on_the_edge:
        # Put the relay voltage on half a millionth of a p.u. next to the band's upper end.
        names = ["v_re_pu", "v_im_pu", "i_re_a", "i_im_a", "r_volt", "x_volt", "ct_primary_a"]
        relay_volt = relay_voltage(*(drawn[name] for name in names))
        drawn["v_set_volt"] = relay_volt - drawn["bandwidth_volt"] / 2.0 + 120.0 * 0.5e-6
    assert native_step(**drawn).tolist() == line_drop_step(**drawn).tolist()
