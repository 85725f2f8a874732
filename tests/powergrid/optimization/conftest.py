"""Small radial networks, one with an element of every kind that has a meaning there."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import pandapower as pp
import pytest

from powergrid.powerflow.compilation import CompiledNetwork, compile_network
from powergrid.powerflow.native_flow import NativeFlow

LINE = {"r_ohm_per_km": 0.2, "x_ohm_per_km": 0.12, "c_nf_per_km": 270.0, "max_i_ka": 0.3}


def all_elements() -> pp.pandapowerNet:
    net = pp.create_empty_network(sn_mva=10.0)
    levels = (110.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 10.0, 6.0, 20.0, 20.0)
    bus = [pp.create_bus(net, vn, name=f"bus {i}") for i, vn in enumerate(levels)]
    pp.create_ext_grid(net, bus[0], vm_pu=1.02)
    changer = {"tap_neutral": 0, "tap_min": -9, "tap_max": 9, "tap_changer_type": "Ratio"}
    pp.create_transformer_from_parameters(
        net, bus[0], bus[1], 40, 110, 20, 0.3, 12, 14, 0.07, shift_degree=150,
        tap_side="hv", tap_pos=-3, tap_step_percent=1.5, **changer,
    )  # fmt: skip
    pp.create_line_from_parameters(net, bus[1], bus[2], 4, g_us_per_km=2.0, **LINE)
    pp.create_line_from_parameters(net, bus[3], bus[2], 3, g_us_per_km=2.0, **LINE)
    pp.create_line_from_parameters(net, bus[3], bus[4], 5, parallel=2, **LINE)
    pp.create_switch(net, bus[4], bus[5], "b")
    pp.create_impedance(net, bus[5], bus[6], 0.004, 0.006, 10.0)
    pp.create_transformer3w_from_parameters(
        net, bus[6], bus[7], bus[8], 20, 10, 6, 10, 6, 5, 8, 9, 10, 0.4, 0.5, 0.6, 10, 0.1,
        tap_side="mv", tap_pos=2, tap_step_percent=1.2, **changer,
    )  # fmt: skip
    pp.create_transformer_from_parameters(
        net, bus[4], bus[9], 10, 20, 20, 0.5, 6, 5, 0.1,
        tap_side="lv", tap_pos=4, tap_step_percent=1.0, tap_step_degree=60.0, **changer,
    )  # fmt: skip
    to_nowhere = pp.create_line_from_parameters(net, bus[2], bus[10], 6, **LINE)
    pp.create_switch(net, bus[2], to_nowhere, "l", closed=False)
    pp.create_load(net, bus[2], 2.0, 0.7)
    pp.create_load(
        net, bus[4], 1.5, 0.5, scaling=0.9, const_i_p_percent=40, const_i_q_percent=10,
        const_z_p_percent=30, const_z_q_percent=60,
    )  # fmt: skip
    pp.create_load(net, bus[7], 1.0, 0.3)
    pp.create_load(net, bus[8], 0.8, 0.4)
    pp.create_load(net, bus[9], 1.2, -0.2)
    pp.create_sgen(net, bus[9], 0.6, 0.1)
    pp.create_storage(net, bus[3], -0.4, 1.0, q_mvar=0.1)
    pp.create_shunt(net, bus[6], q_mvar=-0.5, p_mw=0.05, step=2, max_step=3)
    pp.create_ward(net, bus[3], 0.1, 0.05, 0.2, 0.1)
    return net


def feeder(n_bus: int = 4) -> pp.pandapowerNet:
    """Return a 20 kV line of buses, each with a load, a static generator and a storage at rest."""
    net = pp.create_empty_network(sn_mva=1.0)
    bus = [pp.create_bus(net, 20.0, name=f"bus {i}") for i in range(n_bus)]
    pp.create_ext_grid(net, bus[0], vm_pu=1.0)
    for a, b in itertools.pairwise(bus):
        pp.create_line_from_parameters(net, a, b, 8, 0.3, 0.35, 10, 0.2)
        pp.create_load(net, b, 1.0, 0.3)
        pp.create_sgen(net, b, 0.0)
        pp.create_storage(net, b, 0.0, 1.0)
    return net


@pytest.fixture(scope="session")
def make_feeder() -> Callable[..., pp.pandapowerNet]:
    """Return a network of one's own."""
    return feeder


@pytest.fixture(scope="session")
def feeder_flow() -> Callable[..., NativeFlow]:
    """Return power flows of feeders, each compiled once."""
    compiled = functools.cache(lambda n_bus: compile_network(feeder(n_bus)))

    def make(n_bus: int, n_lane: int = 1, *, load_mw: float = 1.0) -> NativeFlow:
        flow = NativeFlow(compiled(n_bus), n_lane)
        flow.load_p_mw[:] *= load_mw
        flow.load_q_mvar[:] *= load_mw
        return flow

    return make


@pytest.fixture(scope="session")
def compiled_with_all_elements() -> CompiledNetwork:
    return compile_network(all_elements())


@pytest.fixture
def net_of_all_elements() -> pp.pandapowerNet:
    return all_elements()
