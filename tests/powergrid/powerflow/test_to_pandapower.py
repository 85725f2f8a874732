"""The tables that pandapower's writers make of a lane are those of pandapower's own solve."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandapower as pp
import pytest
from flow_parity import compiled, fresh, runpp, solved
from flow_zoo import ZOO

from heron.errors import InvalidArgumentError
from powergrid.powerflow.compilation import compile_network
from powergrid.powerflow.native_flow import NativeFlow

NAMES = ["cigre_mv_der", "case118", "multivoltage", "fused", *ZOO]
# Rounding: pandapower splits reactive power by limits of 1e9 Mvar, and stops at 1e-10.
WITHIN = 1e-6


def assert_same_results(ours: Any, theirs: Any, *, but: tuple[str, ...] = ()) -> None:
    """Assert that every result table is there and the same."""
    tables = [name for name in theirs if name.startswith("res_") and len(theirs[name])]
    assert "res_bus" in tables
    for name in set(tables) - set(but):
        a, b = ours[name], theirs[name]
        assert list(a.columns) == list(b.columns), name
        assert a.index.equals(b.index), name
        for column in b:
            x, y = (values[column].to_numpy(np.float64) for values in (a, b))
            assert np.array_equal(np.isnan(x), np.isnan(y)), (name, column)
            assert np.allclose(x, y, rtol=1e-7, atol=WITHIN, equal_nan=True), (name, column)


@pytest.mark.parametrize("name", NAMES)
def test_all_result_tables_are_pandapowers(name: str) -> None:
    flow = NativeFlow(compiled(name), tolerance=1e-10)
    flow.solve()
    net = flow.to_pandapower()
    assert net.converged
    assert_same_results(net, solved(name))
    assert list(net.gen.index) == list(solved(name).gen.index)  # no generators of DC lines left


def test_the_tables_hold_the_lanes_inputs() -> None:
    flow = NativeFlow(ZOO["storages_and_shunts"](), 2)
    flow.load_p_mw[:, 1] *= 0.5
    flow.storage_p_mw[0, 1] = 0.25
    flow.shunt_step[0, 1] = 1
    flow.solve()
    net = flow.to_pandapower(1)
    assert net.load.p_mw.tolist() == flow.load_p_mw[:, 1].tolist()
    assert net.storage.p_mw.tolist() == [-0.25]
    assert net.shunt.step.tolist() == [1, 1]
    assert net.res_storage.p_mw.tolist() == pytest.approx([-0.25 * 0.7])
    again = copy.deepcopy(net)
    assert runpp(again)
    assert_same_results(net, again)
    assert flow.net.load.p_mw.tolist() == flow.load_p_mw[:, 0].tolist()  # the first is untouched


def test_a_given_network_is_written_in_place() -> None:
    net = fresh("case9")
    flow = NativeFlow(net)
    flow.solve()
    assert flow.to_pandapower(net=net) is net
    assert_same_results(net, solved("case9"))


def test_a_lane_without_solution_has_no_results() -> None:
    flow = NativeFlow(compiled("case9"))
    flow.load_p_mw *= 50.0
    flow.solve()
    net = flow.to_pandapower()
    assert not net.converged
    assert net.res_bus.isna().all(axis=None)


def test_sources_supply_what_loads_draw_at_their_voltage() -> None:
    """A load on a held bus draws more than at 1 p.u.; pandapower forgets that at sources."""
    net = ZOO["constant_impedance_loads"]()
    pp.create_load(net, 0, 3.0, 1.0, const_z_p_percent=100.0, const_z_q_percent=100.0)
    flow = NativeFlow(net, tolerance=1e-10)
    flow.solve()
    ours = flow.to_pandapower()
    drawn = 3.0 * 1.02**2
    assert ours.res_load.p_mw[3] == pytest.approx(drawn, abs=1e-9)
    into_trafo = ours.res_trafo.p_hv_mw[0]
    assert ours.res_ext_grid.p_mw[0] == pytest.approx(into_trafo + drawn, abs=1e-9)
    assert flow.source_p_mw[0] == pytest.approx(into_trafo + drawn, abs=1e-9)


def test_another_topology_is_refused() -> None:
    flow = NativeFlow(ZOO["plain"]())
    flow.solve()
    other = ZOO["plain"]()
    other.line.loc[2, "in_service"] = False
    with pytest.raises(InvalidArgumentError, match="compile it anew"):
        flow.to_pandapower(net=other)


def test_without_a_pandapower_network_one_must_be_given() -> None:
    net = ZOO["plain"]()
    network = compile_network(net)
    network.net = None
    flow = NativeFlow(network)
    flow.solve()
    with pytest.raises(InvalidArgumentError, match="give one as `net`"):
        flow.to_pandapower()
    assert flow.to_pandapower(net=net).converged
