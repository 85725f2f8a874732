"""Loads that grow with the voltage: where kinds mix on a bus, OpenDSS is the referee."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import opendssdirect as dss
import pandapower as pp
import pytest
from flow_parity import numbers, runpp, worst
from flow_zoo import ground

from powergrid.powerflow.native_flow import NativeFlow

MODEL = {"p": 1, "z": 2, "i": 5}  # OpenDSS's names of the kinds
SHARES = {"p": (0.0, 0.0), "z": (100.0, 0.0), "i": (0.0, 100.0)}  # impedance, current [%]


def feeder(loads: list[tuple[int, str, float, float]]) -> Any:
    """Return two 20 kV lines in a row with loads of a kind at buses 1 and 2."""
    net = pp.create_empty_network(sn_mva=1.0)
    for _ in range(3):
        pp.create_bus(net, 20.0)
    pp.create_ext_grid(net, 0, vm_pu=1.03)
    for i in range(2):
        pp.create_line_from_parameters(net, i, i + 1, 6.0, 0.4, 0.35, 0.0, 0.4)
    for bus, kind, p, q in loads:
        z, i = SHARES[kind]
        pp.create_load(
            net, bus, p, q, const_z_p_percent=z, const_z_q_percent=z,
            const_i_p_percent=i, const_i_q_percent=i,
        )  # fmt: skip
    return net


def opendss(net: Any, kinds: list[str]) -> Any:
    """Return OpenDSS's voltages of the same feeder [p.u., complex]."""
    dss.Command("clear")
    dss.Command("set defaultbasefrequency=50")
    # A source as stiff as can be: 1e-9 ohm.
    dss.Command(
        "new circuit.feeder basekv=20 pu=1.03 bus1=b0 r1=0 x1=1e-9 r0=0 x0=1e-9 frequency=50"
    )
    for i in range(2):
        dss.Command(
            f"new line.l{i} bus1=b{i} bus2=b{i + 1} length=6 units=km "
            "r1=0.4 x1=0.35 r0=0.4 x0=0.35 c1=0 c0=0"
        )
    for i, (kind, load) in enumerate(zip(kinds, net.load.itertuples(), strict=True)):
        dss.Command(
            f"new load.d{i} bus1=b{load.bus} kv=20 kw={load.p_mw * 1e3} kvar={load.q_mvar * 1e3} "
            f"model={MODEL[kind]} vminpu=0.1 vmaxpu=2"
        )
    dss.Command("set voltagebases=[20]")
    dss.Command("calcvoltagebases")
    dss.Command("set tolerance=1e-12 maxiterations=1000")
    dss.Command("solve")
    assert dss.Solution.Converged()
    voltage = []
    for i in range(3):
        dss.Circuit.SetActiveBus(f"b{i}")
        re_im = np.array(dss.Bus.PuVoltage())[:2]  # of phase a
        voltage.append(complex(*re_im))
    return np.array(voltage)


MIXES = {
    "one bus of power and impedance": [(2, "p", 2.0, 0.8), (2, "z", 1.0, 0.1)],
    "one bus of all kinds": [(2, "p", 1.0, 0.3), (2, "z", 1.5, 0.6), (2, "i", 0.8, -0.2)],
    "two buses": [(1, "i", 2.0, 0.5), (1, "p", 0.5, 0.2), (2, "z", 1.0, 0.6), (2, "i", 1.0, 0.2)],
}


@pytest.mark.parametrize("loads", MIXES.values(), ids=MIXES)
def test_kinds_mixed_on_a_bus_are_as_in_opendss(loads: list[tuple[int, str, float, float]]) -> None:
    net = feeder(loads)
    flow = NativeFlow(net, tolerance=1e-10)
    flow.solve()
    expected = opendss(net, [kind for _, kind, _, _ in loads])
    ours = flow.vm_pu[:, 0] * np.exp(1j * np.deg2rad(flow.va_degree[:, 0]))
    assert flow.status[0] == 0
    assert np.abs(ours - expected).max() < 1e-7
    # pandapower weighs the kinds of a bus by their number, not by their power
    assert runpp(net)
    assert worst(flow.vm_pu[:, 0], numbers(net.res_bus, "vm_pu")) > 1e-6


@pytest.mark.parametrize("kind", ["z", "i"])
def test_one_kind_a_bus_is_as_in_pandapower_and_opendss(kind: str) -> None:
    loads = [(1, kind, 2.0, 0.5), (1, kind, 0.5, 0.2), (2, "p", 1.5, 0.4)]
    net = feeder(loads)
    flow = NativeFlow(net, tolerance=1e-10)
    flow.solve()
    assert runpp(net)
    assert worst(flow.vm_pu[:, 0], numbers(net.res_bus, "vm_pu")) < 1e-8
    expected = opendss(net, [kind for _, kind, _, _ in loads])
    assert np.abs(np.abs(expected) - flow.vm_pu[:, 0]).max() < 1e-7


def test_shares_of_several_kinds_in_one_load_are_those_of_several_loads() -> None:
    net = ground()
    net.load["const_z_p_percent"] = [30.0, 0.0, 60.0]
    net.load["const_i_q_percent"] = [70.0, 0.0, 20.0]
    apart = copy.deepcopy(net)
    apart.load[["const_z_p_percent", "const_i_q_percent"]] = 0.0
    for load in net.load.itertuples():
        z, i = load.const_z_p_percent / 100.0, load.const_i_q_percent / 100.0
        apart.load.loc[load.Index, "p_mw"] *= 1.0 - z
        apart.load.loc[load.Index, "q_mvar"] *= 1.0 - i
        pp.create_load(
            apart, load.bus, z * load.p_mw, scaling=load.scaling, const_z_p_percent=100.0
        )
        pp.create_load(
            apart, load.bus, 0.0, i * load.q_mvar, scaling=load.scaling, const_i_q_percent=100.0
        )
    one, several = NativeFlow(net, tolerance=1e-10), NativeFlow(apart, tolerance=1e-10)
    one.solve()
    several.solve()
    assert worst(one.vm_pu, several.vm_pu) < 1e-11
