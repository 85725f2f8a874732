"""The relaxed branch-flow model with nothing to decide is the power flow."""

from __future__ import annotations

import numpy as np
import pandapower as pp
import pytest

from heron.errors import ConfigError
from powergrid.agents.generator import GeneratorConfig
from powergrid.networks import IEEE13Bus, IEEE34Bus, IEEE123Bus, merge_microgrid
from powergrid.optimization import OpfCase, OpfLimits, Unit, optimal_power_flow
from powergrid.optimization.opf_problem import OpfProblem
from powergrid.optimization.radial_network import RadialNetwork
from powergrid.powerflow.native_flow import NativeFlow

NO_LIMITS = OpfLimits(v_min_pu=0.5, v_max_pu=1.5, loading_percent=np.inf)


def compare(flow):
    """Solve both, and assert that they agree in voltages, flows and currents."""
    flow.solve()
    assert (flow.status == 0).all()
    result = optimal_power_flow(OpfCase(flow), limits=NO_LIMITS, objective="losses")
    np.testing.assert_allclose(result.vm_pu, flow.vm_pu, rtol=0.0, atol=1e-7)
    assert result.exactness.is_exact
    assert result.exactness.vm_error_pu < 1e-7
    assert result.exactness.loss_error_mw < 1e-6
    data, batch = flow.compiled.data, flow.batch
    on = data["from_node"] >= 0
    # Into the branch at its from end; shunts at that end are in the power flow's number alone.
    v = np.hypot(batch.v_re_pu, batch.v_im_pu)[data["from_node"]] ** 2
    is_plain = on & (data["g_from_pu"] == 0.0) & (data["b_from_pu"] == 0.0)
    for mine, theirs in (
        (result.p_branch_pu, batch.p_from_mw),
        (result.q_branch_pu, batch.q_from_mvar),
    ):
        wanted = theirs / data["base_mva"]
        np.testing.assert_allclose(mine[is_plain], wanted[is_plain], rtol=0.0, atol=1e-5)
    # Of the same branches without a tap changer, l = (P^2 + Q^2) / v.
    is_plain &= data["ratio"] == 1.0
    is_plain[data["tap_branch"][data["tap_branch"] >= 0]] = False
    s_square = result.p_branch_pu**2 + result.q_branch_pu**2
    wanted = (s_square / v)[is_plain]
    np.testing.assert_allclose(result.l_branch_pu[is_plain], wanted, rtol=1e-3, atol=1e-4)
    return result


@pytest.mark.parametrize("build", [IEEE13Bus, IEEE34Bus, IEEE123Bus])
def test_fixed_injections_on_the_feeders(build):
    flow = NativeFlow(build("F"), 3)
    flow.load_p_mw[:] *= [1.0, 0.6, 0.3]
    flow.load_q_mvar[:] *= [1.0, 0.9, 0.6]
    flow.tap_pos[:] += [0.0, 3.0, -4.0]
    flow.shunt_step[:, 1:] = 0.0
    flow.ext_grid_vm_pu[:, 2] = 0.98
    compare(flow)


def test_fixed_injections_on_a_merged_network_that_feeds_back():
    net = merge_microgrid(IEEE34Bus("DSO"), IEEE13Bus("MG1"), "DSO Bus 850")
    flow = NativeFlow(net, 2)
    flow.load_p_mw[:] *= [0.5, -0.5]
    flow.shunt_step[:] = 0.0  # reactive power that flows back is another matter, see below
    result = compare(flow)
    assert flow.source_p_mw[1] < 0.0
    assert result.loss_mwh > 0.0


