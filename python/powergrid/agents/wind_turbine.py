"""A wind turbine as a user would write it: a plain subclass, no declaration beyond the hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from powergrid.agents.device_agent import DeviceAgent
from powergrid.core.features.electrical import ElectricalBasePh

__all__ = ["WindTurbine", "WindTurbineConfig"]

LOST_ENERGY_VALUE = 5.0  # what a curtailed MWh is booked at [$/MWh]


@dataclass
class WindTurbineConfig:
    """Where the turbine stands and how large it is."""

    bus: str
    p_rated_MW: float = 2.0


class WindTurbine(DeviceAgent):
    """Wind turbine whose output the agent may curtail; curtailed energy has a price.

    The action is the share of the available power that is injected, in [0, 1]. The environment sets
    `available_power` [MW] from the wind profile before it applies the action.
    """

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = WindTurbineConfig(**device_state_config)
        self.state.add_feature("electrical", ElectricalBasePh())
        self.available_power = 0.0

    def get_action_space(self) -> Box:
        """Return the injected share."""
        return Box(low=0.0, high=1.0, shape=(1,), dtype=np.float32)

    def idle_action(self) -> np.ndarray:
        """Return: no curtailment."""
        return np.ones(1)

    def set_device_action(self, action: np.ndarray) -> None:
        """Inject a share of what the wind gives."""
        share = min(max(float(action[0]), 0.0), 1.0)
        self.state.electrical.p_MW = self.available_power * share

    def update_cost_safety(self) -> None:
        """Book the value of the energy that was not taken."""
        curtailed = self.available_power - self.state.electrical.p_MW
        self.cost = LOST_ENERGY_VALUE * curtailed
        self.safety = 0.0
