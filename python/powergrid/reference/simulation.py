"""An environment's interval agent by agent, device by device: the twin of the engine.

It calls the hooks that every device has (`set_device_action`, `update_state`,
`update_cost_safety`), so what it does is what the classes say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent
    from powergrid.envs.distribution_grid import DistributionGrid
    from powergrid.powerflow.lane import FlowLane

__all__ = ["ReferenceSimulation"]


class ReferenceSimulation:
    """One lane, stepped by the agents themselves.

    Parameters
    ----------
    agents : mapping of str to PowerGridAgent
        In the environment's order; each has the series of its episode.
    distribution : DistributionGrid
        What belongs to no agent.
    flow : FlowLane
        Of the whole network.
    dt_h : float
        Length of a step [h].
    """

    def __init__(
        self,
        agents: Mapping[str, PowerGridAgent],
        distribution: DistributionGrid,
        flow: FlowLane,
        dt_h: float,
    ) -> None:
        self._agents = dict(agents)
        self._distribution = distribution
        self._flow = flow
        self._dt_h = dt_h

    def begin_episode(self, day: int, noise_seed: int | None) -> bool:
        """Solve the first power flow with idle devices; return whether that converged."""
        flow = self._flow
        for agent in self._agents.values():
            agent.reset()
        self.begin_interval(0)
        for agent in self._agents.values():
            agent.apply_action(agent.idle_action())
            agent.write_setpoints(flow, 0)
        self._distribution.write_setpoints(flow, 0)
        if not self._distribution.solve(flow):
            return False
        for agent in self._agents.values():
            agent.read_results(flow, 0.0)
        return True

    def run_interval(self, k: int, actions: Mapping[str, np.ndarray]) -> bool:
        """Live through interval `k`; return whether the power flow converged."""
        flow, agents = self._flow, self._agents
        for name, agent in agents.items():
            agent.apply_action(actions[name])
        for agent in agents.values():
            agent.write_setpoints(flow, k)
        self._distribution.write_setpoints(flow, k)
        converged = self._distribution.solve(flow)
        shared = self._distribution.safety(flow) / len(agents)
        for agent in agents.values():
            agent.read_results(flow, self._dt_h)
            agent.book(flow.result, self._dt_h)
            agent.add_safety("distribution", shared)
        return converged

    def begin_interval(self, k: int) -> None:
        """Set prices, clock, forecasts and available power of interval `k`."""
        for agent in self._agents.values():
            agent.begin_interval(k, self._dt_h)

    def observations(self) -> dict[str, np.ndarray]:
        """Return every agent's present observation."""
        return {name: agent.get_observation() for name, agent in self._agents.items()}
