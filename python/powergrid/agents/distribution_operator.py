"""The operator of the distribution grid: the system agent above the microgrids' coordinators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from heron.agents.base import Agent
from heron.agents.system_agent import SystemAgent
from heron.core.policies import Policy
from heron.errors import ConfigError
from heron.protocols.base import NoProtocol, Protocol
from heron.protocols.horizontal import ConsensusProtocol, PeerToPeerTradingProtocol
from heron.protocols.vertical import PriceSignalProtocol, SetpointProtocol
from powergrid.agents.protocol_config import (
    BetweenMicrogrids,
    ConsensusConfig,
    DirectionConfig,
    MarketConfig,
    TariffConfig,
)

if TYPE_CHECKING:
    from heron.agents.proxy_agent import ProxyAgent
    from heron.scheduling.agents_of_scheduler import AgentsOfScheduler

__all__ = ["DistributionOperator"]


class DistributionOperator(SystemAgent):
    """Who runs the protocol between the microgrids; the environment carries it out.

    Where the protocol is "price_signal" or "setpoint", its `policy`, if it is given one, is asked
    once for each interval. It sees the features of the coordinators that are public or meant for
    levels above. In a run by events directions are given at its ticks, by messages.

    Parameters
    ----------
    agent_id
        Name of the distribution grid.
    config
        The protocol.
    policy
        Decides prices or set-points.
    """

    def __init__(
        self, agent_id: str, config: BetweenMicrogrids, policy: Policy | None = None
    ) -> None:
        super().__init__(agent_id, policy=policy, protocol=_protocol_of(config))
        self.protocol_config = config

    @property
    def says_prices(self) -> bool:
        """Whether its policy adds to the market price."""
        return self.policy is not None and isinstance(self.protocol_config, TariffConfig)

    @property
    def gives_directions(self) -> bool:
        """Whether its policy decides what microgrids do."""
        return self.policy is not None and isinstance(self.protocol_config, DirectionConfig)

    def price(self) -> float:
        """Return what the policy adds to the market price of the coming interval [$/MWh].

        Raises
        ------
        ValueError
            If the policy does not say one finite number.
        """
        assert self.policy is not None
        said = self.policy.forward(self.observe())
        flat = np.atleast_1d(np.asarray(said, dtype=np.float64))
        if flat.shape != (1,) or not np.isfinite(flat[0]):
            raise ValueError(
                f"the policy of {self.agent_id} said {said!r}; expected a price, one finite number"
            )
        self.action = float(flat[0])
        if isinstance(self.protocol, PriceSignalProtocol):
            self.protocol.price = self.action
        return float(flat[0])

    def directions(self) -> dict[str, Any]:
        """Return the actions, by name, of those coordinators that the policy decides for.

        Raises
        ------
        ValueError
            If the policy does not return a mapping.
        """
        assert self.policy is not None
        said = self.policy.forward(self.observe())
        if not isinstance(said, Mapping):
            raise ValueError(
                f"the policy of {self.agent_id} said {said!r}; expected {{agent: action}}"
            )
        self.action = dict(said)
        return dict(said)

    def reset(self, seed: int | None = None) -> None:
        """Begin an episode; the coordinators are reset by the environment."""
        Agent.reset(self, seed)
        self.action = None
        self._told.clear()

    def tick(
        self,
        scheduler: AgentsOfScheduler,
        current_time: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> None:
        """Send directions, if that is the protocol; prices are in force interval by interval.

        Raises
        ------
        ConfigError
            If a coordinator waits for directions that will never come.
        """
        if self.gives_directions:
            super().tick(scheduler, current_time, global_state, proxy)
            return
        self.current_time = current_time
        for agent in self.subordinate_agents.values():
            if agent.policy is None and not isinstance(agent.protocol, NoProtocol):
                raise ConfigError(
                    f"agent {agent.agent_id!r} has neither a policy nor somebody who decides for "
                    f"it: {self.agent_id} gives no directions"
                )


def _protocol_of(config: BetweenMicrogrids) -> Protocol:
    if isinstance(config, MarketConfig):
        return PeerToPeerTradingProtocol(config.trading_fee)
    if isinstance(config, ConsensusConfig):
        return ConsensusProtocol(config.max_iterations, config.tolerance, graph=config.graph)
    if isinstance(config, TariffConfig):
        return PriceSignalProtocol(config.markup)
    return SetpointProtocol() if isinstance(config, DirectionConfig) else NoProtocol()
