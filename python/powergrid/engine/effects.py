"""Commands that come into force while an interval lasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Effects"]

Index = NDArray[np.int32]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """Commands that come into force during an interval, in order of lane and then of time.

    Attributes
    ----------
    lane, device : ndarray of int32, (n_effect,)
        Devices are numbered as in `Scene.members`.
    time_s : ndarray, (n_effect,)
        Since the start of the lane's episode [s]; from the interval's start to before its end.
    command : ndarray, (n_effect, n_action)
        Actions in the device's own units; shorter ones end early.
    """

    lane: Index
    device: Index
    time_s: Array
    command: Array
