"""The check of a kind's kernels passes the right ones, and names what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from heron.errors import ConfigError
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.grid import Grid
from powergrid.agents.kernel_check import check_kernels
from powergrid.agents.renewable import SolarPlant
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.agents.wind_turbine import WindTurbine
from powergrid.kernels import storage as storage_kernels
from powergrid.kernels.device_kernels import DeviceKernels

BUS = {"bus": "Bus 1"}
UNIT = {**BUS, "commitment": True, "startup_time_hr": 1.0, "startup_cost": 5.0, "p_min_MW": 1.0}
KERNELS = storage_kernels.KERNELS


def battery(kernels: DeviceKernels | None) -> ESS:
    class Own(ESS):
        pass

    Own.kernels = kernels
    return Own("ess", device_state_config={**BUS, "degradation_cost": 1.0, "s_rated_MVA": 2.0})


@pytest.mark.parametrize(
    "device",
    [
        Generator("gen", device_state_config=UNIT),
        ESS("ess", device_state_config={**BUS, "q_max_MVAr": 1.0}),
        SolarPlant("pv", device_state_config={**BUS, "curtailment_cost": 2.0}),
        Transformer("tap", device_state_config={"transformer": "REG1", "tap_change_cost": 1.0}),
        Grid("pcc", device_state_config={"sell_ratio": 0.5, "s_rated_MVA": 0.5}),
    ],
    ids=lambda device: device.agent_id,
)
def test_the_built_in_kinds_pass_without_any_difference(device: DeviceAgent) -> None:
    before = device.state.vector()
    check_kernels(device, rtol=0.0)
    assert (device.state.vector() == before).all()  # copies are run


def changed(name: str, then: Callable[..., None]) -> DeviceKernels:
    """Return the battery's kernels with one that does a little more than it should."""
    original = getattr(KERNELS, name)
    arguments = {
        "set_point": "x, slot, p, m, action, dt_h, first, last",
        "advance": "x, slot, p, m, measured, dt_h, first, last",
        "cost_safety": "x, slot, p, m, dt_h, cost, safety, first, last",
        "start": "x, slot, p, m, starting",
    }[name]
    names: dict[str, Any] = {"original": original, "then": then}
    exec(f"def f({arguments}):\n    original({arguments})\n    then({arguments})", names)
    return replace(KERNELS, **{name: names["f"]})


def test_a_field_that_differs_is_named_with_both_values() -> None:
    def drift(x: Any, slot: Any, p: Any, m: Any, measured: Any, dt: Any, first: int, last: int):
        x[slot[0, storage_kernels.SOC], first:last] *= 1.001

    with pytest.raises(AssertionError, match=r"step 0: storage.soc is .* by the kernels, .*hooks"):
        check_kernels(battery(changed("advance", drift)))


def test_a_cost_that_differs_is_named() -> None:
    def charge(x: Any, slot: Any, p: Any, m: Any, dt: Any, cost: Any, safety: Any, *lanes: int):
        cost[0, :, lanes[0] : lanes[1]] += 1.0

    with pytest.raises(AssertionError, match="cost part degradation is"):
        check_kernels(battery(changed("cost_safety", charge)))


def test_a_wrong_safety_is_named() -> None:
    def alarm(x: Any, slot: Any, p: Any, m: Any, dt: Any, cost: Any, safety: Any, *lanes: int):
        safety[:, lanes[0] : lanes[1]] += 1.0

    with pytest.raises(AssertionError, match="safety is"):
        check_kernels(battery(changed("cost_safety", alarm)))


def test_a_wrong_start_is_named() -> None:
    def empty(x: Any, slot: Any, p: Any, m: Any, starting: Any):
        x[slot[0, storage_kernels.SOC], starting] = 0.0

    with pytest.raises(AssertionError, match=r"step 0: storage.soc is 0.0 by the kernels"):
        check_kernels(battery(changed("start", empty)))


def test_writing_other_lanes_is_found() -> None:
    def spill(x: Any, slot: Any, p: Any, m: Any, action: Any, dt: Any, first: int, last: int):
        x[slot[0, storage_kernels.REACTIVE], last:] = 0.0

    with pytest.raises(AssertionError, match="step 0: a kernel wrote lanes beyond"):
        check_kernels(battery(changed("set_point", spill)))


def test_a_cost_that_no_part_explains_is_found() -> None:
    class Dear(ESS):
        kernels: ClassVar = KERNELS

        def update_cost_safety(self) -> None:
            super().update_cost_safety()
            self.cost += 1.0

    with pytest.raises(AssertionError, match=r"cost is .* by the kernels"):
        check_kernels(Dear("ess", device_state_config=BUS))


def test_a_device_without_kernels_or_a_field_is_refused() -> None:
    with pytest.raises(ConfigError, match="'wt' runs by its hooks"):
        check_kernels(WindTurbine("wt", device_state_config=BUS))
    fields = (*KERNELS.fields, "tank.h2_kg")
    with pytest.raises(ConfigError, match=r"'ess' has no field tank\.h2_kg"):
        check_kernels(battery(replace(KERNELS, fields=fields)))
