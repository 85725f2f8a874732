"""Agents that agree on a plan before they act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from heron.protocols.consensus import complete_graph, reach_consensus, ring_graph
from powergrid.agents.action_layout import kind_slots
from powergrid.agents.protocol_config import ConsensusConfig

if TYPE_CHECKING:
    from powergrid.agents.grid_agent import GridAgent

__all__ = ["CommonPlan"]


class CommonPlan:
    """The entries that the flat actions of all agents have, and how they are agreed on.

    What agents propose for an entry, in [-1, 1], becomes what they agree on; entries that some
    agent lacks stay as proposed. Entries are those of the same slot, such as "ESS0.p": the first
    battery of each.

    Raises
    ------
    ConfigError
        If there is no such entry.
    """

    def __init__(self, agents: Sequence[GridAgent], config: ConsensusConfig) -> None:
        self._config = config
        make = {"complete": complete_graph, "ring": ring_graph}[config.graph]
        self._graph = make(len(agents))
        entries = []
        for agent in agents:
            slots = kind_slots(agent.action_parts)
            entries.append(
                {f"{slots[d]}.{dim.name}": k for d, _, k, dim in agent.action_layout.entries()}
            )
        self.names = [name for name in entries[0] if all(name in each for each in entries)]
        if not self.names:
            have = "; ".join(
                f"{agent.agent_id} has {', '.join(each)}"
                for agent, each in zip(agents, entries, strict=True)
            )
            raise ConfigError(
                f"protocol is consensus, but no entry of the action is one that all agents have: "
                f"{have}"
            )
        self._entry = [np.array([each[name] for name in self.names], np.intp) for each in entries]

    def agree(self, actions: Sequence[NDArray[np.float64]]) -> None:
        """Change what agents are about to do; an array (..., n_entry) for each, written in place.

        Further axes are agreements side by side, such as lanes.
        """
        proposals = np.stack(
            [
                np.clip(action[..., entry], -1.0, 1.0)
                for action, entry in zip(actions, self._entry, strict=True)
            ]
        )
        config = self._config
        agreed = reach_consensus(
            proposals,
            self._graph,
            max_iterations=config.max_iterations,
            tolerance=config.tolerance,
        ).values
        for action, entry, values in zip(actions, self._entry, agreed, strict=True):
            action[..., entry] = values
