"""The networks, and the loads that change before every solve."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.auxiliary import LoadflowNotConverged

from powerflow_speed.per_unit import PerUnitModel, internal_model
from powergrid.networks import make_network, merge_microgrid

__all__ = ["COMBINED", "NETWORKS", "OPTIONS", "Problem"]

SEED = 2024
# Largest change of a load: half of it common to a scenario's loads, so that voltages move in large
# networks too, where single changes cancel out; half its own, active and reactive power apart.
CHANGE = 0.05
COMBINED = "IEEE 34 + 3 x IEEE 13"
# What every solve by pandapower has in common, and the native one promises.
OPTIONS = {"calculate_voltage_angles": True, "trafo_model": "t", "lightsim2grid": False}

Floats = NDArray[np.float64]


def combined() -> pp.pandapowerNet:
    """Build the network of the setup ieee34_ieee13, without its devices."""
    net = make_network("ieee34", "DSO", load_scale=0.5)
    net.ext_grid["vm_pu"] = 1.04
    for i in (1, 2, 3):
        microgrid = make_network("ieee13", f"MG{i}")
        net = merge_microgrid(net, microgrid, "DSO Bus 850", load_scale=0.1)
    return net


def case(name: str) -> pp.pandapowerNet:
    """Load one of pandapower's own networks."""
    from pandapower import networks

    return getattr(networks, name)()


NETWORKS: dict[str, Callable[[], pp.pandapowerNet]] = {
    "IEEE 13": lambda: make_network("ieee13", "IEEE13"),
    "IEEE 34": lambda: make_network("ieee34", "IEEE34"),
    COMBINED: combined,
    "IEEE 123": lambda: make_network("ieee123", "IEEE123"),
    "case118": lambda: case("case118"),
    "case1354pegase": lambda: case("case1354pegase"),
}


class Problem:
    """One network and its load scenarios.

    Parameters
    ----------
    name, net
        The network; it is solved once.
    n_scenario
        How many sets of loads there are.
    """

    def __init__(self, name: str, net: pp.pandapowerNet, n_scenario: int) -> None:
        self.name, self.net, self.n_scenario = name, net, n_scenario
        self._references: dict[int, NDArray[np.complex128]] = {}
        solve(net)
        random = np.random.default_rng(SEED)
        base = np.stack([net.load["p_mw"].to_numpy(), net.load["q_mvar"].to_numpy()])
        common = random.uniform(-1.0, 1.0, (1, n_scenario, 1))
        own = random.uniform(-1.0, 1.0, (2, n_scenario, len(net.load)))
        factor = 1.0 + CHANGE * (common + own) / 2.0
        # Rounded to single precision, for one peer takes no other.
        changed = (base[:, None] * factor).astype(np.float32).astype(np.float64)
        self.p_mw: Floats = changed[0]
        """Consumption [MW], (n_scenario, n_load)."""
        self.q_mvar: Floats = changed[1]

    @cached_property
    def model(self) -> PerUnitModel:
        """What the peers are built from."""
        solve(self.net)
        return internal_model(self.net)

    def scenario(self, block: int, lane: int, n_lane: int) -> int:
        """Return the scenario of a lane in a block of solves; in the next one it has another."""
        return (block * (n_lane + 1) + lane) % self.n_scenario

    def block(self, block: int, n_lane: int) -> tuple[Floats, Floats]:
        """Return the loads of a block's lanes [MW, Mvar], (n_load, n_lane) each."""
        rows = [self.scenario(block, lane, n_lane) for lane in range(n_lane)]
        return tuple(np.ascontiguousarray(x[rows].T) for x in (self.p_mw, self.q_mvar))

    def reference(self, scenario: int) -> NDArray[np.complex128]:
        """Return pandapower's voltages at its tightest tolerance [p.u.], (n_bus)."""
        if scenario not in self._references:
            net = self.net
            kept = net.load[["p_mw", "q_mvar"]].copy()
            net.load["p_mw"], net.load["q_mvar"] = self.p_mw[scenario], self.q_mvar[scenario]
            solve(net)
            net.load[["p_mw", "q_mvar"]] = kept
            self._references[scenario] = bus_voltages(net)
        return self._references[scenario]


def bus_voltages(net: pp.pandapowerNet) -> NDArray[np.complex128]:
    """Return the voltages of a solved network [p.u.], in the order of its buses."""
    angle = np.radians(net.res_bus["va_degree"].to_numpy())
    v: NDArray[np.complex128] = net.res_bus["vm_pu"].to_numpy() * np.exp(1j * angle)
    return v


def solve(net: pp.pandapowerNet) -> None:
    """Solve by pandapower at the tightest tolerance at which it converges."""
    for tolerance in (1e-10, 1e-9, 1e-8):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                pp.runpp(net, tolerance_mva=tolerance * net.sn_mva, **OPTIONS)
        except LoadflowNotConverged:
            continue
        return
    raise LoadflowNotConverged(f"pandapower does not solve {net.name} to 1e-8")
