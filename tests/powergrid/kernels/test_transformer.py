"""The tap changer's kernels are its hooks, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import N_LANE, KernelParity, run_program

from powergrid.agents.transformer import Transformer


@st.composite
def tap_changers(draw: st.DrawFn) -> list[Transformer]:
    row = []
    for _ in range(N_LANE):
        config = {"transformer": "REG1", "tap_change_cost": draw(st.floats(0.0, 50.0))}
        device = Transformer("reg", device_state_config=config)
        low, high = draw(st.integers(-16, 0)), draw(st.integers(0, 16))
        device.set_range(draw(st.floats(low, high)), low, high)
        row.append(device)
    return row


@given(st.data())
def test_a_group_of_tap_changers_runs_as_its_hooks_say(data: st.DataObject) -> None:
    devices = [data.draw(tap_changers()) for _ in range(data.draw(st.integers(1, 3)))]
    taps = st.one_of(st.floats(-16.0, 16.0), st.sampled_from([-0.4, 0.5, -0.5, 1.5, -0.0]))

    def sometimes_between_two_positions(parity: KernelParity) -> None:
        """Let a regulator that worked meanwhile leave the taps somewhere."""
        if data.draw(st.booleans()):
            tap = data.draw(taps)
            parity.write("tap.tap", np.full((parity.n_device, N_LANE), tap))
            for row in parity.devices:
                for device in row:
                    device.state.tap.tap = tap

    run_program(
        data.draw,
        devices,
        action=((0.0, 2.0), (0.0, 1.0, 2.0)),
        n_action=1,
        measured=((0.0, 250.0), (0.0, 100.0)),
        before=sometimes_between_two_positions,
        max_step=10,
    )
