"""From flat actions in [-1, 1] to the devices' own units."""

from __future__ import annotations

import math
from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["to_device_units"]

Array = Any


@kernel
def to_device_units(
    flat: Array,
    agent: Array,
    entry: Array,
    low: Array,
    high: Array,
    n_option: Array,
    row: Array,
    units: Array,
    first: int,
    last: int,
) -> None:
    """Map flat actions to ranges and choices, as `ActionLayout.to_device_units` does.

    Parameters
    ----------
    flat : (n_lane, n_agent, n_entry)
        Actions of all agents; values outside [-1, 1] are clipped.
    agent, entry : int32, (n,)
        Which entry of whose action each row comes from.
    low, high, n_option : (n,)
        A range from `low` to `high`, or, where `n_option` is not 0, so many equal bins from -1 to
        1 that stand for the numbers from `low` on.
    row : int32, (n,)
        Where it goes in `units`.
    units : (n_row, n_lane)
        Written.
    """
    for i in range(row.shape[0]):
        a, e, to = agent[i], entry[i], row[i]
        start, span, n = low[i], high[i] - low[i], n_option[i]
        if n > 0.0:
            for lane in lanes(first, last):
                share = (min(max(flat[lane, a, e], -1.0), 1.0) + 1.0) / 2.0
                units[to, lane] = start + min(math.floor(share * n), n - 1.0)
        else:
            for lane in lanes(first, last):
                share = (min(max(flat[lane, a, e], -1.0), 1.0) + 1.0) / 2.0
                units[to, lane] = start + share * span
