"""Actions of many lanes are mapped as an agent's layout maps one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_parity import MARK, same_bits

from powergrid.agents.action_layout import ActionLayout, union_of_dims
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.renewable import SolarPlant
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.kernels.action_map import BLOCK, share_of, to_device_units

N_LANE = 7
CONFIG = {"bus": "Bus 1"}


def agents() -> list[dict[str, DeviceAgent]]:
    """Return the devices of two agents, of every kind of action entry, sharing one layout."""
    unit = {**CONFIG, "commitment": True}
    return [
        {
            "gen": Generator("gen", device_state_config=unit),
            "tap": Transformer("tap", device_state_config={"transformer": "REG1"}),
        },
        {
            "ess": ESS("ess", device_state_config=CONFIG),
            "pv": SolarPlant("pv", device_state_config={**CONFIG, "q_max_MVAr": 1.0}),
            "gen": Generator("gen", device_state_config=CONFIG),
        },
    ]


LAYOUTS = [ActionLayout(devices, union_of_dims(agents())) for devices in agents()]


def rows() -> tuple[np.ndarray, ...]:
    """Return agent, entry, low, high and number of options of each row, agent after agent."""
    agent = np.repeat([0, 1], [len(layout._index) for layout in LAYOUTS])
    entry = np.concatenate([layout._index for layout in LAYOUTS])
    low = np.concatenate([layout._low for layout in LAYOUTS])
    high = np.concatenate([layout._high for layout in LAYOUTS])
    n_option = np.concatenate([layout._n_option for layout in LAYOUTS])
    whole = (a.astype(np.int32) for a in (agent, entry, n_option))
    agent, entry, n_option = whole
    return agent, entry, low, high, n_option


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(seed=st.integers(0, 2**32), is_compiled=st.booleans())
def test_every_lane_gets_what_its_agents_layouts_say(
    dtype: type[np.floating], seed: int, is_compiled: bool
) -> None:
    rng = np.random.default_rng(seed)
    flat = rng.uniform(-1.5, 1.5, (N_LANE, 2, LAYOUTS[0].size)).astype(dtype)
    corners = np.array([-1.0, -1.0 / 3.0, -0.0, 0.0, 1.0 / 3.0, 1.0, 1e30], dtype=dtype)
    flat = np.where(rng.random(flat.shape) < 0.4, rng.choice(corners, flat.shape), flat)
    columns = rows()
    out = np.full((len(columns[0]), N_LANE), MARK)
    first, last = sorted(rng.integers(0, N_LANE + 1, 2).tolist())
    kernel = to_device_units if is_compiled else to_device_units.py_func
    kernel(flat, *columns, out, first, last)
    for lane in range(N_LANE):
        expected = np.concatenate(
            [LAYOUTS[i].to_device_units(flat[lane, i]) for i in range(2)]
            if first <= lane < last
            else [np.full(len(columns[0]), MARK)]
        )
        assert same_bits(out[:, lane], expected)


def test_lanes_of_all_blocks_are_mapped() -> None:
    n_lane = 2 * BLOCK + 3
    flat = np.linspace(-1.0, 1.0, n_lane).reshape(n_lane, 1, 1)
    column = np.zeros(1, dtype=np.int32)
    out = np.full((1, n_lane), MARK)
    to_device_units(flat, column, column, np.zeros(1), np.full(1, 2.0), column, out, 1, n_lane - 1)
    assert out[0, 1:-1] == pytest.approx(np.linspace(0.0, 2.0, n_lane)[1:-1])
    assert out[0, 0] == out[0, -1] == MARK


def test_single_precision_is_widened_before_it_is_mapped() -> None:
    value = np.float32(0.1)
    assert share_of(value) == (float(value) + 1.0) / 2.0
