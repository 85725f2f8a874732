"""The CIGRE networks."""

from __future__ import annotations

import pandapower as pp
import pytest
from pandapower.networks import create_cigre_network_lv, create_cigre_network_mv

from powergrid.networks import CIGRELV, CIGREMV, bus_index

networks = pytest.mark.parametrize(
    ("build", "original"), [(CIGRELV, create_cigre_network_lv), (CIGREMV, create_cigre_network_mv)]
)


@networks
def test_voltages_are_those_of_the_original(build, original):
    net, reference = build("X"), original()
    pp.runpp(net, lightsim2grid=False)
    pp.runpp(reference, lightsim2grid=False)
    assert list(net.res_bus.vm_pu) == list(reference.res_bus.vm_pu)


@networks
def test_names_get_the_prefix_and_buses_the_zone(build, original):
    net = build("X")
    assert list(net.bus.name) == [f"X {name}" for name in original().bus.name]
    assert set(net.bus.zone) == {"X"}
    assert bus_index(net, "Bus 0", "X") == bus_index(net, "X Bus 0") == net.ext_grid.bus[0]
    assert net.load.name.str.startswith("X ").all()
    assert list(build().bus.name) == list(original().bus.name)


@networks
def test_transformers_are_plain_and_loads_scale(build, original):
    net = build("X", load_scale=0.5)
    assert not net.trafo.is_regulator.any()
    assert net.trafo.ldc_r_volt.isna().all()
    assert net.load.p_mw.sum() == pytest.approx(original().load.p_mw.sum() / 2)
