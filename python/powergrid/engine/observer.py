"""What agents see: one gather from the feature table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powergrid.agents.observation_layout import ObservationLayout
from powergrid.engine.scene import Scene
from powergrid.kernels.observe import observe, observe_scaled

__all__ = ["Observer"]


class Observer:
    """The observations of all agents in all lanes.

    Attributes
    ----------
    observations : ndarray of float32, (n_lane, n_agent, n_obs)
        Those of an agent who sees less end early.
    length : ndarray of int32, (n_agent,)
        Entries of each agent.
    offset, scale : ndarray, (n_agent, n_obs)
        An entry is ``(value - offset) / scale``; `is_scaled` says whether any differs from value.
    """

    def __init__(self, scene: Scene, layouts: Sequence[ObservationLayout]) -> None:
        self._x = scene.x
        self.length = np.array([len(layout.slots) for layout in layouts], np.int32)
        shape = (len(layouts), int(self.length.max(initial=0)))
        self._slot, self.offset = np.zeros(shape, np.int32), np.zeros(shape)
        self.scale = np.ones(shape)
        for k, layout in enumerate(layouts):
            n = len(layout.slots)
            self._slot[k, :n] = layout.slots
            self.offset[k, :n], self.scale[k, :n] = layout.offset, layout.scale
        self.is_scaled = bool(self.offset.any() or (self.scale != 1.0).any())
        self.observations = np.zeros((scene.n_lane, *shape), np.float32)

    def observe(self, first: int, last: int) -> None:
        """Gather the observations of lanes `first` to `last`."""
        if self.is_scaled:
            observe_scaled(
                self._x, self._slot, self.length, self.offset, self.scale, self.observations,
                first, last,
            )  # fmt: skip
        else:
            observe(self._x, self._slot, self.length, self.observations, first, last)
