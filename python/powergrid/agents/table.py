"""The flat table that holds every feature of a set of agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heron.core.feature import FeatureBlock
from heron.reference.feature_table import FeatureTable

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["build_table"]


@dataclass
class Constants(FeatureBlock):
    """What fills entries of an observation that an agent does not have."""

    zero: float = 0.0
    one: float = 1.0


def build_table(agents: Sequence[PowerGridAgent]) -> FeatureTable:
    """Move the features of agents and their devices into one table.

    Slots are named ``"MG1.market.price"`` and ``"MG1/ess1.storage.soc"``; two more hold the
    constants 0 and 1.
    """
    table = FeatureTable()
    table.add_block("env", "constants", Constants())
    for agent in agents:
        for name, block in agent.state.features.items():
            table.add_block(agent.agent_id, name, block)
        for device_id, device in agent.devices.items():
            for name, block in device.state.features.items():
                table.add_block(f"{agent.agent_id}/{device_id}", name, block)
    table.freeze()
    return table
