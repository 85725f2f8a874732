"""The battery's kernels are its hooks, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import N_LANE, KernelParity, run_program, same_bits

from powergrid.agents.storage import ESS


def battery(**parameters: Any) -> ESS:
    return ESS("store", device_state_config={"bus": "Bus 1", **parameters})


@st.composite
def batteries(draw: st.DrawFn) -> list[ESS]:
    """Return one battery in every lane: equal in structure, different in parameters."""
    has_reactive_power = draw(st.booleans())
    row = []
    for _ in range(N_LANE):
        soc_min, soc_max = draw(st.floats(0.0, 0.4)), draw(st.floats(0.5, 1.0))
        p_max = draw(st.floats(0.0, 5.0))
        q_max = draw(st.floats(0.01, 5.0)) if has_reactive_power else 0.0
        row.append(
            battery(
                e_capacity_MWh=draw(st.floats(0.05, 20.0)),
                p_max_MW=p_max,
                p_min_MW=draw(st.one_of(st.none(), st.floats(-p_max, 0.0))),
                q_max_MVAr=q_max,
                s_rated_MVA=draw(st.one_of(st.none(), st.floats(p_max + 0.01, 8.0))),
                soc_min=soc_min,
                soc_max=soc_max,
                init_soc=draw(st.floats(soc_min, soc_max)),
                ch_eff=draw(st.floats(0.5, 1.0)),
                dsc_eff=draw(st.floats(0.5, 1.0)),
                degradation_cost=draw(st.floats(0.0, 10.0)),
            )
        )
    return row


@given(st.data())
def test_a_group_of_batteries_runs_as_its_hooks_say(data: st.DataObject) -> None:
    devices = [data.draw(batteries()) for _ in range(data.draw(st.integers(1, 3)))]
    n_action = max(len(row[0].action_names()) for row in devices)
    run_program(data.draw, devices, n_action=n_action, can_trip=True, max_step=10)


def test_a_battery_without_reactive_power_needs_no_second_row_of_actions() -> None:
    parity = KernelParity([[battery() for _ in range(N_LANE)]])
    parity.start()
    parity.step(np.full((1, 1, N_LANE), 0.5), np.zeros((0, 1, N_LANE)), 1.0, 0, N_LANE)
    parity.check(0, N_LANE)


def test_a_lane_starts_from_its_own_charge_and_capacity() -> None:
    parity = KernelParity([[battery() for _ in range(N_LANE)]])
    names, fields = parity.kernels.parameters, parity.kernels.fields
    parity.p[names.index("init_soc"), 0, 1] = 0.25
    parity.p[names.index("e_capacity_MWh"), 0, 1] = 8.0
    parity.start()
    values = {f: parity.x[parity.slot[0, k], :2] for k, f in enumerate(fields)}
    assert same_bits(values["storage.soc"], np.array([0.5, 0.25]))
    assert same_bits(values["storage.e_capacity_MWh"], np.array([5.0, 8.0]))
    assert same_bits(values["storage.e_stored_MWh"], np.array([2.5, 2.0]))
