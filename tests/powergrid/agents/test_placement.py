"""An agent made from where another stands needs no network."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from heron.errors import ConfigError, HeronError
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.placement import request_of
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.networks import IEEE13Bus, IEEE34Bus, merge_microgrid
from powergrid.powerflow.native_flow import NativeFlow

CONFIG: dict[str, Any] = {
    "name": "MG1",
    "devices": [
        {"type": "Generator", "name": "gen", "bus": "Bus 633", "p_max_MW": 0.2},
        {"type": "ESS", "name": "store", "bus": "Bus 671", "p_max_MW": 0.1},
        {"type": "Transformer", "name": "reg", "transformer": "REG1", "tap_max": 8},
    ],
}


@pytest.fixture(scope="module")
def agent() -> PowerGridAgent:
    """Return an agent in a merged network, with the meter that such a one has."""
    net = merge_microgrid(IEEE34Bus("DSO"), IEEE13Bus("MG1"), "DSO Bus 850")
    return PowerGridAgent(net, CONFIG, SetpointProtocol())


def test_an_agent_made_from_a_placement_stands_where_the_other_does(agent: PowerGridAgent) -> None:
    other = PowerGridAgent(agent.placement, CONFIG, SetpointProtocol())
    assert list(other.devices) == ["gen", "store", "reg", "grid"]
    for name, device in agent.devices.items():
        twin = other.devices[name]
        assert (twin.pp_idx, twin.bus_idx) == (device.pp_idx, device.bus_idx)
        assert twin.state.to_dict() == device.state.to_dict()
    assert other.devices["reg"].tap_max == 8  # type: ignore[attr-defined]
    assert other.devices["grid"].s_rated_mva == pytest.approx(0.5)  # type: ignore[attr-defined]
    assert other.zone is agent.zone
    assert other.meter == agent.meter
    assert other.load_factor == 1.0


def test_it_lives_through_the_same_hour_on_the_compiled_network(agent: PowerGridAgent) -> None:
    read = []
    for source in (agent.placement, None):
        member = PowerGridAgent(source, CONFIG, SetpointProtocol()) if source else agent
        flow = NativeFlow(agent._net).lane()
        member.devices["gen"].state.electrical.p_MW = 0.15
        for name in ("gen", "store"):
            device = member.devices[name]
            row = flow.set_storage if name == "store" else flow.set_sgen
            row(device.pp_idx, device.state.electrical.p_MW, 0.0)
        assert flow.solve()
        member.read_results(flow, 1.0)
        member.book(flow.result, 1.0)
        read.append((member.state.to_dict(), member.cost, member.safety))
    np.testing.assert_equal(read[0], read[1])


def test_without_a_network_it_cannot_be_asked_for_one(agent: PowerGridAgent) -> None:
    other = PowerGridAgent(agent.placement, CONFIG, SetpointProtocol())
    with pytest.raises(HeronError, match="MG1 was made from a placement and has no network"):
        _ = other.net


def test_a_placement_of_other_devices_is_refused(agent: PowerGridAgent) -> None:
    config = copy.deepcopy(CONFIG)
    config["devices"][1]["name"] = "battery"
    with pytest.raises(ConfigError, match=r"one of gen, store, .* devices are gen, battery"):
        PowerGridAgent(agent.placement, config, SetpointProtocol())


def test_a_request_holds_all_that_the_network_is_told(agent: PowerGridAgent) -> None:
    gen, store, reg, grid = (request_of(d, "MG1") for d in agent.devices.values())
    assert (gen.element, gen.bus) == ("sgen", "Bus 633")
    assert (store.element, store.e_capacity_mwh, store.soc) == ("storage", 5.0, 0.5)
    assert (reg.element, reg.transformer) == ("trafo", "REG1")
    assert (grid.element, grid.is_meter) == ("", True)
