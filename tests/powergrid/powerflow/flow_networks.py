"""The networks of the parity suite, and what pandapower needs to solve each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandapower.networks as nw

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.networks import (
    CIGRELV,
    CIGREMV,
    IEEE13Bus,
    IEEE34Bus,
    IEEE123Bus,
    merge_microgrid,
)
from powergrid.setups.loader import load_setup

# pandapower's own networks are older than the column that pandapower misses in them.
OLD_TABLES = "tap_dependency_table is missing in net"


@dataclass(frozen=True)
class Case:
    """How to build a network, and what pandapower needs to solve it.

    The tolerance is the tightest of 1e-10, 1e-9 and 1e-8 at which it converges.
    """

    build: Callable[[], Any]
    tolerance_mva: float = 1e-10
    start: str = "dc"  # or "taps": at the voltages that the taps give


def fused() -> Any:
    """Return IEEE34 with three IEEE13 microgrids."""
    net = IEEE34Bus("DSO")
    for i, bus in enumerate(("822", "850", "838")):
        net = merge_microgrid(net, IEEE13Bus(f"MG{i + 1}"), f"DSO Bus {bus}")
    return net


def setup(name: str) -> Any:
    """Return the network of a shipped setup, with every device in it."""
    return MultiAgentMicrogrids({**load_setup(name), "train": False}).net


CASES: dict[str, Case] = {
    "ieee13": Case(IEEE13Bus),
    "ieee13_ideal": Case(lambda: IEEE13Bus(regulators="ideal")),
    "ieee34": Case(IEEE34Bus),
    "ieee34_ideal": Case(lambda: IEEE34Bus(regulators="ideal"), start="taps"),
    "ieee123": Case(IEEE123Bus),
    "ieee123_ideal": Case(lambda: IEEE123Bus(regulators="ideal"), start="taps"),
    "fused": Case(fused),
    "setup_ieee34_ieee13": Case(lambda: setup("ieee34_ieee13")),
    "setup_ieee123_ieee13": Case(lambda: setup("ieee123_ieee13")),
    "cigre_lv": Case(CIGRELV),
    "cigre_mv": Case(CIGREMV),
    "cigre_mv_der": Case(lambda: nw.create_cigre_network_mv(with_der="all")),
    "cigre_hv": Case(nw.create_cigre_network_hv, 1e-9),
    "case33bw": Case(nw.case33bw),
    "case9": Case(nw.case9),
    "case14": Case(nw.case14),
    "case30": Case(nw.case30),
    "case57": Case(nw.case57),
    "case118": Case(nw.case118),
    "case145": Case(nw.case145),  # shunts draw more than loads
    "case300": Case(nw.case300),
    "case1354pegase": Case(nw.case1354pegase),
    "multivoltage": Case(nw.example_multivoltage),
}


@cache
def shared(name: str) -> Any:
    """Return the network of a case; it is shared, so a test that changes it works on a copy."""
    return CASES[name].build()
