"""What all stages of the engine share: who takes part, and the feature table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heron.core.feature_table import FeatureTable
from powergrid.engine.lane_arrays import lane_array, whole_rows
from powergrid.engine.members import members_of
from powergrid.engine.rules import Rules
from powergrid.kernels.lanes import count

if TYPE_CHECKING:
    from powergrid.agents.power_grid_agent import PowerGridAgent

__all__ = ["Scene"]


class Scene:
    """Agents, their devices, and every feature of them in every lane.

    Attributes
    ----------
    agents : list[PowerGridAgent]
        In the environment's order.
    members : list[Member]
        All devices, in the agents' and their own order.
    x : ndarray, (n_slot, n_lane)
        The feature table, whole rows.
    initial : ndarray, (n_slot,)
        What features are at the start of an episode.
    step_number : ndarray of int64, (n_lane,)
        Steps since the start of each lane's episode.
    now_s : ndarray, (n_lane,)
        Start of each lane's present interval, since that of its episode [s]; where commands come
        by time.
    """

    def __init__(
        self,
        agents: Sequence[PowerGridAgent],
        table: FeatureTable,
        n_lane: int,
        rules: Rules,
        initial: NDArray[np.float64] | None,
    ) -> None:
        self.agents = list(agents)
        self.members = members_of(agents)
        self.table, self.n_lane, self.rules = table, n_lane, rules
        if initial is None:
            self.x = whole_rows(table.values)
            initial = self.x[:, 0]
        else:
            self.x = lane_array(len(table), n_lane=n_lane)
        self.initial = initial.copy()
        self.step_number = np.zeros(n_lane, np.int64)
        self.now_s = np.zeros(n_lane)
        self._slot = {name: k for k, name in enumerate(table.slot_names)}

    def slot(self, name: str) -> int:
        """Return the slot of a name such as "MG1/ess1.storage.soc"."""
        return self._slot[name]

    def slots(self, owner: str, feature: str) -> slice:
        """Return the slots of a whole block."""
        return self.table.slots(owner, feature)

    def count_step(self, first: int, last: int) -> None:
        """Go on to the next interval."""
        count(self.step_number, first, last)

    def reset(self, first: int, last: int) -> None:
        """Return the features to their start."""
        self.x[:, first:last] = self.initial[:, np.newaxis]
        self.step_number[first:last] = 0
        self.now_s[first:last] = 0.0
