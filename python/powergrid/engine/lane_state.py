"""Taking lanes out of an engine and putting them back, here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powergrid.engine.engine import Engine

__all__ = ["LaneState", "load_lanes", "save_lanes"]


@dataclass(frozen=True)
class LaneState:
    """Everything that some lanes are: what they hold, where they stand, what they draw next.

    It can be pickled. `n_lane` lanes, in the order in which they were asked for.

    Attributes
    ----------
    arrays : list of ndarray
        The lanes' columns of each of the engine's arrays, (..., n_lane).
    objects : list
        By lane, what devices that run by Python hooks keep outside the arrays.
    parts : dict
        Cost by agent and cause, (n_lane,) each.
    """

    arrays: list[NDArray[Any]]
    objects: list[Any]
    parts: dict[tuple[int, str], NDArray[np.float64]]

    @property
    def n_lane(self) -> int:
        """Number of lanes."""
        return int(self.arrays[0].shape[-1])


def save_lanes(engine: Engine, lanes: Sequence[int]) -> LaneState:
    """Return the state of some lanes."""
    at = np.asarray(lanes, dtype=np.intp)
    hooked = engine.devices.hooked
    return LaneState(
        [array[..., at] for array in engine.lane_arrays],
        [] if hooked is None else [hooked.save(int(lane)) for lane in at],
        engine.books.parts_of(at),
    )


def load_lanes(engine: Engine, state: LaneState, lanes: Sequence[int]) -> None:
    """Put saved lanes into an engine of the same environment.

    `lanes` says which lane each of them becomes. One saved lane may become many.
    """
    at = np.asarray(lanes, dtype=np.intp)
    of_saved = np.zeros(len(at), np.intp) if state.n_lane == 1 else np.arange(len(at))
    for array, saved in zip(engine.lane_arrays, state.arrays, strict=True):
        array[..., at] = saved[..., of_saved]
    engine.parameters.is_plain = False
    if engine.disturbances is not None:
        engine.disturbances.find(at)
    parts = {name: values[of_saved] for name, values in state.parts.items()}
    engine.books.set_parts(at, parts)
    if engine.devices.hooked is not None:
        for k, lane in zip(of_saved, at, strict=True):
            engine.devices.hooked.load(int(lane), state.objects[k])
