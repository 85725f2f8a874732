"""The tap-aware start is the solution of the unloaded network."""

from __future__ import annotations

import numpy as np
import pandapower as pp
import pytest

from powergrid.networks import CIGREMV, IEEE34Bus, IEEE123Bus, tap_aware_start


def unloaded(net):
    net.load["scaling"] = 0.0
    net.shunt["step"] = 0
    net.line["c_nf_per_km"] = 0.0
    return net


@pytest.mark.parametrize("build", [IEEE34Bus, IEEE123Bus, CIGREMV])
def test_start_is_the_solution_without_load(build):
    net = unloaded(build())
    net.trafo[["pfe_kw", "i0_percent"]] = 0.0
    net.ext_grid[["vm_pu", "va_degree"]] = 1.02, 5.0
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(net, init_vm_pu=vm_pu, init_va_degree=va_degree, lightsim2grid=False)
    np.testing.assert_allclose(net.res_bus.vm_pu, vm_pu, rtol=0, atol=1e-7)
    np.testing.assert_allclose(net.res_bus.va_degree, va_degree, rtol=0, atol=1e-5)


def test_ideal_regulators_diverge_without_it():
    net = IEEE34Bus(regulators="ideal")
    with pytest.raises(pp.LoadflowNotConverged):
        pp.runpp(net, init="flat", lightsim2grid=False)


def test_merged_networks_start_with_every_ratio_on_the_way(fused_grid):
    vm_pu, va_degree = tap_aware_start(fused_grid)
    by_name = dict(zip(fused_grid.bus.name, vm_pu, strict=True))
    first = 1.0 + 0.00625 * (12 + 5 + 5) / 3
    second = 1.0 + 0.00625 * (13 + 11 + 12) / 3
    assert by_name["DSO Bus 800"] == pytest.approx(1.04)
    assert by_name["MG1 Bus 680"] == pytest.approx(1.04 * first)
    assert by_name["MG3 Bus 692"] == pytest.approx(1.04 * first * second)
    assert np.all(va_degree == 0.0)


def test_taps_on_the_high_voltage_side_divide():
    net = IEEE34Bus(regulators="ideal")
    net.trafo.loc[0, "tap_side"] = "hv"
    net = unloaded(net)
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(net, init_vm_pu=vm_pu, init_va_degree=va_degree, lightsim2grid=False)
    np.testing.assert_allclose(net.res_bus.vm_pu, vm_pu, rtol=0, atol=1e-7)
    assert vm_pu.min() < 1.05


@pytest.mark.parametrize("cut", ["line", "line switch", "trafo", "trafo switch"])
def test_buses_behind_an_opening_start_at_nominal_voltage(cut):
    net = IEEE34Bus()
    if cut == "line":
        net.line.loc[0, "in_service"] = False
    elif cut == "line switch":
        pp.create_switch(net, 0, 0, et="l", closed=False)
    elif cut == "trafo":
        net.trafo.loc[0, "in_service"] = False
    else:
        pp.create_switch(net, net.trafo.hv_bus[0], 0, et="t", closed=False)
    vm_pu, va_degree = tap_aware_start(net)
    last = net.bus.index[net.bus.name == "Bus 890"][0]
    assert (vm_pu[0], vm_pu[last], va_degree[last]) == (1.05, 1.0, 0.0)


def test_an_open_bus_switch_does_not_connect():
    net = IEEE123Bus()
    net.switch["closed"] = False
    vm_pu, _ = tap_aware_start(net)
    by_name = dict(zip(net.bus.name, vm_pu, strict=True))
    assert by_name["Bus 150R"] == pytest.approx(1.0 + 7 * 0.00625)
    assert by_name["Bus 149"] == 1.0
