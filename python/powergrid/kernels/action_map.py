"""From flat actions in [-1, 1] to the devices' own units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = ["to_device_units"]

BLOCK = 64  # lanes whose actions stay in the cache while every row is taken from them


@kernel
def to_device_units(
    flat: NDArray[np.floating],
    index_agent: I32,
    index_entry: I32,
    low: F64,
    high: F64,
    n_option: I32,
    out: F64,
    first: int,
    last: int,
) -> None:
    """Map flat actions as `powergrid.agents.action_layout.ActionLayout.to_device_units` does.

    Parameters
    ----------
    flat : ndarray, float64 or float32, (n_lane, n_agent, n_entry)
        Actions of all agents; what is outside [-1, 1] is clipped.
    index_agent, index_entry : ndarray, int32, (n_row,)
        Whose entry each row of `out` is, and which.
    low, high : ndarray, (n_row,)
        Range of a continuous entry, in the device's units.
    n_option : ndarray, int32, (n_row,)
        0, or into how many equal bins [-1, 1] is cut: the choices ``low, low + 1, ...``.
    out : ndarray, (n_row, n_lane)
        Written in lanes `first` to `last`.
    """
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for row in range(out.shape[0]):
            agent, entry = index_agent[row], index_entry[row]
            lowest, span, n = low[row], high[row] - low[row], float(n_option[row])
            if n > 0.0:
                for lane in lanes(start, stop):
                    share = share_of(flat[lane, agent, entry])
                    out[row, lane] = lowest + min(np.floor(share * n), n - 1.0)
            else:
                for lane in lanes(start, stop):
                    out[row, lane] = lowest + share_of(flat[lane, agent, entry]) * span


@kernel
def share_of(value: float) -> float:
    """Map [-1, 1] to [0, 1], clipped, in double precision."""
    return (min(max(float(value), -1.0), 1.0) + 1.0) / 2.0
