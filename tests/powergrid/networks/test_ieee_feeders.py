"""The IEEE feeders: structure and totals as published, voltages as the references."""

from __future__ import annotations

import json

import numpy as np
import pandapower as pp
import pytest
from pandapower.topology import unsupplied_buses

from powergrid.networks import IEEE13Bus, IEEE34Bus, IEEE123Bus, tap_aware_start
from powergrid.networks.facts import load_facts

BUILDERS = {"ieee13": IEEE13Bus, "ieee34": IEEE34Bus, "ieee123": IEEE123Bus}
COUNTS = {  # buses, lines, transformers with regulators, switches, capacitors
    "ieee13": (14, 10, 2, 1, 2),
    "ieee34": (36, 32, 3, 0, 2),
    "ieee123": (130, 118, 5, 8, 4),
}
PUBLISHED = {"ieee13": (3466, 2102, 700), "ieee34": (1769, 1044, 750), "ieee123": (3490, 1920, 750)}
feeders = pytest.mark.parametrize("feeder", BUILDERS)


@pytest.fixture(scope="module")
def named():
    """Return each feeder named MG10; not to be changed."""
    return {feeder: build("MG10") for feeder, build in BUILDERS.items()}


def solve_from_taps(net):
    vm_pu, va_degree = tap_aware_start(net)
    pp.runpp(
        net, init_vm_pu=vm_pu, init_va_degree=va_degree, tolerance_mva=1e-9, lightsim2grid=False
    )


@feeders
def test_ideal_regulators_give_the_golden_voltages(feeder, golden):
    net = BUILDERS[feeder](regulators="ideal")
    solve_from_taps(net)
    reference = golden(f"{feeder}_golden")
    names = net.bus.name.str.removeprefix("Bus ")
    for key in ("pandapower_vm_pu", "opendss_vm_pu"):
        expected = [reference[key][name] for name in names]
        np.testing.assert_allclose(net.res_bus.vm_pu, expected, rtol=0, atol=1e-5)
    expected = [reference["pandapower_va_degree"][name] for name in names]
    np.testing.assert_allclose(net.res_bus.va_degree, expected, rtol=0, atol=1e-3)
    assert net.res_ext_grid.p_mw[0] == pytest.approx(reference["source_p_mw"], abs=1e-5)


@feeders
def test_default_regulators_solve_from_a_flat_start_near_the_ideal_ones(feeder, golden):
    net = BUILDERS[feeder]()
    pp.runpp(net, lightsim2grid=False)
    reference = golden(f"{feeder}_golden")["pandapower_vm_pu"]
    expected = [reference[name] for name in net.bus.name.str.removeprefix("Bus ")]
    np.testing.assert_allclose(net.res_bus.vm_pu, expected, rtol=0, atol=5e-3)
    # Ratings mean something: the published base case is near them and above none of the lines'.
    assert 30.0 < net.res_line.loading_percent.max() < 100.0
    assert net.res_trafo.loading_percent[net.trafo.is_regulator].max() < 100.0


@feeders
def test_opendss_on_the_same_balanced_model_agrees(feeder, opendss_twin):
    pytest.importorskip("opendssdirect")
    net = BUILDERS[feeder]("X", regulators="ideal")
    solve_from_taps(net)
    other = opendss_twin.solve_with_opendss(net)
    expected = [other[name] for name in net.bus.name]
    np.testing.assert_allclose(net.res_bus.vm_pu, expected, rtol=0, atol=1e-5)


@feeders
def test_totals_and_counts_are_the_published_ones(feeder, named):
    net = named[feeder]
    load_kw, load_kvar, capacitor_kvar = PUBLISHED[feeder]
    assert net.load.p_mw.sum() * 1e3 == pytest.approx(load_kw, abs=1e-6)
    assert net.load.q_mvar.sum() * 1e3 == pytest.approx(load_kvar, abs=1e-6)
    assert -net.shunt.q_mvar.sum() * 1e3 == pytest.approx(capacitor_kvar, abs=1e-6)
    counts = tuple(len(net[t]) for t in ("bus", "line", "trafo", "switch", "shunt"))
    assert counts == COUNTS[feeder]
    assert len(net.ext_grid) == 1


@feeders
def test_line_lengths_and_ratings_are_those_of_the_published_tables(feeder, named):
    facts = load_facts(feeder)
    net = named[feeder]
    line_of = {line["from"] + "-" + line["to"]: line for line in facts["lines"]}
    for line in net.line.itertuples():
        published = line_of[line.name.removeprefix("MG10 Line ")]
        config = facts["line_configs"][published["config"]]
        assert line.length_km == pytest.approx(published["length_ft"] * 0.3048e-3, abs=1e-9)
        ampacity_ka = config["ampacity_a"] * 1e-3
        # The model spreads the power over three phases. A two-phase line with line-to-line load
        # only (645-646) carries P / V, and the model P / (sqrt(3) V).
        share = 3**-0.5 if line.name == "MG10 Line 645-646" else len(published["phases"]) / 3.0
        assert line.max_i_ka == pytest.approx(ampacity_ka * share, abs=1e-8)


