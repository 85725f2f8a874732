"""Buses are found by exact names only."""

from __future__ import annotations

import pandapower as pp
import pytest

from powergrid.networks import bus_index


@pytest.fixture(scope="module")
def net():
    """Return buses of zones MG1 and MG10 and one without a zone, indices not from 0."""
    net = pp.create_empty_network()
    names = ["MG1 Bus 633", "MG1 Bus 6", "MG10 Bus 633", "MG10 Bus 7", "Bus 9"]
    zones = ["MG1", "MG1", "MG10", "MG10", None]
    for i, (name, zone) in enumerate(zip(names, zones, strict=True)):
        pp.create_bus(net, 4.16, name=name, zone=zone, index=10 + i)
    return net


@pytest.mark.parametrize(
    ("bus", "zone", "index"),
    [
        ("MG1 Bus 633", None, 10),
        ("MG10 Bus 633", None, 12),
        ("Bus 633", "MG1", 10),
        ("Bus 633", "MG10", 12),
        ("MG10 Bus 633", "MG1", 12),
        ("Bus 7", None, 13),
        ("Bus 9", None, 14),
        ("Bus 9", "MG1", 14),
    ],
)
def test_a_full_name_or_a_name_within_a_zone_is_found(net, bus, zone, index):
    assert bus_index(net, bus, zone) == index


@pytest.mark.parametrize(
    ("bus", "zone"),
    [("Bus 63", "MG1"), ("633", "MG1"), ("Bus 7", "MG1"), ("MG1", None), ("0 Bus 7", "MG1")],
)
def test_a_partial_name_is_never_found(net, bus, zone):
    with pytest.raises(ValueError, match=f"^Bus '{bus}' not found in network"):
        bus_index(net, bus, zone)


def test_the_error_names_the_nearest_bus_and_those_that_exist(net):
    with pytest.raises(ValueError, match="not found") as caught:
        bus_index(net, "Bus 63", "MG1")
    assert str(caught.value) == (
        "Bus 'Bus 63' not found in network (zone 'MG1'); did you mean 'Bus 633'? "
        "Buses: Bus 633, Bus 6"
    )
    with pytest.raises(ValueError, match=r"did you mean 'MG10 Bus 633'[?] Buses: MG1 Bus 633, "):
        bus_index(net, "MG10 Bus 6333")


def test_a_name_in_two_zones_needs_its_zone(net):
    with pytest.raises(ValueError, match=r"fits 2 buses \('MG1 Bus 633', 'MG10 Bus 633'\)"):
        bus_index(net, "Bus 633")


def test_a_zone_wins_over_an_equal_name_elsewhere():
    net = pp.create_empty_network()
    pp.create_bus(net, 4.16, name="Bus 1", zone="")
    pp.create_bus(net, 4.16, name="MG1 Bus 1", zone="MG1")
    assert bus_index(net, "Bus 1", "MG1") == 1
    assert bus_index(net, "Bus 1") == 0
