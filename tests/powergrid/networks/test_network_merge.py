"""Merging a microgrid into a distribution grid."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pandapower as pp
import pytest
from pandapower.toolbox import nets_equal
from pandapower.topology import unsupplied_buses

from powergrid.networks import (
    CIGRELV,
    CIGREMV,
    IEEE13Bus,
    IEEE34Bus,
    IEEE123Bus,
    bus_index,
    merge_microgrid,
    tap_aware_start,
)

TABLES = ("bus", "line", "trafo", "load", "shunt", "switch", "ext_grid")


def solve(net):
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(
        net, init_vm_pu=vm_pu, init_va_degree=va_degree, tolerance_mva=1e-9, lightsim2grid=False
    )


@pytest.mark.parametrize("point", range(10))
def test_fused_grid_reproduces_its_reference_voltages(point, fused_grid, profile):
    """Loads, PV at bus 671 of each microgrid, taps and capacitors as the column's title says."""
    titles, voltages = profile
    pattern = r"vm_pu mult=(.+) pv=(\d) taps=\[(.+), (.+)\] caps=(on|off)"
    match = re.fullmatch(pattern, titles[point])
    assert match is not None
    multiplier, has_pv, tap_1, tap_2, caps = match.groups()
    net = fused_grid
    net.load[["p_mw", "q_mvar"]] *= float(multiplier)
    net.trafo.loc[net.trafo.name == "DSO REG1", "tap_pos"] = float(tap_1)
    net.trafo.loc[net.trafo.name == "DSO REG2", "tap_pos"] = float(tap_2)
    net.shunt.loc[net.shunt.name.str.startswith("DSO "), "step"] = int(caps == "on")
    for name, p_mw in (("MG1", 0.2), ("MG2", 0.25), ("MG3", 0.15)):
        pp.create_sgen(net, bus_index(net, "Bus 671", name), p_mw=p_mw * float(has_pv))
    solve(net)
    expected = [voltages[name][point] for name in net.bus.name]
    # Half a unit of the fifth digit that the reference prints.
    np.testing.assert_allclose(net.res_bus.vm_pu, expected, rtol=0, atol=0.5e-5 + 1e-7)


def test_fused_grid_has_the_elements_of_its_parts(fused_grid):
    assert len(fused_grid.bus) == 36 + 3 * 14
    assert len(fused_grid.line) == 32 + 3 * 10
    assert len(fused_grid.trafo) == 3 + 3 * 2 + 3
    assert len(fused_grid.ext_grid) == 1
    assert unsupplied_buses(fused_grid) == set()
    solve(fused_grid)
    # The three closed switches 671-692 leave 75 electrical nodes.
    assert len(np.unique(fused_grid._pd2ppc_lookups["bus"])) == 75


def test_inputs_are_not_changed_and_the_grid_keeps_its_indices(dso, mg1):
    grid, microgrid = dso, mg1
    before = copy.deepcopy(grid), copy.deepcopy(microgrid)
    net = merge_microgrid(grid, microgrid, "DSO Bus 850")
    assert nets_equal(grid, before[0])
    assert nets_equal(microgrid, before[1])
    for table in TABLES:
        kept = net[table].loc[grid[table].index]
        assert list(kept.name) == list(grid[table].name)
        # Equal dtypes too: no column turns into objects or floats on the way.
        assert net[table].dtypes.equals(grid[table].dtypes), table


def test_loads_and_capacitors_of_the_microgrid_are_scaled_and_it_has_no_source(dso, mg1):
    net = merge_microgrid(dso, mg1, "DSO Bus 850", load_scale=0.2)
    own = net.load.name.str.startswith("MG1 ")
    assert net.load.p_mw[own].sum() == pytest.approx(3.466 * 0.2)
    assert net.load.q_mvar[own].sum() == pytest.approx(2.102 * 0.2)
    assert net.load.p_mw[~own].sum() == pytest.approx(1.769)
    caps = net.shunt.name.str.startswith("MG1 ")
    assert net.shunt.q_mvar[caps].sum() == pytest.approx(-0.7 * 0.2)
    assert net.shunt.q_mvar[~caps].sum() == pytest.approx(-0.75)
    assert list(net.ext_grid.name) == ["DSO Source"]


