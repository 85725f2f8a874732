"""The metered connection's kernels are its hooks, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import N_LANE, KernelParity, run_program

from powergrid.agents.grid import Grid


@st.composite
def connections(draw: st.DrawFn) -> list[Grid]:
    row = []
    for _ in range(N_LANE):
        config = {
            "price_scale": draw(st.floats(0.0, 3.0)),
            "sell_ratio": draw(st.floats(0.0, 1.0)),
            "s_rated_MVA": draw(st.one_of(st.none(), st.floats(0.1, 3.0))),
        }
        row.append(Grid("pcc", device_state_config=config))
    return row


@given(st.data())
def test_a_group_of_connections_runs_as_its_hooks_say(data: st.DataObject) -> None:
    devices = [data.draw(connections()) for _ in range(data.draw(st.integers(1, 3)))]
    prices = st.lists(st.floats(-50.0, 500.0), min_size=N_LANE, max_size=N_LANE)

    def price(parity: KernelParity) -> None:
        drawn = data.draw(prices)
        parity.write("coordinator:market.price", np.array([drawn] * parity.n_device))
        for row in parity.devices:
            for device, value in zip(row, drawn, strict=True):
                device.price = value

    run_program(data.draw, devices, n_action=0, before=price)
