"""The generator's kernels are its hooks, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import N_LANE, KernelParity, run_program, same_bits

from powergrid.agents.generator import Generator

hours = st.sampled_from([0.0, 0.25, 0.3, 1.0, 2.0])
prices = st.floats(0.0, 500.0)


def generator(**parameters: Any) -> Generator:
    return Generator("unit", device_state_config={"bus": "Bus 1", **parameters})


@st.composite
def curves(draw: st.DrawFn, n_coef: int) -> list[float]:
    coef = st.floats(0.0, 100.0)
    if n_coef == 3:
        return [draw(coef) for _ in range(3)]
    gaps = st.lists(st.floats(0.01, 4.0), min_size=n_coef // 2, max_size=n_coef // 2)
    powers = np.cumsum(draw(gaps)).tolist()
    return [value for p in powers for value in (p, draw(coef))]


@st.composite
def generators(draw: st.DrawFn) -> list[Generator]:
    """Return one generator in every lane: equal in structure, different in parameters."""
    commitment = draw(st.booleans())
    n_coef = draw(st.sampled_from([3, 4, 6, 10]))
    row = []
    for _ in range(N_LANE):
        p_min, q_min = draw(st.floats(0.0, 2.0)), draw(st.floats(-5.0, 1.0))
        p_max = p_min + draw(st.floats(0.0, 5.0))
        row.append(
            generator(
                p_min_MW=p_min,
                p_max_MW=p_max,
                q_min_MVAr=q_min,
                q_max_MVAr=q_min + draw(st.floats(0.0, 8.0)),
                s_rated_MVA=draw(st.one_of(st.none(), st.floats(p_max + 1e-3, 12.0))),
                cost_curve_coefs=draw(curves(n_coef)),
                commitment=commitment,
                startup_time_hr=draw(hours),
                shutdown_time_hr=draw(hours),
                startup_cost=draw(prices),
                shutdown_cost=draw(prices),
            )
        )
    return row


@given(st.data())
def test_a_group_of_generators_runs_as_its_hooks_say(data: st.DataObject) -> None:
    devices = [data.draw(generators()) for _ in range(data.draw(st.integers(1, 3)))]
    n_action = max(len(row[0].action_names()) for row in devices)
    run_program(data.draw, devices, n_action=n_action, can_trip=True, max_step=10)


def test_a_curve_is_continued_beyond_its_points_and_jumps_segments_at_them() -> None:
    curve = [1.0, 10.0, 2.0, 15.0, 3.0, 40.0]
    powers = [0.0, 1.0, 2.0, np.nextafter(2.0, 0.0), 5.0]
    parity = KernelParity(
        [[generator(cost_curve_coefs=curve, p_min_MW=p, p_max_MW=p) for p in powers]]
    )
    parity.start()
    parity.step(np.ones((2, 1, N_LANE)), np.zeros((0, 1, N_LANE)), 1.0, 0, N_LANE)
    parity.check(0, N_LANE)
    assert parity.cost[0, 0, :N_LANE] == pytest.approx([5.0, 10.0, 15.0, 15.0, 90.0])


def test_a_started_unit_burns_fuel_once_its_start_up_time_has_passed() -> None:
    unit = {"commitment": True, "startup_time_hr": 2.0, "startup_cost": 30.0, "p_min_MW": 1.0}
    parity = KernelParity([[generator(**unit) for _ in range(N_LANE)]])
    parity.start()
    on, status, fuel, switching = np.ones((3, 1, N_LANE)), [], [], []
    for _ in range(3):
        parity.step(on, np.zeros((0, 1, N_LANE)), 1.0, 0, N_LANE)
        parity.check(0, N_LANE)
        status.append(parity.x[parity.slot[0, 2], 0])
        fuel.append(parity.cost[0, 0, 0] > 0.0)
        switching.append(parity.cost[1, 0, 0])
    assert status == [0.0, 1.0, 1.0]
    assert fuel == [False, False, True]
    assert switching == [30.0, 0.0, 0.0]


def test_a_lane_starts_from_its_own_limits() -> None:
    parity = KernelParity([[generator() for _ in range(N_LANE)]])
    parity.p[1, 0, 2] = 4.0  # p_min_MW
    parity.start()
    fields = parity.kernels.fields
    p_mw = parity.x[parity.slot[0, fields.index("electrical.p_MW")], :N_LANE]
    p_min = parity.x[parity.slot[0, fields.index("limits.p_min_MW")], :N_LANE]
    assert same_bits(p_mw, np.array([0.0, 0.0, 4.0, 0.0, 0.0]))
    assert same_bits(p_min, p_mw)
    assert parity.m[0, 0, :N_LANE].tolist() == [1.0] * N_LANE  # they run
