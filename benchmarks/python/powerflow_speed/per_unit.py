"""The circuit that every peer gets: pandapower's own internal model, in per unit.

Readers of other packages understand pandapower's tables differently (one does not fuse buses that a
switch joins, another takes integer taps only), so none of them is used: each peer is built from
the admittances that pandapower itself solves with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandapower as pp
from numpy.typing import NDArray
from pandapower.pypower.idx_brch import F_BUS, SHIFT, T_BUS, TAP
from pandapower.pypower.idx_bus import BS, BUS_TYPE, GS, PD, PV, QD, REF, VA, VM
from pandapower.pypower.idx_gen import GEN_BUS, PG, VG
from pandapower.pypower.makeYbus import branch_vectors

__all__ = ["PerUnitModel", "internal_model"]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class PerUnitModel:
    """Branches, shunts, sources and loads in per unit of `base_mva`.

    A branch is an ideal transformer `tap` : 1 at its from end and then a pi circuit.
    """

    base_mva: float
    n_node: int
    node_of_bus: Integers  # in the order of pandapower's buses, (n_bus)
    source: Integers  # nodes of given voltage, (n_source)
    source_v: Complexes  # (n_source)
    pv: Integers  # nodes of given power and magnitude, (n_pv)
    pv_vm: Floats  # (n_pv)
    pv_p: Floats  # injection [p.u.], (n_pv)
    from_node: Integers  # (n_branch)
    to_node: Integers
    z: Complexes  # series impedance, (n_branch)
    y_from: Complexes  # shunt admittance behind the ideal transformer, (n_branch)
    y_to: Complexes
    tap: Complexes  # (n_branch)
    y_node: Complexes  # shunt admittance at a node, (n_node)
    s_fixed: Complexes  # consumption that no scenario changes [p.u.], (n_node)
    load_node: Integers  # (n_load)
    v_start: Complexes  # solution at the loads of the network, (n_node)

    @property
    def is_line(self) -> NDArray[np.bool_]:
        """Whether a branch has neither ratio nor phase shift, (n_branch)."""
        return np.isclose(self.tap, 1.0, rtol=0.0, atol=1e-15)

    @property
    def y_lumped(self) -> Complexes:
        """Shunts of nodes with those of all branches, for who knows no shunts in branches."""
        y = self.y_node.copy()
        np.add.at(y, self.from_node, self.y_from / np.abs(self.tap) ** 2)
        np.add.at(y, self.to_node, self.y_to)
        return y

    def injected(self, v: Complexes) -> Complexes:
        """Return the power that voltages inject into the circuit at every node [p.u.]."""
        inner = v[self.from_node] / self.tap
        outer = v[self.to_node]
        series = (inner - outer) / self.z
        current = self.y_node * v
        np.add.at(current, self.from_node, (series + self.y_from * inner) / self.tap.conj())
        np.add.at(current, self.to_node, self.y_to * outer - series)
        return v * current.conj()


def internal_model(net: pp.pandapowerNet) -> PerUnitModel:
    """Take the internal model of a network that `runpp` has just solved.

    Raises
    ------
    ValueError
        If it has what the peers cannot be given: loads that depend on the voltage, series
        impedances that differ by direction, elements out of service.
    """
    ppc = net._ppc["internal"]
    bus, gen, branch = ppc["bus"], ppc["gen"], ppc["branch"]
    n_node, base = len(bus), float(ppc["baseMVA"])
    load = net.load
    if not (load["in_service"].all() and (load["scaling"] == 1.0).all()):
        raise ValueError("a load is out of service or scaled; the peers' loads are all plain")
    shares = [c for c in load.columns if c.startswith(("const_z", "const_i"))]
    if load[shares].to_numpy().any():
        raise ValueError("a load depends on the voltage; the peers' loads are constant power")

    # Back from the admittances, so that asymmetric shunts are treated as pandapower does.
    y_tt, y_ff, y_ft, y_tf = branch_vectors(branch, len(branch))
    from_node, to_node = (branch[:, column].real.astype(np.int64) for column in (F_BUS, T_BUS))
    tap = _taps(branch)
    series = -y_ft * tap.conj()
    if not np.allclose(series, -y_tf * tap, rtol=1e-12, atol=0.0):
        raise ValueError("a branch's series impedance differs by direction")

    node_of_bus = net._pd2ppc_lookups["bus"][net.bus.index.to_numpy()].astype(np.int64)
    if node_of_bus.max() >= n_node:  # pandapower puts buses out of supply behind the others
        raise ValueError("a bus is out of supply; the peers' buses are all supplied")
    load_node = node_of_bus[net.bus.index.get_indexer(load["bus"])]
    s_load = np.zeros(n_node, complex)
    np.add.at(s_load, load_node, (load["p_mw"] + 1j * load["q_mvar"]).to_numpy() / base)
    source = np.flatnonzero(bus[:, BUS_TYPE].real == REF)
    pv = np.flatnonzero(bus[:, BUS_TYPE].real == PV)
    pv_p, pv_vm = np.zeros(n_node), np.zeros(n_node)
    gen_node = gen[:, GEN_BUS].real.astype(np.int64)
    np.add.at(pv_p, gen_node, gen[:, PG].real / base)
    pv_vm[gen_node] = gen[:, VG].real
    v = bus[:, VM] * np.exp(1j * np.radians(bus[:, VA]))
    model = PerUnitModel(
        base_mva=base,
        n_node=n_node,
        node_of_bus=node_of_bus,
        source=source,
        source_v=v[source],
        pv=pv,
        pv_vm=pv_vm[pv],
        pv_p=pv_p[pv],
        from_node=from_node,
        to_node=to_node,
        z=1.0 / series,
        y_from=y_ff * np.abs(tap) ** 2 - series,
        y_to=y_tt - series,
        tap=tap,
        y_node=(bus[:, GS] + 1j * bus[:, BS]) / base,
        s_fixed=(bus[:, PD] + 1j * bus[:, QD]) / base - s_load,
        load_node=load_node,
        v_start=v,
    )
    _check(model, s_load)
    return model


def _taps(branch: NDArray[np.complex128]) -> Complexes:
    ratio = np.where(branch[:, TAP].real == 0.0, 1.0, branch[:, TAP].real)
    tap: Complexes = ratio * np.exp(1j * np.radians(branch[:, SHIFT].real))
    return tap


def _check(model: PerUnitModel, s_load: Complexes) -> None:
    """Refuse a model that pandapower's own solution does not solve."""
    s = model.injected(model.v_start) + model.s_fixed + s_load
    is_pv, is_source = np.zeros((2, model.n_node), bool)
    is_pv[model.pv], is_source[model.source] = True, True
    s[model.pv] -= model.pv_p
    wrong = max(np.abs(s[~is_source].real).max(), np.abs(s[~is_source & ~is_pv].imag).max())
    if not wrong < 1e-6:
        raise ValueError(f"the model's power mismatch at pandapower's solution is {wrong:.1e} p.u.")
