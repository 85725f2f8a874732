"""Protocols among agents of one level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heron.errors import ConfigError, nearest
from heron.protocols.base import Protocol
from heron.protocols.consensus import Agreement, complete_graph, reach_consensus, ring_graph
from heron.protocols.market import Clearing, clear_market

__all__ = ["ConsensusProtocol", "HorizontalProtocol", "PeerToPeerTradingProtocol"]

_GRAPHS = {"complete": complete_graph, "ring": ring_graph}


class HorizontalProtocol(Protocol):
    """Base of the protocols in which agents come to terms with each other.

    `coordinate` takes what each of them brings along, and returns what they agreed on.
    """

    @staticmethod
    def contributions(action: Any, devices: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return what each agent brings along, in the agents' order, float64, (n_agent, ...).

        Parameters
        ----------
        action
            {agent: value}, or an array with one entry for each agent.
        devices
            The agents by id.

        Raises
        ------
        ValueError
            If an agent is missing or unknown, or the length is wrong.
        """
        if isinstance(action, Mapping):
            for agent_id in action:
                if agent_id not in devices:
                    raise ConfigError(nearest(agent_id, devices, kind="agent"))
            missing = [agent_id for agent_id in devices if agent_id not in action]
            if missing:
                raise ConfigError(f"nothing comes from {', '.join(missing)}; expected a value each")
            action = [action[agent_id] for agent_id in devices]
        values = np.asarray(action, dtype=np.float64)
        if values.shape[:1] != (len(devices),):
            raise ValueError(
                f"the action has shape {values.shape}, expected ({len(devices)}, ...): one entry "
                f"for each of {', '.join(devices)}"
            )
        return values


class PeerToPeerTradingProtocol(HorizontalProtocol):
    """Let agents trade surplus for deficit among themselves before they turn to the grid.

    See `heron.protocols.market.clear_market`, which also serves many markets at once.

    Parameters
    ----------
    trading_fee
        What seller and buyer pay each [$/MWh].
    buy_price, sell_price
        The grid's prices at first [$/MWh]; later ones are set as attributes.

    Attributes
    ----------
    clearing
        The last `Clearing`, None before the first.

    Examples
    --------
    >>> protocol = PeerToPeerTradingProtocol(trading_fee=1.0, buy_price=60.0, sell_price=40.0)
    >>> trades = protocol.coordinate({"MG1": 3.0, "MG2": -2.0}, {"MG1": None, "MG2": None})
    >>> trades["MG2"]
    {'energy_MWh': -2.0, 'price': 50.0, 'payment': 102.0}
    """

    def __init__(
        self, trading_fee: float = 0.01, *, buy_price: float = 60.0, sell_price: float = 40.0
    ) -> None:
        if not 0.0 <= trading_fee < np.inf:
            raise ConfigError(f"trading_fee is {trading_fee}, expected $/MWh, at least 0")
        self.trading_fee = float(trading_fee)
        self.buy_price = buy_price
        self.sell_price = sell_price
        self.clearing: Clearing | None = None

    def coordinate(self, action: Any, devices: Mapping[str, Any]) -> dict[str, Any]:
        """Clear the market and return each agent's trade.

        Parameters
        ----------
        action
            Energy that each agent has to sell, negative for what it needs [MWh]; see
            `contributions`.
        devices
            The agents by id.

        Returns
        -------
        dict
            {agent: {"energy_MWh": sold, negative for bought, "price": $/MWh before fees, "payment":
            $ to pay, negative to get}}. The rest of its position is the grid's.
        """
        position = self.contributions(action, devices)
        if position.ndim != 1:
            raise ValueError(f"the action has shape {position.shape}, expected ({len(devices)},)")
        clearing = clear_market(position, self.buy_price, self.sell_price, self.trading_fee)
        self.clearing = clearing
        return {
            agent_id: {
                "energy_MWh": float(clearing.traded[i]),
                "price": float(clearing.price),
                "payment": float(clearing.payments[i]),
            }
            for i, agent_id in enumerate(devices)
        }


class ConsensusProtocol(HorizontalProtocol):
    """Let agents agree on the mean of what they propose, by talking to their neighbours.

    See `heron.protocols.consensus.reach_consensus`, which also serves many agreements at once.

    Parameters
    ----------
    max_iterations
        Most exchanges of one agreement.
    tolerance
        Difference between proposals that still counts as agreement.
    graph
        Who talks to whom: "complete" (all with all: one exchange is enough unless messages are
        lost), "ring" (each with two, as along a bus), or a symmetric bool array.

    Attributes
    ----------
    agreement
        The last `Agreement`, None before the first.

    Examples
    --------
    >>> agents = dict.fromkeys(["MG1", "MG2", "MG3"])
    >>> ConsensusProtocol().coordinate({"MG1": 48.0, "MG2": 50.0, "MG3": 55.0}, agents)
    {'MG1': 51.0, 'MG2': 51.0, 'MG3': 51.0}
    """

    def __init__(
        self,
        max_iterations: int = 10,
        tolerance: float = 0.01,
        *,
        graph: str | ArrayLike = "complete",
    ) -> None:
        if max_iterations < 0 or not tolerance >= 0.0:
            raise ConfigError(
                f"max_iterations is {max_iterations} and tolerance {tolerance}; expected none "
                f"below 0"
            )
        if isinstance(graph, str) and graph not in _GRAPHS:
            raise ConfigError(nearest(graph, _GRAPHS, kind="graph"))
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.graph = graph
        self.agreement: Agreement | None = None

    def coordinate(
        self, action: Any, devices: Mapping[str, Any], *, lost: ArrayLike | None = None
    ) -> dict[str, Any]:
        """Return the value at which each agent arrives.

        Parameters
        ----------
        action
            What each agent proposes, a number or an array; see `contributions`.
        devices
            The agents by id.
        lost
            Messages that do not arrive; see `reach_consensus`.
        """
        if not devices:
            return {}
        graph = _GRAPHS[self.graph](len(devices)) if isinstance(self.graph, str) else self.graph
        self.agreement = reach_consensus(
            self.contributions(action, devices),
            graph,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            lost=lost,
        )
        values = self.agreement.values
        return {
            agent_id: float(values[i]) if values.ndim == 1 else values[i].copy()
            for i, agent_id in enumerate(devices)
        }
