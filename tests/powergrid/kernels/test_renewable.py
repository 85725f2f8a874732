"""The renewable unit's kernels are its hooks, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import N_LANE, KernelParity, run_program

from powergrid.agents.renewable import RenewableGenerator, SolarPlant, WindPlant


@st.composite
def plants(draw: st.DrawFn) -> list[RenewableGenerator]:
    kind = draw(st.sampled_from([SolarPlant, WindPlant, RenewableGenerator]))
    has_reactive_power = draw(st.booleans())
    row = []
    for _ in range(N_LANE):
        rated = draw(st.floats(0.1, 5.0))
        config = {
            "bus": "Bus 1",
            "p_rated_MW": rated,
            "s_rated_MVA": draw(st.one_of(st.none(), st.floats(rated, 8.0))),
            "q_max_MVAr": draw(st.floats(0.01, 3.0)) if has_reactive_power else 0.0,
            "curtailment_cost": draw(st.floats(0.0, 20.0)),
        }
        row.append(kind("plant", device_state_config=config))
    return row


@given(st.data())
def test_a_group_of_plants_runs_as_its_hooks_say(data: st.DataObject) -> None:
    devices = [data.draw(plants()) for _ in range(data.draw(st.integers(1, 3)))]
    shares = st.lists(st.floats(0.0, 1.3), min_size=N_LANE, max_size=N_LANE)

    def offer(parity: KernelParity) -> None:
        available = np.empty((parity.n_device, N_LANE))
        for d, row in enumerate(parity.devices):
            for lane, (device, share) in enumerate(zip(row, data.draw(shares), strict=True)):
                device.available_power = share * device.config.p_rated_MW
                available[d, lane] = device.available_power
        parity.write("availability.available_p_MW", available)

    n_action = max(len(row[0].action_names()) for row in devices)
    run_program(data.draw, devices, n_action=n_action, can_trip=True, before=offer)
