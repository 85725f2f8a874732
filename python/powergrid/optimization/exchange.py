"""Power taken from a utility at a meter, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.engine.meters import AT_FROM, AT_TO, INJECTED, SUPPLIED, Term
from powergrid.optimization.convex import cp
from powergrid.powerflow.native_flow import NativeFlow
from powergrid.utils.cost import energy_cost

__all__ = ["Exchange", "source_exchange"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A meter with a price.

    Attributes
    ----------
    name : str
        Under which the result has it.
    price : ndarray, (n_step,)
        Of energy bought [$/MWh].
    terms : sequence of tuple
        What the meter reads, as a sum: kind, row and factor, as `powergrid.engine.meters` has them.
    sell_ratio : float
        Share of the price that is paid for energy sold.
    s_rated_mva : float
        Most that may pass; infinite for no limit.
    """

    name: str
    price: Array
    terms: Sequence[Term]
    sell_ratio: float = 1.0
    s_rated_mva: float = float("inf")

    def check(self, n_step: int) -> None:
        """Raise ConfigError if the price has the wrong length or is not finite."""
        if np.shape(self.price) != (n_step,) or not np.isfinite(self.price).all():
            raise ConfigError(
                f"{self.name}: expected {n_step} finite prices, one a step, got an array of shape "
                f"{np.shape(self.price)}: {self.price}"
            )

    def reading(self, inputs: Any, at_from: Any, at_to: Any, supplied: Any) -> Any:
        """Return what the meter reads, (n_step,), from what its terms refer to.

        All in MW or all in Mvar, by row: inputs of the injections, power into the branches' from
        and to ends, supply of what holds a voltage.
        """
        of_kind = {INJECTED: inputs, AT_FROM: at_from, AT_TO: at_to, SUPPLIED: supplied}
        total: Any = 0.0
        for kind, row, factor in self.terms:
            total = total + factor * of_kind[kind][row]
        return total

    def modelled_cost(self, p_mw: Any, dt_h: float) -> Any:
        """Return the cost [$] as a convex function of the power.

        At a negative price energy sold counts at the full price: the cost is not convex otherwise.
        """
        sold = np.where(self.price < 0.0, self.price, self.sell_ratio * self.price)
        rate = cp.maximum(cp.multiply(self.price, p_mw), cp.multiply(sold, p_mw))
        return dt_h * cp.sum(rate)

    def true_cost(self, p_mw: Array, dt_h: float) -> float:
        """Return what a metered power costs [$]."""
        return sum(
            energy_cost(p, price, dt_h, sell_ratio=self.sell_ratio)
            for p, price in zip(p_mw.tolist(), self.price.tolist(), strict=True)
        )


def source_exchange(
    flow: NativeFlow, price: float | Array, *, name: str = "grid", sell_ratio: float = 1.0
) -> Exchange:
    """Return the exchange with all external grids together, at one price or a price a lane."""
    return Exchange(
        name=name,
        price=np.broadcast_to(np.asarray(price, np.float64), (flow.n_lane,)).copy(),
        terms=[(SUPPLIED, int(row), 1.0) for row in flow.source_rows],
        sell_ratio=sell_ratio,
    )
