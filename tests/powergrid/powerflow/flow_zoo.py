"""Small networks with one feature each, on a common ground."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandapower as pp

ZOO: dict[str, Callable[[], Any]] = {}


def zoo(build: Callable[[Any], None]) -> Callable[[Any], None]:
    """Register a network: the ground and what `build` adds to it."""

    def make() -> Any:
        net = ground()
        build(net)
        return net

    ZOO[build.__name__] = make
    return build


def ground() -> Any:
    """Return a copy of the common ground, which is not quick to build."""
    return copy.deepcopy(_ground())


@cache
def _ground() -> Any:
    """Return 110 kV - 20 kV - 0.4 kV: buses 0 | 1 2 3 4 | 5 6, radial, base 2.5 MVA."""
    net = pp.create_empty_network(sn_mva=2.5)
    for vn_kv in (110.0, 20.0, 20.0, 20.0, 20.0, 0.4, 0.4):
        pp.create_bus(net, vn_kv)
    pp.create_ext_grid(net, 0, vm_pu=1.02, va_degree=5.0)
    transformer(net, 0, 1, sn_mva=25.0, vn_lv_kv=21.0, shift_degree=150.0)
    for i in (1, 2, 3):
        line(net, i, i + 1)
    transformer(net, 3, 5, sn_mva=0.63, vn_hv_kv=20.0, vn_lv_kv=0.41, shift_degree=-30.0)
    line(net, 5, 6, length_km=0.2, r_ohm_per_km=0.2, x_ohm_per_km=0.08, c_nf_per_km=0.0)
    for bus, p, q in ((2, 1.2, 0.4), (4, 2.0, 0.7), (6, 0.1, 0.03)):
        pp.create_load(net, bus, p, q, scaling=1.1)
    return net


def line(net: Any, a: int, b: int, **values: Any) -> int:
    """Add a cable."""
    return pp.create_line_from_parameters(
        net,
        a,
        b,
        **{
            "length_km": 2.0,
            "r_ohm_per_km": 0.16,
            "x_ohm_per_km": 0.12,
            "c_nf_per_km": 270.0,
            "max_i_ka": 0.3,
            **values,
        },
    )


def transformer(net: Any, hv: int, lv: int, **values: Any) -> int:
    """Add a transformer with no-load losses."""
    return pp.create_transformer_from_parameters(
        net,
        hv,
        lv,
        **{
            "sn_mva": 10.0,
            "vn_hv_kv": 110.0,
            "vn_lv_kv": 20.0,
            "vkr_percent": 0.8,
            "vk_percent": 9.0,
            "pfe_kw": 14.0,
            "i0_percent": 0.4,
            **values,
        },
    )


def changer(side: str, kind: str, **values: Any) -> dict[str, Any]:
    """Return the columns of a tap changer."""
    return {
        "tap_side": side,
        "tap_changer_type": kind,
        "tap_neutral": 1.0,
        "tap_min": -8.0,
        "tap_max": 10.0,
        "tap_pos": 4.0,
        **values,
    }


@zoo
def plain(net: Any) -> None:
    """Add nothing."""


@zoo
def ring(net: Any) -> None:
    """Close a ring in the middle voltage."""
    line(net, 1, 4, parallel=2, g_us_per_km=0.7, df=0.9)


@zoo
def parallel_transformers(net: Any) -> None:
    """Add a second main transformer, of two units with a derating."""
    transformer(net, 0, 1, vn_lv_kv=21.0, shift_degree=150.0, parallel=2, df=0.8)


@zoo
def three_windings(net: Any) -> None:
    """Add a three-winding transformer with a tap changer and shifts."""
    a, b = pp.create_bus(net, 20.0), pp.create_bus(net, 10.0)
    pp.create_transformer3w_from_parameters(
        net,
        0,
        a,
        b,
        vn_hv_kv=110.0,
        vn_mv_kv=20.5,
        vn_lv_kv=10.2,
        sn_hv_mva=40.0,
        sn_mv_mva=30.0,
        sn_lv_mva=15.0,
        vk_hv_percent=10.0,
        vk_mv_percent=11.0,
        vk_lv_percent=12.0,
        vkr_hv_percent=0.3,
        vkr_mv_percent=0.31,
        vkr_lv_percent=0.32,
        pfe_kw=30.0,
        i0_percent=0.1,
        shift_mv_degree=30.0,
        shift_lv_degree=150.0,
        tap_side="hv",
        tap_neutral=0.0,
        tap_min=-8,
        tap_max=8,
        tap_pos=3,
        tap_step_percent=1.25,
        tap_changer_type="Ratio",
    )
    pp.create_load(net, a, 12.0, 3.0)
    pp.create_load(net, b, 5.0, 2.0)
    open_end = pp.create_switch(net, b, 0, et="t3", closed=True)
    assert net.switch.at[open_end, "closed"]


@zoo
def three_windings_with_an_open_end(net: Any) -> None:
    """Open the low side of the same."""
    three_windings(net)
    net.switch["closed"] = False


@zoo
def wards(net: Any) -> None:
    """Add a ward and an extended ward."""
    pp.create_ward(net, 3, ps_mw=0.4, qs_mvar=0.1, pz_mw=0.3, qz_mvar=0.05)
    pp.create_ward(net, 4, ps_mw=0.4, qs_mvar=0.1, pz_mw=0.3, qz_mvar=0.05, in_service=False)


@zoo
def extended_wards(net: Any) -> None:
    """Hold a voltage behind an impedance."""
    for in_service in (True, False):
        pp.create_xward(
            net,
            3,
            ps_mw=0.4,
            qs_mvar=0.1,
            pz_mw=0.3,
            qz_mvar=0.05,
            r_ohm=0.4,
            x_ohm=9.0,
            vm_pu=1.01,
            in_service=in_service,
        )


@zoo
def impedances(net: Any) -> None:
    """Add an impedance that differs by direction, with shunts at its ends."""
    bus = pp.create_bus(net, 20.0)
    pp.create_impedance(
        net,
        4,
        bus,
        rft_pu=0.02,
        xft_pu=0.05,
        sn_mva=4.0,
        rtf_pu=0.025,
        xtf_pu=0.045,
        gf_pu=0.001,
        bf_pu=0.004,
        gt_pu=0.002,
        bt_pu=0.003,
    )
    pp.create_load(net, bus, 0.7, 0.2)


@zoo
def open_line_ends(net: Any) -> None:
    """Open one end of a cable that closes a ring, and both of another."""
    one, both = line(net, 1, 4, length_km=9.0), line(net, 2, 4)
    pp.create_switch(net, 4, one, et="l", closed=False)
    pp.create_switch(net, 2, both, et="l", closed=False)
    pp.create_switch(net, 4, both, et="l", closed=False)


@zoo
def open_transformer_end(net: Any) -> None:
    """Leave a transformer running idle."""
    trafo = transformer(net, 3, 5, sn_mva=0.63, vn_hv_kv=20.0, vn_lv_kv=0.41, shift_degree=-30.0)
    pp.create_switch(net, 5, trafo, et="t", closed=False)


@zoo
def joined_buses(net: Any) -> None:
    """Join buses by closed switches, one with an impedance, one open."""
    a, b, c = (pp.create_bus(net, 20.0) for _ in range(3))
    pp.create_switch(net, 4, a, et="b", closed=True)
    pp.create_switch(net, a, b, et="b", closed=True)
    pp.create_switch(net, b, c, et="b", closed=True, z_ohm=0.3)
    pp.create_switch(net, 1, c, et="b", closed=False)
    pp.create_load(net, b, 0.5, 0.1)
    pp.create_sgen(net, c, 0.9, -0.2, scaling=0.9)


@zoo
def line_between_joined_buses(net: Any) -> None:
    """Bridge a cable by a switch."""
    bus = pp.create_bus(net, 20.0)
    line(net, 4, bus)
    pp.create_switch(net, 4, bus, et="b", closed=True)
    pp.create_load(net, bus, 0.5, 0.1)


@zoo
def dc_line(net: Any) -> None:
    """Send power through a DC line between two held buses."""
    bus = pp.create_bus(net, 20.0)
    line(net, 1, bus)
    pp.create_dcline(
        net,
        4,
        bus,
        p_mw=0.5,
        loss_percent=1.0,
        loss_mw=0.01,
        vm_from_pu=1.0,
        vm_to_pu=1.01,
    )


@zoo
def two_sources(net: Any) -> None:
    """Feed the ring from a second external grid."""
    ring(net)
    pp.create_ext_grid(net, 4, vm_pu=1.01, va_degree=-150.0)


@zoo
def sources_on_one_bus(net: Any) -> None:
    """Share a bus between two external grids and a generator."""
    pp.create_ext_grid(net, 0, vm_pu=1.02, va_degree=5.0)
    pp.create_ext_grid(net, 0, vm_pu=1.02, va_degree=5.0, in_service=False)
    pp.create_gen(net, 0, p_mw=1.5, vm_pu=1.02)


@zoo
def generators(net: Any) -> None:
    """Hold voltages, twice on one bus, once out of service."""
    pp.create_gen(net, 4, p_mw=1.5, vm_pu=1.01, scaling=0.8)
    pp.create_gen(net, 4, p_mw=0.5, vm_pu=1.01)
    pp.create_gen(net, 3, p_mw=0.5, vm_pu=1.03, in_service=False)
    pp.create_gen(net, 2, p_mw=0.2, vm_pu=1.0)


@zoo
def slack_generator(net: Any) -> None:
    """Balance an island by a generator."""
    a, b = pp.create_bus(net, 20.0), pp.create_bus(net, 20.0)
    line(net, a, b)
    pp.create_gen(net, a, p_mw=0.1, vm_pu=1.01, slack=True)
    pp.create_load(net, b, 0.5, 0.1)


@zoo
def out_of_service(net: Any) -> None:
    """Take one of each kind out of service, and a bus with elements on it."""
    bus = pp.create_bus(net, 20.0, in_service=False)
    line(net, 4, bus)
    line(net, 1, 4, in_service=False)
    pp.create_load(net, bus, 0.5, 0.1)
    pp.create_load(net, 2, 0.5, 0.1, in_service=False)
    pp.create_sgen(net, 2, 0.5, 0.1, in_service=False)
    pp.create_sgen(net, bus, 0.5, 0.1)
    pp.create_storage(net, 2, p_mw=0.5, max_e_mwh=1.0, in_service=False)
    pp.create_shunt(net, 2, q_mvar=0.5, in_service=False)
    pp.create_shunt(net, bus, q_mvar=0.5)
    transformer(net, 0, 1, in_service=False)


@zoo
def islands(net: Any) -> None:
    """Add buses without supply, among them a pair with elements."""
    a, b, c = (pp.create_bus(net, 20.0) for _ in range(3))
    line(net, a, b)
    pp.create_load(net, b, 0.5, 0.1)
    pp.create_gen(net, a, p_mw=0.5, vm_pu=1.0)
    pp.create_shunt(net, b, q_mvar=0.1)
    pp.create_switch(net, 4, c, et="b", closed=False)


@zoo
def motors_and_asymmetric(net: Any) -> None:
    """Add a motor, and elements that differ by phase."""
    pp.create_motor(net, 4, pn_mech_mw=0.5, cos_phi=0.85, efficiency_percent=95.0)
    pp.create_asymmetric_load(net, 4, 0.1, 0.2, 0.15, 0.03, 0.02, 0.01, scaling=0.9)
    pp.create_asymmetric_sgen(net, 2, 0.1, 0.05, 0.0, 0.01, 0.02, 0.0)


@zoo
def storages_and_shunts(net: Any) -> None:
    """Add a storage that charges, and shunts with steps and another rated voltage."""
    pp.create_storage(net, 4, p_mw=0.3, q_mvar=-0.05, max_e_mwh=1.0, scaling=0.7)
    pp.create_shunt(net, 4, q_mvar=-0.4, p_mw=0.01, vn_kv=21.0, step=2, max_step=3)
    pp.create_shunt(net, 4, q_mvar=0.1, step=1)
    pp.create_sgen(net, 2, 0.4, 0.1)


@zoo
def constant_impedance_loads(net: Any) -> None:
    """Draw with the square of the voltage."""
    net.load[["const_z_p_percent", "const_z_q_percent"]] = 100.0


@zoo
def constant_current_loads(net: Any) -> None:
    """Draw with the voltage."""
    net.load[["const_i_p_percent", "const_i_q_percent"]] = 100.0


@zoo
def mixed_loads(net: Any) -> None:
    """Draw in shares that differ by bus, and for p and q."""
    net.load["const_z_p_percent"] = [30.0, 0.0, 60.0]
    net.load["const_i_p_percent"] = [20.0, 50.0, 40.0]
    net.load["const_z_q_percent"] = [0.0, 100.0, 10.0]
    net.load["const_i_q_percent"] = [70.0, 0.0, 20.0]


@zoo
def second_changer(net: Any) -> None:
    """Fix a second tap changer behind the first."""
    tap = changer("hv", "Ratio", tap_step_percent=1.5)
    transformer(net, 0, 1, vn_lv_kv=21.0, shift_degree=150.0, **tap)
    for name, value in changer("lv", "Ratio", tap_step_percent=0.5).items():
        net.trafo[name.replace("tap_", "tap2_")] = np.where(net.trafo.index == 2, value, None)
    for name in ("neutral", "pos", "step_percent", "min", "max"):
        net.trafo[f"tap2_{name}"] = net.trafo[f"tap2_{name}"].astype(float)
    net.trafo["tap2_step_degree"] = np.nan


def with_changer(name: str, **values: Any) -> None:
    """Register a ring through a second main transformer with a tap changer."""

    def make() -> Any:
        net = ground()
        transformer(net, 0, 1, vn_lv_kv=21.0, shift_degree=150.0, **values)
        return net

    ZOO[name] = make


for _side in ("hv", "lv"):
    with_changer(f"ratio_{_side}", **changer(_side, "Ratio", tap_step_percent=1.5))
    with_changer(f"ideal_{_side}", **changer(_side, "Ideal", tap_step_degree=0.7))
    with_changer(
        f"oblique_{_side}", **changer(_side, "Ratio", tap_step_percent=1.5, tap_step_degree=60.0)
    )
    with_changer(
        f"symmetrical_{_side}",
        **changer(_side, "Symmetrical", tap_step_percent=1.2, tap_step_degree=90.0),
    )
