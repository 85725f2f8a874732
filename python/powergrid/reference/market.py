"""The market among microgrids in plain Python: the twin of `powergrid.engine.market_stage`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from heron.protocols.market import clear_market
from powergrid.agents.grid import Grid

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["clear_peer_market"]

Trades = dict[str, dict[str, float]]


def clear_peer_market(
    agents: Mapping[str, PowerGridAgent], fee: float, dt_h: float, traders: Collection[str]
) -> Trades:
    """Let agents trade what they metered, and add what that changes to their costs.

    Parameters
    ----------
    agents
        By name, with their costs of the interval booked.
    fee
        What either side pays [$/MWh].
    dt_h
        Length of the interval [h].
    traders
        Who takes part.

    Returns
    -------
    dict
        By agent: energy bought from others, negative for sold [MWh], payment and fee [$].
    """
    meters = {
        name: device
        for name, agent in agents.items()
        for device in agent.devices.values()
        if isinstance(device, Grid)
    }
    nothing = {"energy_traded_mwh": 0.0, "trade_payment": 0.0, "trade_fee": 0.0}
    trades = {name: dict(nothing) for name in agents}
    if not meters:
        return trades
    buy = {name: meter.config.price_scale * meter.price for name, meter in meters.items()}
    sell = {name: meter.config.sell_ratio * buy[name] for name, meter in meters.items()}
    buy_mean, sell_mean = (sum(each.values()) / len(meters) for each in (buy, sell))
    price = 0.5 * (buy_mean + sell_mean)
    positions = []  # to sell
    for name, meter in meters.items():
        position = -meter.state.electrical.p_MW * dt_h
        gains = buy[name] > price + fee if position < 0.0 else sell[name] < price - fee
        positions.append(position if name in traders and gains else 0.0)
    # With negative prices the utility would pay more than it takes; then there is no trade.
    clearing = clear_market(positions, buy_mean, min(sell_mean, buy_mean), fee)
    for k, name in enumerate(meters):
        sold, payment = float(clearing.traded[k]), float(clearing.payments[k])
        trades[name] = {
            "energy_traded_mwh": 0.0 - sold,
            "trade_payment": payment,
            "trade_fee": fee * abs(sold),
        }
        with_utility = max(-sold, 0.0) * buy[name] - max(sold, 0.0) * sell[name]
        agent = agents[name]
        saving = payment - with_utility
        agent.cost_parts = {**agent.cost_parts, "trade": saving}
        agent.cost += saving
    return trades
