"""Strategies for random networks."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import pandapower as pp
from flow_zoo import changer, line, transformer
from hypothesis import strategies as st


@cache
def _empty() -> Any:
    return pp.create_empty_network(sn_mva=1.0)


def _floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 4))


@st.composite
def radial_networks(draw: st.DrawFn) -> Any:
    """Draw a feeder as in simbench: 110 kV, a substation, 20 kV cables, 0.4 kV behind some."""
    net = copy.deepcopy(_empty())
    source = pp.create_bus(net, 110.0)
    pp.create_ext_grid(net, source, vm_pu=draw(_floats(0.98, 1.06)), va_degree=draw(_floats(0, 90)))
    mv = [pp.create_bus(net, 20.0)]
    kind = draw(st.sampled_from(["Ratio", "Ideal", "Symmetrical"]))
    step = {"tap_step_degree": 0.5} if kind == "Ideal" else {"tap_step_percent": 1.5}
    tap = changer(draw(st.sampled_from(["hv", "lv"])), kind, **step)
    tap["tap_pos"] = float(draw(st.integers(-4, 6)))
    shift = draw(st.sampled_from([0.0, 30.0, 150.0]))
    transformer(net, source, mv[0], sn_mva=25.0, shift_degree=shift, **tap)
    for _ in range(draw(st.integers(2, 7))):
        before = draw(st.sampled_from(mv))
        mv.append(pp.create_bus(net, 20.0))
        ends = (before, mv[-1]) if draw(st.booleans()) else (mv[-1], before)
        line(net, *ends, length_km=draw(_floats(0.1, 6.0)), parallel=draw(st.integers(1, 2)))
    for bus in draw(st.lists(st.sampled_from(mv[1:]), max_size=3)):
        lv = pp.create_bus(net, 0.4)
        transformer(net, bus, lv, sn_mva=0.4, vn_hv_kv=20.0, vn_lv_kv=0.4, shift_degree=150.0)
        end = pp.create_bus(net, 0.4)
        line(net, lv, end, length_km=draw(_floats(0.05, 0.3)), r_ohm_per_km=0.3, c_nf_per_km=0.0)
        pp.create_load(net, end, draw(_floats(0.01, 0.06)), draw(_floats(-0.01, 0.03)))
        pp.create_sgen(net, end, draw(_floats(0.0, 0.05)), 0.0)
    for bus in mv[1:]:
        pp.create_load(net, bus, draw(_floats(0.05, 0.9)), draw(_floats(0.0, 0.4)))
    if draw(st.booleans()):
        pp.create_shunt(net, mv[-1], q_mvar=draw(_floats(-0.5, 0.5)), p_mw=0.001)
    return net


@st.composite
def meshed_networks(draw: st.DrawFn) -> Any:
    """Draw a 110 kV ring with chords, generators, and a 20 kV ring behind two transformers."""
    net = copy.deepcopy(_empty())
    net.sn_mva = draw(st.sampled_from([1.0, 10.0, 100.0]))
    n = draw(st.integers(4, 9))
    hv = [pp.create_bus(net, 110.0) for _ in range(n)]
    pp.create_ext_grid(net, hv[0], vm_pu=draw(_floats(0.99, 1.04)))
    chords = st.tuples(st.sampled_from(hv), st.sampled_from(hv)).filter(
        lambda ends: len({*ends}) > 1
    )
    ring = list(zip(hv, np.roll(hv, -1).tolist(), strict=True))
    for a, b in [*ring, *draw(st.lists(chords, max_size=4))]:
        line(
            net, a, b, length_km=draw(_floats(5.0, 40.0)), r_ohm_per_km=0.06, x_ohm_per_km=0.28,
            c_nf_per_km=10.0, max_i_ka=0.6,
        )  # fmt: skip
    for bus in draw(st.lists(st.sampled_from(hv[1:]), unique=True, max_size=3)):
        pp.create_gen(net, bus, draw(_floats(0.0, 40.0)), vm_pu=draw(_floats(0.98, 1.04)))
    for bus in hv[1:]:
        pp.create_load(net, bus, draw(_floats(0.0, 15.0)), draw(_floats(-3.0, 5.0)))
    mv = [pp.create_bus(net, 20.0) for _ in range(3)]
    tap = changer("hv", "Ratio", tap_step_percent=1.0, tap_pos=float(draw(st.integers(-3, 5))))
    transformer(net, hv[1], mv[0], sn_mva=40.0, shift_degree=30.0, **tap)
    transformer(net, hv[2], mv[2], sn_mva=40.0, shift_degree=30.0)
    line(net, mv[0], mv[1])
    line(net, mv[1], mv[2])
    pp.create_load(net, mv[1], draw(_floats(0.5, 4.0)), 0.5)
    return net