@feeders
def test_every_bus_is_supplied(feeder, named):
    assert unsupplied_buses(named[feeder]) == set()


@feeders
def test_a_name_prefixes_every_element_and_is_the_zone(feeder, named):
    net = named[feeder]
    for table in ("bus", "line", "trafo", "load", "shunt", "switch", "ext_grid"):
        assert net[table].name.str.startswith("MG10 ").all(), table
        assert net[table].name.is_unique, table
    assert set(net.bus.zone) == {"MG10"}
    unnamed = BUILDERS[feeder]()
    assert ("MG10 " + unnamed.bus.name == net.bus.name).all()


def test_elements_are_named_after_their_buses():
    net = IEEE13Bus("MG1")
    assert "MG1 Bus 633" in set(net.bus.name)
    assert "MG1 Line 632-645" in set(net.line.name)
    assert set(net.trafo.name) == {"MG1 REG1", "MG1 XFM-1"}
    assert "MG1 Load 634" in set(net.load.name)
    assert set(net.shunt.name) == {"MG1 Cap 611", "MG1 Cap 675"}
    assert list(net.switch.name) == ["MG1 Switch 671-692"]
    assert list(net.ext_grid.name) == ["MG1 Source"]


@feeders
def test_the_source_bus_comes_first(feeder, named):
    net = named[feeder]
    assert net.ext_grid.bus[0] == 0
    assert net.bus.name[0] == f"MG10 Bus {load_facts(feeder)['source_bus']}"


@feeders
def test_every_bus_has_its_published_coordinates(feeder, named):
    net = named[feeder]
    xy = {f"MG10 Bus {bus['name']}": bus["xy"] for bus in load_facts(feeder)["buses"]}
    points = {name: json.loads(geo) for name, geo in zip(net.bus.name, net.bus.geo, strict=True)}
    assert {name: point["coordinates"] for name, point in points.items()} == xy


def test_regulators_carry_their_published_taps_and_settings():
    trafo = IEEE34Bus("DSO").trafo.set_index("name")
    assert list(trafo.is_regulator) == [True, True, False]
    assert trafo.is_regulator.dtype == bool
    first = trafo.loc["DSO REG1"]
    assert first.tap_pos == pytest.approx((12 + 5 + 5) / 3)
    assert (first.ldc_v_set_volt, first.ldc_bandwidth_volt) == (122.0, 2.0)
    assert (first.ldc_r_volt, first.ldc_x_volt) == pytest.approx((2.7, 1.6))
    assert first.ldc_ct_primary_a == 100.0
    assert trafo.loc["DSO XFM-1"].filter(like="ldc_").isna().all()


def test_a_regulator_of_fewer_phases_has_its_current_transformer_scaled(named):
    trafo = named["ieee123"].trafo.set_index("name").rename(lambda name: name[len("MG10 ") :])
    assert trafo.ldc_ct_primary_a["REG2"] == pytest.approx(50.0 / 3)
    assert trafo.ldc_ct_primary_a["REG3"] == pytest.approx(100.0 / 3)
    # Settings that differ between phases are averaged.
    assert trafo.ldc_r_volt["REG4"] == pytest.approx((0.6 + 1.4 + 0.2) / 3)


def test_a_tap_step_changes_the_ratio_by_five_eighths_of_a_percent():
    net = IEEE13Bus(regulators="ideal", load_scale=1e-6)
    net.shunt["step"] = 0
    net.line["c_nf_per_km"] = 0.0
    net.trafo.loc[net.trafo.is_regulator, "tap_pos"] = 3.0
    solve_from_taps(net)
    assert net.res_bus.vm_pu[1] == pytest.approx(1.0 + 3 * 0.00625, abs=1e-6)


def test_load_scale_multiplies_the_loads_and_not_the_capacitors():
    net = IEEE34Bus(load_scale=0.5)
    assert net.load.p_mw.sum() == pytest.approx(1.769 / 2)
    assert net.load.q_mvar.sum() == pytest.approx(1.044 / 2)
    assert net.shunt.q_mvar.sum() == pytest.approx(-0.75)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_load_scale_that_is_not_positive_is_refused(scale):
    with pytest.raises(ValueError, match=r"load_scale is .*, expected a positive finite number"):
        IEEE13Bus(load_scale=scale)


def test_an_unknown_regulator_model_is_refused():
    with pytest.raises(ValueError, match="regulators is 'real', expected '5MVA' or 'ideal'"):
        IEEE13Bus(regulators="real")


def test_unknown_facts_are_refused():
    with pytest.raises(ValueError, match="unknown feeder 'ieee37'; expected one of ieee13"):
        load_facts("ieee37")
