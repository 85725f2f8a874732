"""A market keeps energy and money, and harms nobody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from heron.errors import ConfigError
from heron.protocols import HorizontalProtocol, PeerToPeerTradingProtocol, get_protocol
from heron.protocols.market import clear_market

POSITIONS = npst.arrays(
    np.float64,
    npst.array_shapes(min_dims=1, max_dims=2, max_side=6),
    elements=st.floats(-100.0, 100.0) | st.just(0.0),
)
PRICES = st.tuples(st.floats(-50.0, 200.0), st.floats(0.0, 100.0))  # sell price, spread
FEES = st.floats(0.0, 60.0)


def grid_cost(position: np.ndarray, buy: float, sell: float) -> np.ndarray:
    """Return what the grid takes for a position [$]."""
    return buy * np.maximum(-position, 0.0) - sell * np.maximum(position, 0.0)


def test_the_short_side_trades_all_and_the_long_one_pro_rata():
    clearing = clear_market([3.0, 1.0, -1.0, -1.0, 0.0], 60.0, 40.0, 0.0)
    assert clearing.traded.tolist() == [1.5, 0.5, -1.0, -1.0, 0.0]
    assert clearing.payments.tolist() == [-75.0, -25.0, 50.0, 50.0, 0.0]
    assert float(clearing.price) == 50.0


def test_both_sides_pay_the_fee():
    clearing = clear_market([2.0, -2.0], 60.0, 40.0, 3.0)
    assert clearing.payments.tolist() == [-2.0 * 47.0, 2.0 * 53.0]
    assert float(clearing.fees) == 12.0


@pytest.mark.parametrize("fee", [10.0, 10.5])
def test_nobody_trades_where_the_fee_takes_the_gain(fee):
    clearing = clear_market([2.0, -2.0], 60.0, 40.0, fee)
    assert clearing.traded.tolist() == clearing.payments.tolist() == [0.0, 0.0]
    assert float(clearing.fees) == 0.0


@pytest.mark.parametrize("position", [[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], [5.0]])
def test_nobody_trades_alone(position):
    clearing = clear_market(position, 60.0, 40.0, 0.0)
    assert not clearing.traded.any()
    assert not clearing.payments.any()


@given(position=POSITIONS, prices=PRICES, fee=FEES)
def test_energy_and_money_are_kept(position, prices, fee):
    sell, spread = prices
    clearing = clear_market(position, sell + spread, sell, fee)
    scale = 1e-12 * (1.0 + np.abs(position).sum(axis=0))
    assert np.all(np.abs(clearing.traded.sum(axis=0)) <= scale)
    money = 1.0 + abs(sell) + spread + fee
    assert np.all(np.abs(clearing.payments.sum(axis=0) - clearing.fees) <= scale * money)
    assert np.all(clearing.fees >= 0.0)


@given(position=POSITIONS, prices=PRICES, fee=FEES)
def test_everyone_trades_its_own_position_at_most(position, prices, fee):
    sell, spread = prices
    traded = clear_market(position, sell + spread, sell, fee).traded
    assert np.all(traded * position >= 0.0)
    assert np.all(np.abs(traded) <= np.abs(position))


@given(position=POSITIONS, prices=PRICES, fee=FEES)
def test_nobody_is_worse_off_than_with_the_grid_alone(position, prices, fee):
    sell, spread = prices
    buy = sell + spread
    clearing = clear_market(position, buy, sell, fee)
    alone = grid_cost(position, buy, sell)
    together = clearing.payments + grid_cost(position - clearing.traded, buy, sell)
    rounding = 1e-12 * (1.0 + np.abs(position)) * (1.0 + abs(sell) + spread + fee)
    assert np.all(together <= alone + rounding)
    gain = 0.5 * (buy - sell) - fee
    if gain > 0.0:
        np.testing.assert_allclose(alone - together, gain * np.abs(clearing.traded), atol=1e-8)
    else:
        assert not clearing.traded.any()


@given(
    position=npst.arrays(np.float64, (4, 3), elements=st.floats(-100.0, 100.0)),
    buy=npst.arrays(np.float64, 3, elements=st.floats(50.0, 90.0)),
    sell=npst.arrays(np.float64, 3, elements=st.floats(10.0, 50.0)),
    fee=FEES,
)
def test_lanes_are_markets_of_their_own(position, buy, sell, fee):
    lanes = clear_market(position, buy, sell, fee)
    for k in range(3):
        alone = clear_market(position[:, k].copy(), buy[k], sell[k], fee)
        for of_lanes, of_one in zip(lanes, alone, strict=True):
            assert of_lanes[..., k].tolist() == of_one.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 60.0, 40.0, 0.0), "one number, expected one for each agent"),
        (([1.0, np.nan], 60.0, 40.0, 0.0), "expected finite values"),
        (([1.0], np.inf, 40.0, 0.0), "buy_price is inf; expected finite values"),
        (([1.0], 40.0, 60.0, 0.0), "the grid pays 60.0"),
        (([1.0], 60.0, 40.0, -1.0), "fee is -1.0"),
        (([1.0], [60.0, 61.0], 40.0, 0.0), r"buy_price has shape \(2,\), expected \(\) or \(\)"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        clear_market(*arguments)


# --- the protocol ----------------------------------------------------------------------------


def test_the_protocol_tells_each_agent_its_trade():
    protocol = PeerToPeerTradingProtocol(trading_fee=1.0, buy_price=80.0, sell_price=40.0)
    agents = {"MG1": object(), "MG2": object(), "MG3": object()}
    trades = protocol.coordinate([4.0, -1.0, -1.0], agents)
    assert trades == {
        "MG1": {"energy_MWh": 2.0, "price": 60.0, "payment": -118.0},
        "MG2": {"energy_MWh": -1.0, "price": 60.0, "payment": 61.0},
        "MG3": {"energy_MWh": -1.0, "price": 60.0, "payment": 61.0},
    }
    assert protocol.clearing is not None
    assert float(protocol.clearing.fees) == 4.0
    by_name = {"MG3": -1.0, "MG1": 4.0, "MG2": -1.0}
    assert protocol.coordinate(by_name, agents) == trades


def test_the_grids_prices_may_change():
    protocol = PeerToPeerTradingProtocol()
    assert protocol.trading_fee == 0.01
    protocol.buy_price, protocol.sell_price = 100.0, 20.0
    assert protocol.coordinate([1.0, -1.0], dict.fromkeys("ab"))["a"]["price"] == 60.0


def test_it_is_made_by_name():
    protocol = get_protocol("p2p", trading_fee=2.0)
    assert isinstance(protocol, PeerToPeerTradingProtocol)
    assert isinstance(protocol, HorizontalProtocol)
    assert protocol.trading_fee == 2.0


def test_who_is_unknown_or_missing_is_named():
    protocol, agents = PeerToPeerTradingProtocol(), dict.fromkeys(["MG1", "MG2"])
    with pytest.raises(ConfigError, match="did you mean 'MG2'"):
        protocol.coordinate({"MG1": 1.0, "MG22": 1.0}, agents)
    with pytest.raises(ConfigError, match="nothing comes from MG2"):
        protocol.coordinate({"MG1": 1.0}, agents)
    with pytest.raises(ValueError, match="one entry for each of MG1, MG2"):
        protocol.coordinate([1.0, 2.0, 3.0], agents)
    with pytest.raises(ValueError, match=r"shape \(2, 1\), expected \(2,\)"):
        protocol.coordinate([[1.0], [2.0]], agents)
    with pytest.raises(ConfigError, match="trading_fee is -1"):
        PeerToPeerTradingProtocol(-1.0)
