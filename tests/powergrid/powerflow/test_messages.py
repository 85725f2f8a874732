"""What a wrong network, option or array is answered."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from heron.errors import InvalidArgumentError
from powergrid.networks import IEEE13Bus
from powergrid.powerflow.compilation import compile_network
from powergrid.powerflow.make import POWER_FLOWS, make_power_flow
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.powerflow.pandapower_flow import PandapowerFlow
from powergrid.powerflow.power_flow import INPUTS, LaneStatus, PowerFlow


@pytest.fixture
def net() -> pp.pandapowerNet:
    return IEEE13Bus("MG1")


@pytest.fixture(params=POWER_FLOWS)
def flow(request: pytest.FixtureRequest, net: pp.pandapowerNet) -> PowerFlow:
    return make_power_flow(request.param, net, 2)


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_written_into_never_replaced(flow: PowerFlow, name: str) -> None:
    array = getattr(flow, name)
    with pytest.raises(AttributeError, match=rf"write into it: {name}\[:\] ="):
        setattr(flow, name, array.copy())
    with pytest.raises(AttributeError, match=name):
        setattr(flow.lane(), name, array[:, 0].copy())
    flow.load_p_mw *= 0.5  # in place
    assert getattr(flow, name) is array


def test_lanes_that_do_not_exist_are_named(flow: PowerFlow) -> None:
    for call in (flow.forget, flow.lane, flow.to_pandapower):
        for lane in (-1, 2):
            with pytest.raises(InvalidArgumentError, match=rf"lane {lane} does not exist.*0\.\.1"):
                call(lane)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_is_checked_when_the_flow_is_made(
    net: pp.pandapowerNet, tolerance: float
) -> None:
    for name in POWER_FLOWS:
        with pytest.raises(InvalidArgumentError, match="tolerance is"):
            make_power_flow(name, net, tolerance_pu=tolerance)


def test_options_are_checked_when_the_flow_is_made(net: pp.pandapowerNet) -> None:
    for option in ("max_iterations", "n_thread"):
        with pytest.raises(InvalidArgumentError, match=f"{option} is 0"):
            NativeFlow(net, **{option: 0})
    for name in POWER_FLOWS:
        with pytest.raises(InvalidArgumentError, match="n_lane is 0"):
            make_power_flow(name, net, 0)


def test_tables_that_changed_their_length_are_not_written(flow: PowerFlow) -> None:
    flow.solve()
    changed = copy.deepcopy(flow.net)
    pp.create_load(changed, 0, 0.1)
    n_load = len(flow.load_p_mw)
    with pytest.raises(InvalidArgumentError, match=rf"net\.load has {n_load + 1} rows.*{n_load}"):
        flow.to_pandapower(0, net=changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: net.line.__setitem__("r_ohm_per_km", np.nan), r"net\.line\.loc\[0\].*r_pu"),
        (lambda net: net.load.loc.__setitem__((2, "p_mw"), np.nan), r"net\.load\.loc\[2\].*p_mw"),
        (lambda net: net.shunt.__setitem__("vn_kv", np.nan), None),  # means the bus's own
    ],
)
def test_numbers_that_are_none_are_named_by_their_element(
    net: pp.pandapowerNet, change: Callable[[pp.pandapowerNet], None], message: str | None
) -> None:
    change(net)
    if message is None:
        compile_network(net)
    else:
        with pytest.raises(InvalidArgumentError, match=message):
            compile_network(net)


def test_a_branch_without_impedance_is_fine_in_a_tree_and_named_in_a_mesh() -> None:
    net = nw.case9()
    net.line.loc[3, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0
    with pytest.raises(InvalidArgumentError, match=r"net\.line\.loc\[3\] has no impedance"):
        compile_network(net)
    radial = nw.case33bw()
    radial.line.loc[3, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0
    flow = NativeFlow(radial)
    flow.solve()
    assert flow.method == "tree"
    assert flow.status[0] == LaneStatus.CONVERGED
    ends = radial.bus.index.get_indexer(radial.line.loc[3, ["from_bus", "to_bus"]])
    assert flow.vm_pu[ends[0], 0] == flow.vm_pu[ends[1], 0]


def test_what_is_out_of_service_may_lack_its_numbers() -> None:
    net = nw.case9()
    index = pp.create_gen(net, 5, p_mw=1.0, vm_pu=1.0, in_service=False)
    net.gen.loc[index, "p_mw"] = np.nan
    flow = NativeFlow(net)
    flow.solve()
    assert flow.status[0] == LaneStatus.CONVERGED


def test_shunt_steps_are_rounded_alike_for_pandapower(flow: PowerFlow) -> None:
    flow.shunt_step[:] = 0.9
    flow.shunt_step[:, 1] = np.nan
    flow.solve()
    assert flow.status.tolist() == [LaneStatus.CONVERGED, LaneStatus.INVALID_INPUT]
    assert (flow.to_pandapower(0).shunt["step"] == 1).all()
    assert (flow.to_pandapower(1).shunt["step"] == 0).all()


def test_absurd_loads_are_a_status_without_warnings(net: pp.pandapowerNet) -> None:
    flow = PandapowerFlow(net, 3)
    flow.load_p_mw[:] = [1e300, 1e5, -1e200]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow.solve()
    assert (flow.status == LaneStatus.NO_SOLUTION).all()
