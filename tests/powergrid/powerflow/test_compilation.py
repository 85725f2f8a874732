"""The compiled arrays say what pandapower's internal model says."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pytest
from flow_networks import CASES
from flow_parity import compiled, runpp, solved
from flow_reference import admittance, injection
from flow_zoo import ZOO

from heron.errors import InvalidArgumentError
from powergrid.powerflow.compilation import compile_network
from powergrid.powerflow.errors import UnsupportedNetworkError


def internal(net: Any) -> dict[str, Any]:
    """Return what pandapower computes with."""
    assert runpp(net)
    result: dict[str, Any] = net._ppc["internal"]
    return result


def assert_same_matrix(ours: Any, theirs: Any) -> None:
    scale = abs(theirs).max()
    assert ours.shape == theirs.shape
    difference = abs(ours - theirs)
    assert difference.max() <= 1e-12 * scale
    # and each entry of its own size, but for sums that cancel
    assert np.all(difference.toarray() <= 1e-12 * abs(theirs).toarray() + 1e-15 * scale)


@pytest.mark.parametrize("name", [*CASES, *ZOO])
def test_admittances_and_injections_are_pandapowers(name: str) -> None:
    data = compiled(name).data
    theirs = solved(name)._ppc["internal"]
    assert_same_matrix(admittance(data, data["tap_pos"], data["shunt_step"]), theirs["Ybus"])
    # pandapower's DC start leaves its own power at the sources
    free = data["controlled_node"][data["is_source"] == 1]
    difference = np.delete(injection(data) - theirs["Sbus"], free)
    scale = abs(theirs["Sbus"]).max()  # sums of one node can cancel
    assert abs(difference).max() <= 1e-13 * scale
    assert np.array_equal(np.sort(data["controlled_node"][data["is_source"] == 1]), theirs["ref"])
    held = np.sort(data["controlled_node"][data["is_source"] == 0])
    assert np.array_equal(held, np.sort(theirs["pv"]))


@pytest.mark.parametrize("name", [name for name in ZOO if name.split("_")[-1] in ("hv", "lv")])
@pytest.mark.parametrize("tap_pos", [-8.0, 1.0, 2.0, 10.0])
def test_a_moved_tap_is_the_tap_of_another_network(name: str, tap_pos: float) -> None:
    net = ZOO[name]()
    data = compile_network(net).data
    positions = data["tap_pos"].copy()
    positions[2] = tap_pos
    net.trafo.loc[2, "tap_pos"] = tap_pos
    theirs = internal(net)["Ybus"]
    assert_same_matrix(admittance(data, positions, data["shunt_step"]), theirs)


def test_moved_shunt_steps_are_those_of_another_network() -> None:
    net = ZOO["storages_and_shunts"]()
    data = compile_network(net).data
    net.shunt["step"] = [3, 0]
    theirs = internal(net)["Ybus"]
    assert_same_matrix(admittance(data, data["tap_pos"], np.array([3.0, 0.0])), theirs)


def test_compiling_leaves_the_network_as_it_was() -> None:
    net = ZOO["dc_line"]()
    before = copy.deepcopy(net)
    compile_network(net)
    assert set(net.keys()) == set(before.keys())
    for table in ("load", "gen", "trafo", "shunt", "dcline"):
        assert net[table].equals(before[table])


def test_every_row_of_a_table_has_an_injection_also_out_of_service() -> None:
    net = ZOO["out_of_service"]()
    compiled = compile_network(net)
    rows = compiled.injections
    assert rows.load == slice(0, len(net.load))
    assert rows.sgen == slice(rows.load.stop, rows.load.stop + 2)
    assert rows.storage == slice(rows.sgen.stop, rows.sgen.stop + 1)
    off = compiled.data["injection_node"] < 0
    assert np.flatnonzero(off).tolist() == [3, 4, 5, 6, 7]
    assert not compiled.data["injection_scale"][off].any()


def unsupported() -> list[tuple[str, Any]]:
    def svc(net: Any) -> None:
        pp.create_svc(net, 3, 1.0, -10.0, set_vm_pu=1.0, thyristor_firing_angle_degree=145.0)

    def tcsc(net: Any) -> None:
        pp.create_tcsc(net, 3, 4, 1.0, -10.0, set_p_to_mw=-0.1, thyristor_firing_angle_degree=140.0)

    def ssc(net: Any) -> None:
        pp.create_ssc(net, 3, r_ohm=0.0, x_ohm=5.0, set_vm_pu=1.0)

    def bus_dc(net: Any) -> None:
        pp.create_bus_dc(net, 110.0)

    def trafo(net: Any) -> None:
        net.trafo.loc[1, "tap_dependency_table"] = True

    def trafo_ideal(net: Any) -> None:
        net.trafo.loc[1, "tap_changer_type"] = "Ideal"
        net.trafo.loc[1, "tap_step_percent"] = 1.0

    return [
        (f.__name__.removesuffix("_ideal"), f) for f in (svc, tcsc, ssc, bus_dc, trafo, trafo_ideal)
    ]


@pytest.mark.parametrize(("table", "add"), unsupported())
def test_what_has_no_model_is_named(table: str, add: Any) -> None:
    net = ZOO["plain"]()
    add(net)
    row = 1 if table == "trafo" else 0
    with pytest.raises(UnsupportedNetworkError, match=rf"net\.{table}\.loc\[{row}\]: ") as caught:
        compile_network(net)
    assert isinstance(caught.value, NotImplementedError)
    net[table]["in_service"] = False
    net.trafo["tap_dependency_table"] = False  # of which pandapower asks more, whatever the service
    compile_network(net)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("enforce_q_lims", True),
        ("calculate_voltage_angles", False),
        ("trafo_model", "pi"),
        ("trafo_loading", "power"),
        ("voltage_depend_loads", False),
    ],
)
def test_an_option_that_is_not_followed_is_named(option: str, value: object) -> None:
    net = ZOO["plain"]()
    net.user_pf_options[option] = value
    with pytest.raises(UnsupportedNetworkError, match=option):
        compile_network(net)


def test_a_line_without_a_number_is_no_line_without_resistance() -> None:
    net = ZOO["plain"]()
    net.line.loc[1, "r_ohm_per_km"] = np.nan
    with pytest.raises(InvalidArgumentError, match="nan"):
        compile_network(net)