def test_regulators_of_the_microgrid_go_to_neutral_and_keep_their_settings(dso, mg1):
    grid = dso
    net = merge_microgrid(grid, mg1, "DSO Bus 850")
    trafo = net.trafo.set_index("name")
    assert trafo.tap_pos["MG1 REG1"] == 0.0
    assert trafo.tap_pos["DSO REG2"] == grid.trafo.tap_pos[1] == 12.0
    assert trafo.is_regulator["MG1 REG1"]
    assert trafo.ldc_v_set_volt["MG1 REG1"] == 122.0
    assert not trafo.is_regulator["MG1 PCC"]


def test_another_voltage_gets_a_transformer(dso, mg1):
    net = merge_microgrid(dso, mg1, "DSO Bus 850", load_scale=0.3)
    ends = net["heron_pcc"]["MG1"]
    trafo = net.trafo.loc[ends["trafo"]]
    assert trafo["name"] == "MG1 PCC"
    assert (trafo.hv_bus, trafo.lv_bus) == (ends["grid_bus"], ends["bus"])
    assert net.bus.name[ends["grid_bus"]] == "DSO Bus 850"
    assert net.bus.name[ends["bus"]] == "MG1 Bus 650"
    assert (trafo.vn_hv_kv, trafo.vn_lv_kv) == (24.9, 4.16)
    assert trafo.sn_mva == pytest.approx(1.5)
    assert trafo.vkr_percent == 1.0
    assert trafo.vk_percent**2 == pytest.approx(1.0**2 + 8.0**2)
    assert ends["switch"] is None


def test_a_grid_of_lower_voltage_is_the_transformers_low_side():
    net = merge_microgrid(IEEE13Bus("DSO"), IEEE34Bus("MG1"), "DSO Bus 671")
    trafo = net.trafo.loc[net["heron_pcc"]["MG1"]["trafo"]]
    assert net.bus.name[trafo.lv_bus] == "DSO Bus 671"
    pp.runpp(net, lightsim2grid=False)
    # The microgrid's load flows in at the low-voltage side and out at the other.
    assert net.res_trafo.p_lv_mw[trafo.name] > 0.0 > net.res_trafo.p_hv_mw[trafo.name]


def test_the_same_voltage_gets_a_closed_switch_and_both_names_stay():
    # The whole load of the feeder beside the microgrid's would be too much for bus 890.
    grid = IEEE34Bus("DSO", load_scale=0.5)
    net = merge_microgrid(grid, IEEE13Bus("MG3"), "DSO Bus 890")
    ends = net["heron_pcc"]["MG3"]
    switch = net.switch.loc[ends["switch"]]
    assert (switch["name"], switch.et, switch.closed) == ("MG3 PCC", "b", True)
    assert {switch.bus, switch.element} == {ends["grid_bus"], ends["bus"]}
    assert ends["trafo"] is None
    pp.runpp(net, lightsim2grid=False)
    vm_pu = net.res_bus.vm_pu
    assert vm_pu[bus_index(net, "DSO Bus 890")] == vm_pu[bus_index(net, "MG3 Bus 650")]


def test_connections_are_recorded_through_merging_copying_and_pickling(fused_grid):
    record = fused_grid["heron_pcc"]
    assert list(record) == ["MG1", "MG2", "MG3"]
    for name, bus in (("MG1", "850"), ("MG2", "858"), ("MG3", "834")):
        assert record[name]["grid_bus"] == bus_index(fused_grid, f"DSO Bus {bus}")
        assert record[name]["bus"] == bus_index(fused_grid, f"{name} Bus 650")
        assert fused_grid.trafo.name[record[name]["trafo"]] == f"{name} PCC"
    assert copy.deepcopy(fused_grid)["heron_pcc"] == record
    assert pickle.loads(pickle.dumps(fused_grid))["heron_pcc"] == record