def test_reactive_power_that_flows_back_through_a_transformer_is_said_to_spoil_it():
    # Its resistance is 0, so that a current which does not flow absorbs the surplus for nothing.
    flow = NativeFlow(IEEE123Bus("F"))
    flow.load_q_mvar[:] *= -0.5
    result = optimal_power_flow(OpfCase(flow), limits=NO_LIMITS, objective="losses")
    exactness = result.exactness
    assert not exactness.is_exact
    assert exactness.vm_error_pu > 1e-4
    assert any("reactive power flows back" in reason for reason in exactness.reasons)
    assert result.gap_pu.max() == exactness.gap_pu > 1e-2


def test_every_element_means_what_it_means_in_the_power_flow(compiled_with_all_elements):
    flow = NativeFlow(compiled_with_all_elements, 3)
    flow.load_p_mw[:] *= [1.0, 0.5, -0.4]
    flow.tap_pos[1] = [4.0, 0.0, -5.0]
    flow.shunt_step[:] = [0.0, 1.0, 3.0]
    compare(flow)


def test_a_generator_that_holds_a_voltage_is_part_of_it(net_of_all_elements):
    pp.create_gen(net_of_all_elements, 9, 0.5, vm_pu=1.01)
    flow = NativeFlow(net_of_all_elements, 2)
    flow.gen_p_mw[:] = [0.5, 0.2]
    compare(flow)


def test_loads_of_constant_current_are_made_linear_until_they_stay(compiled_with_all_elements):
    # A unit that was at rest when the guess was made moves the voltages by some percent.
    config = GeneratorConfig(bus="", p_min_MW=6.0, p_max_MW=6.0, q_min_MVAr=3.0, q_max_MVAr=3.0)
    unit = Unit(name="unit", table="sgen", number=0, config=config)
    flow = NativeFlow(compiled_with_all_elements)
    flow.solve()
    case = OpfCase(flow, units=[unit])
    guess = np.hypot(flow.batch.v_re_pu, flow.batch.v_im_pu)
    first = OpfProblem(case, flow, NO_LIMITS, "losses", guess)
    first.solve()
    result = optimal_power_flow(case, limits=NO_LIMITS, objective="losses")
    node = flow.compiled.data["node_of_bus"]
    is_on = node >= 0
    vm = np.sqrt(first.branches.v.value)[node]
    assert np.abs(result.vm_pu - flow.vm_pu).max() > 0.02
    assert np.abs(vm - result.flow.vm_pu)[is_on].max() > 1e-6  # the first round alone does not do
    assert result.exactness.vm_error_pu < 1e-7


def test_a_loop_is_refused_by_name(make_feeder):
    net = make_feeder(4)
    pp.create_line_from_parameters(net, 3, 1, 1, 0.3, 0.35, 10, 0.2)
    match = r"not radial: line \d \(bus \d - bus \d\) closes a loop"
    with pytest.raises(ConfigError, match=match):
        optimal_power_flow(OpfCase(NativeFlow(net)))


def test_two_sources_of_one_part_are_refused_by_name(make_feeder):
    net = make_feeder(3)
    pp.create_ext_grid(net, 2, vm_pu=1.0)
    with pytest.raises(ConfigError, match=r"external grids at bus 0 and bus 2 supply one part"):
        optimal_power_flow(OpfCase(NativeFlow(net)))


def test_an_impedance_that_differs_by_direction_is_refused_by_name(make_feeder):
    net = make_feeder(2)
    far = pp.create_bus(net, 20.0, name="far")
    pp.create_impedance(net, 1, far, 0.01, 0.02, 1.0, rtf_pu=0.02, xtf_pu=0.03)
    with pytest.raises(ConfigError, match=r"\(bus 1 - far\): its impedance differs by direction"):
        optimal_power_flow(OpfCase(NativeFlow(net)))


def test_the_base_is_what_the_network_carries(feeder_flow):
    flow = feeder_flow(4, load_mw=50.0)
    flow.solve()
    network = RadialNetwork.of(flow)
    assert network.base_mva == pytest.approx(3 * np.hypot(50.0, 15.0))
    assert network.r[0, 0] / network.base_mva == pytest.approx(8 * 0.3 / 400.0)
