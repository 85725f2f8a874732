"""One-line diagrams: complete, legible, true to the network."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from powergrid.envs.render import one_line_diagram
from powergrid.envs.render.arrangement import LEGEND_HEIGHT, arrange
from powergrid.envs.render.diagram import read_diagram
from powergrid.envs.render.placement import Canvas, around, callouts, sample
from powergrid.envs.render.text import format_power, format_tap
from powergrid.envs.render.tree_layout import tree_layout
from powergrid.networks import IEEE13Bus, IEEE34Bus, IEEE123Bus
from powergrid.networks.merge import merge_microgrid


def merged():
    """Return the feeder with three microgrids, one of them by a switch."""
    net = IEEE34Bus("DSO")
    for name, bus in (("MG1", "850"), ("MG2", "858"), ("MG3", "890")):
        net = merge_microgrid(net, IEEE13Bus(name), f"DSO Bus {bus}")
    return net


NETWORKS = {"ieee13": IEEE13Bus, "ieee34": IEEE34Bus, "ieee123": IEEE123Bus, "merged": merged}


def texts_of(figure):
    """Return (text, box) of every text drawn into the diagram, without legend and colour bar."""
    figure.canvas.draw()
    return [(t.get_text(), t.get_window_extent()) for t in figure.axes[0].texts if t.get_text()]


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_every_branch_is_read_once(name):
    net = NETWORKS[name]()
    diagram = read_diagram(net)
    kinds = [branch.kind for branch in diagram.branches]
    n_regulator = int(net.trafo["is_regulator"].sum())
    assert kinds.count("line") == len(net.line)
    assert kinds.count("regulator") == n_regulator
    assert kinds.count("trafo") == len(net.trafo) - n_regulator
    assert kinds.count("switch") == (net.switch["et"] == "b").sum()
    assert len(diagram.capacitors) == len(net.shunt)
    assert len(diagram.load_buses) == net.load["bus"].nunique()


def test_connections_of_microgrids_are_told_apart():
    ties = {b.tie_of: b.kind for b in read_diagram(merged()).branches if b.tie_of}
    assert ties == {"MG1": "trafo", "MG2": "trafo", "MG3": "switch"}


def test_names_lose_what_the_zone_has_in_common():
    assert "850" in read_diagram(IEEE34Bus("DSO")).bus_names
    assert read_diagram(merged()).bus_names.count("633") == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_buses_stand_on_one_point(name):
    xy = read_diagram(NETWORKS[name]()).xy
    assert len(np.unique(xy, axis=0)) == len(xy)


def test_a_branch_does_not_run_through_a_third_bus():
    # The open switch 54-94 would cover bus 93, which stands exactly between them.
    diagram = read_diagram(IEEE123Bus())
    through = diagram.xy[diagram.bus_names.index("93")]
    switch = next(b for b in diagram.branches if b.name == "Switch 54-94")
    assert not switch.is_closed
    assert np.hypot(*(sample(switch.path) - through).T).min() > 20.0


def test_a_line_with_an_open_switch_is_open():
    diagram = read_diagram(pn.create_cigre_network_mv())
    assert sum(b.kind == "line" and not b.is_closed for b in diagram.branches) == 3


def test_a_network_without_coordinates_becomes_a_tree():
    net = pn.example_multivoltage()
    net.bus["geo"] = None
    xy = read_diagram(net).xy
    assert np.isfinite(xy).all()
    assert len(np.unique(xy, axis=0)) == len(net.bus)


def test_a_tree_opens_a_lane_for_each_side_branch():
    xy = tree_layout(5, [(0, 1), (1, 2), (1, 3), (3, 4)], [0])
    np.testing.assert_array_equal(xy, [(0, 0), (1, 0), (2, 0), (2, -1), (3, -1)])


def test_an_island_without_source_stands_below():
    xy = tree_layout(4, [(0, 1), (2, 3)], [0])
    np.testing.assert_array_equal(xy, [(0, 0), (1, 0), (0, -1), (1, -1)])


# --- drawing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_no_text_hides_another_or_leaves_the_picture(name):
    net = NETWORKS[name]()
    figure = one_line_diagram(net)
    texts = texts_of(figure)
    for (first, box), (second, other) in combinations(texts, 2):
        wide = min(box.x1, other.x1) - max(box.x0, other.x0)
        high = min(box.y1, other.y1) - max(box.y0, other.y0)
        # Boxes include the room above and below the letters, which may touch.
        assert wide <= 1.0 or high <= 4.0, (first, second)
    frame = figure.axes[0].get_window_extent()
    assert all(frame.contains(b.x0 + 1, b.y0 + 1) for _, b in texts)
    assert all(frame.contains(b.x1 - 1, b.y1 - 1) for _, b in texts)


@pytest.mark.parametrize(("name", "share"), [("ieee13", 1.0), ("ieee34", 1.0), ("ieee123", 0.95)])
def test_buses_are_named(name, share):
    net = NETWORKS[name]()
    shown = {text for text, _ in texts_of(one_line_diagram(net))}
    wanted = set(read_diagram(net).bus_names)
    assert len(wanted & shown) >= share * len(wanted)


def test_violations_and_only_they_are_marked():
    net = IEEE34Bus()
    pp.runpp(net, lightsim2grid=False)
    outside = net.res_bus["vm_pu"].lt(0.95) | net.res_bus["vm_pu"].gt(1.05)
    rings, buses = one_line_diagram(net).axes[0].collections[-2:]
    marked = {tuple(at) for at in rings.get_offsets().tolist()}
    expected = {tuple(at) for at in buses.get_offsets()[outside.to_numpy()].tolist()}
    assert marked == expected
    assert marked


def test_voltages_are_shown_on_the_common_scale():
    net = IEEE34Bus()
    pp.runpp(net, lightsim2grid=False)
    buses = one_line_diagram(net).axes[0].collections[-1]
    np.testing.assert_array_equal(buses.get_array(), net.res_bus["vm_pu"])
    assert (buses.norm.vmin, buses.norm.vmax) == (0.95, 1.05)


def test_overloaded_lines_stand_out():
    net = IEEE13Bus()
    net.line["max_i_ka"] *= 0.1
    pp.runpp(net, lightsim2grid=False)
    n_over = int((net.res_line["loading_percent"] > 100.0).sum())
    branches = one_line_diagram(net).axes[0].collections[0]
    assert sum(width == 3.0 for width in branches.get_linewidth()) == n_over > 0


def test_regulators_show_their_taps():
    net = IEEE34Bus()
    net.trafo.loc[net.trafo["name"] == "REG1", "tap_pos"] = -3
    assert "REG1 −3" in {text for text, _ in texts_of(one_line_diagram(net))}  # noqa: RUF001


def test_devices_show_their_injection():
    net = IEEE13Bus()
    pp.create_sgen(net, 3, p_mw=0.12, name="chp")
    pp.create_storage(net, 5, p_mw=0.05, max_e_mwh=1.0, soc_percent=40.0, name="ess")
    pp.runpp(net, lightsim2grid=False)
    shown = {text for text, _ in texts_of(one_line_diagram(net))}
    assert "chp\n+120 kW" in shown
    assert "ess\n−50 kW 40%" in shown  # noqa: RUF001  # charging


def test_a_network_without_results_can_be_drawn():
    buses = one_line_diagram(IEEE13Bus()).axes[0].collections[-1]
    assert np.isnan(np.ma.filled(buses.get_array(), np.nan)).all()


def test_the_file_is_written_and_the_same_each_time(tmp_path):
    net = IEEE13Bus()
    pp.runpp(net, lightsim2grid=False)
    one_line_diagram(net, tmp_path / "a.png")
    one_line_diagram(net, tmp_path / "b.png")
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert content == (tmp_path / "b.png").read_bytes()


def test_axes_of_the_user_are_used():
    figure = Figure(figsize=(12.0, 6.0))
    FigureCanvasAgg(figure)
    ax = figure.add_subplot(1, 2, 2)
    assert one_line_diagram(IEEE13Bus(), ax=ax) is figure
    assert ax.collections


# --- placement ----------------------------------------------------------------------------------


def test_a_label_avoids_what_is_taken():
    canvas = Canvas(100.0, 100.0)
    canvas.block_box(np.array([50.0, 62.0]), (30.0, 12.0))
    at, _ = canvas.place(np.array([50.0, 50.0]), around((20.0, 8.0), (4.0,), (90.0, 270.0)))
    np.testing.assert_allclose(at, [50.0, 42.0])


def test_an_optional_label_is_left_out_where_it_would_hide_something():
    canvas = Canvas(100.0, 100.0)
    canvas.block_box(np.array([50.0, 50.0]), (90.0, 90.0))
    labels = around((20.0, 8.0), (4.0,), (90.0, 270.0))
    assert canvas.place_if_free(np.array([50.0, 50.0]), labels) is None
    assert len(canvas.boxes) == 1


def test_labels_stay_on_the_drawing():
    canvas = Canvas(100.0, 100.0)
    at, _ = canvas.place(np.array([98.0, 50.0]), around((20.0, 8.0), (4.0,), (0.0, 90.0, 180.0)))
    np.testing.assert_allclose(at, [84.0, 50.0])


def test_a_callout_has_its_symbol_at_the_wanted_distance():
    candidates, shift = callouts(10.0, (30.0, 8.0), (6.0,), (0.0, 90.0))
    right, left = candidates.offsets[:2], candidates.offsets[2:]
    aside = np.array([shift, 0.0])
    np.testing.assert_allclose(right - aside, [(11.0, 0.0), (0.0, 11.0)])
    np.testing.assert_allclose(left + aside, [(11.0, 0.0), (0.0, 11.0)])


def test_the_strip_of_the_legend_stays_free():
    plan = arrange(
        read_diagram(IEEE13Bus()), 800.0, 500.0, bottom=LEGEND_HEIGHT, size_pt=8.0, zone_room=""
    )
    assert plan.bus_at[:, 1].min() > LEGEND_HEIGHT
    assert all(at[1] > LEGEND_HEIGHT for at, _ in plan.bus_labels)


@pytest.mark.parametrize(
    ("p_mw", "text"),
    [(0.12, "+120 kW"), (-0.0563, "−56 kW"), (0.0, "0 kW"), (-1e-6, "0 kW"), (1.5, "+1.50 MW")],  # noqa: RUF001
)
def test_powers_are_written_in_the_fitting_unit(p_mw, text):
    assert format_power(p_mw) == text


@pytest.mark.parametrize(("tap", "text"), [(5.0, "+5"), (-2.0, "−2"), (0.0, "0"), (7.33, "+7.3")])  # noqa: RUF001
def test_taps_are_written_with_their_sign(tap, text):
    assert format_tap(tap) == text