def test_a_microgrid_may_hold_microgrids():
    inner = merge_microgrid(IEEE34Bus("MG1"), IEEE13Bus("MG2"), "MG1 Bus 850")
    net = merge_microgrid(IEEE123Bus("DSO"), inner, "DSO Bus 48")
    ends = net["heron_pcc"]["MG2"]
    assert net.bus.name[ends["grid_bus"]] == "MG1 Bus 850"
    assert net.bus.name[ends["bus"]] == "MG2 Bus 650"
    assert net.trafo.name[ends["trafo"]] == "MG2 PCC"


def test_names_that_begin_alike_stay_apart(dso, mg1):
    net = merge_microgrid(dso, IEEE13Bus("MG10"), "DSO Bus 850")
    net = merge_microgrid(net, mg1, "DSO Bus 858")
    assert (net.bus.zone == "MG1").sum() == 14
    assert net.bus.zone[bus_index(net, "Bus 633", "MG1")] == "MG1"
    assert net.bus.zone[bus_index(net, "Bus 633", "MG10")] == "MG10"


def test_results_of_the_parts_are_dropped(dso, mg1):
    grid = copy.deepcopy(dso)
    pp.runpp(grid, lightsim2grid=False)
    net = merge_microgrid(grid, mg1, "DSO Bus 850")
    assert len(net.res_bus) == 0


def test_networks_without_regulator_columns_merge(mg1):
    net = merge_microgrid(CIGREMV("DSO"), CIGRELV("MG1"), "DSO Bus 3")
    pp.runpp(net, lightsim2grid=False)
    assert net.trafo.is_regulator.dtype == bool
    plain = pp.create_empty_network(f_hz=60.0)
    pp.create_ext_grid(plain, pp.create_bus(plain, 24.9, name="B", zone="G"))
    net = merge_microgrid(plain, mg1, "B")
    assert list(net.trafo.is_regulator) == [True, False, False]
    assert net.trafo.ldc_r_volt.dtype == np.float64


@pytest.mark.parametrize(
    ("grid", "microgrid", "bus", "message"),
    [
        ("DSO", "MG1", "DSO Bus 8500", "^Bus 'DSO Bus 8500' not found in network; did you mean"),
        ("DSO", "MG1", "MG1 Bus 650", "^Bus 'MG1 Bus 650' not found in network"),
        ("DSO", "DSO", "DSO Bus 850", "share the zone 'DSO'"),
        ("DSO", "", "DSO Bus 850", "the microgrid has no name"),
    ],
)
def test_bad_names_are_refused(grid, microgrid, bus, message):
    with pytest.raises(ValueError, match=message):
        merge_microgrid(IEEE34Bus(grid), IEEE13Bus(microgrid), bus)


def test_equal_names_of_buses_are_refused(dso, mg1):
    microgrid = copy.deepcopy(mg1)
    microgrid.bus.loc[3, "name"] = "DSO Bus 800"
    with pytest.raises(ValueError, match="share names of buses: 'DSO Bus 800'"):
        merge_microgrid(dso, microgrid, "DSO Bus 850")


def test_a_microgrid_without_exactly_one_source_is_refused(dso, mg1):
    microgrid = copy.deepcopy(mg1)
    microgrid.ext_grid["in_service"] = False
    with pytest.raises(ValueError, match="0 external grids in service, expected 1"):
        merge_microgrid(dso, microgrid, "DSO Bus 850")


def test_a_slack_generator_in_the_microgrid_is_refused(dso, mg1):
    microgrid = copy.deepcopy(mg1)
    pp.create_gen(microgrid, 3, p_mw=0.1, slack=True)
    with pytest.raises(ValueError, match="has a slack generator"):
        merge_microgrid(dso, microgrid, "DSO Bus 850")


def test_networks_of_different_frequency_are_refused(dso):
    with pytest.raises(ValueError, match=r"'MG1' has 50\S* Hz and the grid 60\S* Hz"):
        merge_microgrid(dso, CIGRELV("MG1"), "DSO Bus 850")


def test_a_scale_that_is_not_positive_is_refused(dso, mg1):
    with pytest.raises(ValueError, match=r"load_scale is 0\.0"):
        merge_microgrid(dso, mg1, "DSO Bus 850", load_scale=0.0)
