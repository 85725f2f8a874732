"""A market among agents that would otherwise trade with the grid alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Clearing", "clear_market"]


class Clearing(NamedTuple):
    """What a market settled.

    Attributes
    ----------
    traded
        Energy that each agent sold to others, negative for what it bought [MWh], (n_agent, ...);
        the sum over agents is zero up to rounding.
    payments
        What each agent pays, negative for what it is paid [$], fees included, (n_agent, ...); the
        sum over agents is `fees` up to rounding.
    price
        Price between agents, before fees [$/MWh], (...).
    fees
        What the market keeps [$], (...).
    """

    traded: NDArray[np.float64]
    payments: NDArray[np.float64]
    price: NDArray[np.float64]
    fees: NDArray[np.float64]


def clear_market(
    net_positions: ArrayLike, buy_price: ArrayLike, sell_price: ArrayLike, fee: float
) -> Clearing:
    """Match surplus and deficit among agents, pro rata on the side that has more.

    They trade at the midpoint of the grid's prices, and seller and buyer pay the fee each. So both
    gain ``(buy_price - sell_price) / 2 - fee`` a MWh over trading with the grid, and there is no
    trade unless that is positive. What is not matched is left to the grid.

    Parameters
    ----------
    net_positions
        Energy that each agent has to sell, negative for what it needs [MWh], (n_agent, ...);
        further axes are markets side by side, such as lanes.
    buy_price, sell_price
        What energy bought from the grid costs and what the grid pays [$/MWh], a number or (...).
    fee
        What each of the two sides pays to the market [$/MWh].

    Raises
    ------
    ValueError
        If a value is not finite, a shape does not fit, the fee is negative, or the grid pays more
        than it takes.

    Examples
    --------
    >>> clearing = clear_market([3.0, -1.0, -1.0], buy_price=60.0, sell_price=40.0, fee=1.0)
    >>> clearing.traded, clearing.payments
    (array([ 2., -1., -1.]), array([-98.,  51.,  51.]))
    >>> float(clearing.price), float(clearing.fees)
    (50.0, 4.0)
    """
    position = np.asarray(net_positions, dtype=np.float64)
    if position.ndim < 1:
        raise ValueError("net_positions is one number, expected one for each agent")
    lanes = position.shape[1:]
    buy, sell = _price("buy_price", buy_price, lanes), _price("sell_price", sell_price, lanes)
    if not np.isfinite(position).all():
        raise ValueError(f"net_positions is {position.tolist()}; expected finite values")
    if not 0.0 <= fee < np.inf:
        raise ValueError(f"fee is {fee}, expected a number of $/MWh, at least 0")
    if (sell > buy).any():
        raise ValueError(
            f"the grid pays {sell.tolist()} $/MWh, more than the {buy.tolist()} $/MWh that it takes"
        )
    surplus, deficit = np.maximum(position, 0.0), np.maximum(-position, 0.0)
    supply, demand = surplus.sum(axis=0), deficit.sum(axis=0)
    is_worth_it = 0.5 * (buy - sell) > fee
    matched = np.where(is_worth_it, np.minimum(supply, demand), 0.0)
    # The short side trades all it has: its share is 1 exactly.
    share_sold = np.divide(matched, supply, out=np.zeros(lanes), where=supply > 0.0)
    share_bought = np.divide(matched, demand, out=np.zeros(lanes), where=demand > 0.0)
    sold, bought = surplus * share_sold, deficit * share_bought
    price = 0.5 * (buy + sell)
    payments = bought * (price + fee) - sold * (price - fee)
    fees = fee * (sold + bought).sum(axis=0)
    return Clearing(sold - bought, payments, price, fees)


def _price(name: str, given: ArrayLike, lanes: tuple[int, ...]) -> NDArray[np.float64]:
    price = np.asarray(given, dtype=np.float64)
    if price.shape not in ((), lanes):
        raise ValueError(f"{name} has shape {price.shape}, expected () or {lanes}")
    if not np.isfinite(price).all():
        raise ValueError(f"{name} is {price.tolist()}; expected finite values")
    return np.broadcast_to(price, lanes)
