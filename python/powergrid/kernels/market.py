"""A market among agents, the twin of `heron.protocols.market.clear_market` over lanes.

All arrays are float64, C-contiguous, (n_row, n_lane); index lists are int32.
"""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["clear"]

Array = Any


@kernel
def clear(
    x: Array,
    agent: Array,
    meter_slot: Array,
    price_slot: Array,
    price_scale: Array,
    sell_ratio: Array,
    takes_part: Array,
    status: Array,
    fee: float,
    dt_h: float,
    bought: Array,
    payment: Array,
    fees: Array,
    part: Array,
    part_row: Array,
    cost: Array,
    first: int,
    last: int,
) -> None:
    """Clear each lane's market and add what trade changes to the agents' costs.

    The price is the midpoint between the means of the utility's prices to all traders; who would do
    worse by it, the fee included, than with the utility stays away.

    Parameters
    ----------
    x : (n_slot, n_lane)
        Feature table, with metered power [MW] in rows `meter_slot` and market prices [$/MWh] in
        rows `price_slot`, (n_trader,).
    agent : (n_trader,)
        Number of each trader's agent.
    price_scale, sell_ratio : (n_trader, n_lane)
        The utility sells at the market price times `price_scale`, and buys at a share of that.
    takes_part : bool, (n_agent, n_lane)
        Who has an offer in the market.
    status : int8, (n_lane,)
        Where it is not 0 the power flow failed, and nobody trades.
    fee, dt_h : float
        What either side pays [$/MWh]; length of the interval [h].
    bought, payment, fees : (n_agent, n_lane)
        Written: energy from other agents, negative for sold [MWh]; what is paid for it, fee
        included, and the fee [$].
    part : (n_part, n_lane)
        Written in rows `part_row`, (n_trader,): the payment less what the utility would have taken
        for the same energy [$], never above 0.
    cost : (n_agent, n_lane)
        Added to.
    """
    n_trader = agent.shape[0]
    for lane in lanes(first, last):
        buy_sum = sell_sum = 0.0
        for k in range(n_trader):
            buy = price_scale[k, lane] * x[price_slot[k], lane]
            buy_sum += buy
            sell_sum += sell_ratio[k, lane] * buy
        buy_mean, sell_mean = buy_sum / n_trader, sell_sum / n_trader
        price = 0.5 * (buy_mean + sell_mean)
        is_open = status[lane] == 0 and 0.5 * (buy_mean - sell_mean) > fee
        supply = demand = 0.0
        for k in range(n_trader):
            a = agent[k]
            buy = price_scale[k, lane] * x[price_slot[k], lane]
            sell = sell_ratio[k, lane] * buy
            position = x[meter_slot[k], lane] * dt_h
            gains = buy > price + fee if position > 0.0 else sell < price - fee
            if not (is_open and gains and takes_part[a, lane]):
                position = 0.0
            bought[a, lane] = position  # for now
            demand += max(position, 0.0)
            supply += max(-position, 0.0)
        matched = min(supply, demand)
        share_bought = matched / demand if demand > 0.0 else 0.0
        share_sold = matched / supply if supply > 0.0 else 0.0
        for k in range(n_trader):
            a = agent[k]
            energy_in = max(bought[a, lane], 0.0) * share_bought
            energy_out = max(-bought[a, lane], 0.0) * share_sold
            buy = price_scale[k, lane] * x[price_slot[k], lane]
            sell = sell_ratio[k, lane] * buy
            bought[a, lane] = energy_in - energy_out
            payment[a, lane] = energy_in * (price + fee) - energy_out * (price - fee)
            fees[a, lane] = fee * (energy_in + energy_out)
            part[part_row[k], lane] = payment[a, lane] - (energy_in * buy - energy_out * sell)
            cost[a, lane] += part[part_row[k], lane]
