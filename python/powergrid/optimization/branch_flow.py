"""The branch-flow model of a radial network, relaxed to second-order cones.

Of a branch from node i to node j with impedance z = r + jx, sending P + jQ into it, with v = |V|^2
and l = |I|^2 (Baran and Wu, "Optimal capacitor placement on radial distribution systems", IEEE
Trans. Power Delivery 4(1), 1989, eq. 1-3; Farivar and Low, "Branch flow model: relaxations and
convexification", IEEE Trans. Power Systems 28(3), 2013, eq. 10-13):

    v_j = v_i - 2 (r P + x Q) + (r^2 + x^2) l
    P arrives as P - r l, Q as Q - x l
    l v_i = P^2 + Q^2          relaxed to        l v_i >= P^2 + Q^2

Behind an ideal transformer of ratio t at its from end, v_i is v / t^2. A shunt g + jb at an end
draws g v - j b v there, and changes the current at the terminal to

    |I_from|^2 = l + (g^2 + b^2) v_i + 2 (g P - b Q),
    |I_to|^2   = l + (g^2 + b^2) v_j - 2 (g (P - r l) - b (Q - x l)),

which is linear. Where l is as small as it can be, the relaxation is the power flow itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from powergrid.optimization.convex import cp, flat, product_covers
from powergrid.optimization.element_names import node_name
from powergrid.optimization.limits import LimitBook
from powergrid.optimization.radial_network import RadialNetwork

__all__ = ["BranchFlow", "selection"]

SHED_WEIGHT = 100.0  # a power that nobody supplies is worse than any other violation


def selection(n_column: int, columns: NDArray[np.intp]) -> csr_array:
    """Return the matrix that picks entries, (n, n_column)."""
    n = len(columns)
    return csr_array((np.ones(n), (np.arange(n), columns)), shape=(n, n_column))


class BranchFlow:
    """Variables of the network over all steps, in per unit of its base.

    Parameters
    ----------
    network : RadialNetwork
    has_losses : bool
        Without losses l is 0 and the model linear ("LinDistFlow"); its voltages are above the real
        ones.

    Attributes
    ----------
    p, q, l : cvxpy expression, (n_branch, n_step)
        Power sent into the series impedance at the from end, square of the current through it.
    v : cvxpy expression, (n_node, n_step)
        Square of the voltage.
    p_held, q_held : cvxpy expression, (n_held, n_step)
        What holds a voltage supplies; active power only external grids.
    v_inner, v_to : cvxpy expression, (n_branch, n_step)
        `v` at both ends of the series impedance.
    p_from, q_from, p_to, q_to : cvxpy expression, (n_branch, n_step)
        Power into the branch at its terminals.
    """

    def __init__(self, network: RadialNetwork, *, has_losses: bool = True) -> None:
        self.network, self.has_losses = network, has_losses
        of, n_node = network, network.n_node
        shape = of.r.shape
        self.p, self.q = cp.Variable(shape), cp.Variable(shape)
        self.l = cp.Variable(shape) if has_losses else cp.Constant(np.zeros(shape))
        self.v = cp.Variable((n_node, of.n_step))
        self._at_from, self._at_to = (selection(n_node, n) for n in (of.from_node, of.to_node))
        self.v_inner = cp.multiply(1.0 / of.ratio**2, self._at_from @ self.v)
        self.v_to = self._at_to @ self.v
        self._p_sent = self.p - cp.multiply(of.r, self.l)  # what arrives at the to end
        self._q_sent = self.q - cp.multiply(of.x, self.l)
        self.p_from = self.p + cp.multiply(of.g_from, self.v_inner)
        self.q_from = self.q - cp.multiply(of.b_from, self.v_inner)
        self.p_to = cp.multiply(of.g_to, self.v_to) - self._p_sent
        self.q_to = -cp.multiply(of.b_to, self.v_to) - self._q_sent
        held = (len(of.held_node), of.n_step)
        self.q_held = cp.Variable(held)
        self.p_held = cp.multiply(
            np.repeat(of.is_source[:, np.newaxis].astype(float), of.n_step, axis=1),
            cp.Variable(held),
        )

    def equations(
        self, p_decided: Any, q_decided: Any, vm_guess: NDArray[np.float64], book: LimitBook
    ) -> list[Any]:
        """Return the relaxed equations.

        Parameters
        ----------
        p_decided, q_decided : cvxpy expression, (n_node, n_step)
            Injections that are decided.
        vm_guess : ndarray, (n_node, n_step)
            Voltages at which sqrt(v) is made linear, for loads of constant current.
        """
        of = self.network
        at_held = selection(of.n_node, of.held_node).T
        vm = vm_guess / 2.0 + cp.multiply(0.5 / vm_guess, self.v)
        p_node = of.p_constant + p_decided + at_held @ self.p_held - cp.multiply(of.g, self.v)
        q_node = of.q_constant + q_decided + at_held @ self.q_held + cp.multiply(of.b, self.v)
        if of.p_current.any() or of.q_current.any():
            p_node = p_node + cp.multiply(of.p_current, vm)
            q_node = q_node + cp.multiply(of.q_current, vm)
        if book.is_elastic:
            p_node, q_node = p_node + self._shed(book), q_node + self._shed(book)
        drop = cp.multiply(of.r, self.p) + cp.multiply(of.x, self.q)
        cones = [product_covers(self.v_inner, self.l, (self.p, self.q))] if self.has_losses else []
        return [
            *cones,
            p_node == self._at_from.T @ self.p_from + self._at_to.T @ self.p_to,
            q_node == self._at_from.T @ self.q_from + self._at_to.T @ self.q_to,
            self.v_to == self.v_inner - 2.0 * drop + cp.multiply(of.r**2 + of.x**2, self.l),
            self.v[of.held_node] == of.v_held,
        ]

    def _shed(self, book: LimitBook) -> Any:
        """Return power from nowhere, of either sign."""
        of, shape = self.network, self.v.shape

        def name(node: int, step: int) -> str:
            return (
                f"step {step}: the demand of {node_name(of.compiled, node)} cannot be carried there"
            )

        return book.slack(shape, name, weight=SHED_WEIGHT) - book.slack(
            shape, name, weight=SHED_WEIGHT
        )

    def currents(self) -> tuple[Any, Any]:
        """Return the square of the current at both terminals, (n_branch, n_step) each."""
        of = self.network
        at_from = cp.multiply(of.g_from, self.p) - cp.multiply(of.b_from, self.q)
        at_to = cp.multiply(of.g_to, self._p_sent) - cp.multiply(of.b_to, self._q_sent)
        inner = self.l + cp.multiply(of.g_from**2 + of.b_from**2, self.v_inner) + 2.0 * at_from
        l_to = self.l + cp.multiply(of.g_to**2 + of.b_to**2, self.v_to) - 2.0 * at_to
        # The ideal transformer divides the current by its ratio.
        return cp.multiply(1.0 / of.ratio**2, inner), l_to

    def gap(self) -> NDArray[np.float64]:
        """Return ``|l v - P^2 - Q^2|`` of the solution, (n_branch, n_step)."""
        p, q = self.p.value, self.q.value
        gap: NDArray[np.float64] = np.abs(self.l.value * self.v_inner.value - p**2 - q**2)
        return gap

    def weighted_current(self) -> Any:
        """Return the sum of |z| l; a little of it keeps l at its least where r is 0."""
        of = self.network
        return cp.sum(cp.multiply(np.maximum(np.hypot(of.r, of.x), 1e-4), self.l))

    def loss(self) -> Any:
        """Return the sum over branches and steps of r l."""
        return cp.sum(flat(cp.multiply(self.network.r, self.l)))
