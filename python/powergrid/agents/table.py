"""The flat table that holds every feature of a set of agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from heron.core.feature import FeatureBlock
from heron.core.feature_table import Backend, FeatureTable

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["build_table"]


@dataclass
class Constants(FeatureBlock):
    """What fills entries of an observation that an agent does not have."""

    visibility: ClassVar[list[str]] = ["public"]
    zero: float = 0.0
    one: float = 1.0


def build_table(
    agents: Sequence[PowerGridAgent],
    backend: Backend = "native",
    n_lane: int = 1,
    n_history: int = 0,
) -> FeatureTable:
    """Move the features of agents and their devices into one table.

    Slots are named ``"MG1.market.price"`` and ``"MG1/ess1.storage.soc"``; two more hold the
    constants 0 and 1. The table keeps the last `n_history` snapshots of each lane.
    """
    table = FeatureTable(n_lane, n_history, backend)
    table.add_block("env", "constants", Constants())
    for agent in agents:
        agent.state.bind(table)
        for device_id, device in agent.devices.items():
            device.state.bind(table, f"{agent.agent_id}/{device_id}")
    table.freeze()
    return table
