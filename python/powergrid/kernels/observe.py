"""Observations: one gather from the feature table."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.kernels.jit import kernel, lanes

__all__ = ["observe", "observe_scaled"]

Array = Any

BLOCK = 8  # lanes whose values of a slot lie in one cache line


@kernel
def observe(x: Array, slot: Array, length: Array, out: Array, first: int, last: int) -> None:
    """Fill ``out[lane, agent, i]`` with ``x[slot[agent, i], lane]``.

    Parameters
    ----------
    x : float64, (n_slot, n_lane)
        The feature table.
    slot : int32, (n_agent, n_entry)
        Which slots each agent observes; entries from ``length[agent]`` on are left alone.
    length : int32, (n_agent,)
        Entries of each agent.
    out : float32, (n_lane, n_agent, n_entry)
        Written in lanes `first` to `last`.
    """
    whole = last - (last - first) % BLOCK
    for start in range(first, whole, BLOCK):
        for agent in range(slot.shape[0]):
            for i in range(np.uint64(length[agent])):
                row = np.uint64(slot[agent, i])
                for k in range(np.uint64(BLOCK)):
                    out[np.uint64(start) + k, agent, i] = x[row, np.uint64(start) + k]
    for lane in lanes(whole, last):
        for agent in range(slot.shape[0]):
            for i in range(np.uint64(length[agent])):
                out[lane, agent, i] = x[np.uint64(slot[agent, i]), lane]


@kernel
def observe_scaled(
    x: Array,
    slot: Array,
    length: Array,
    offset: Array,
    scale: Array,
    out: Array,
    first: int,
    last: int,
) -> None:
    """Fill `out` with ``(x - offset) / scale``; `offset` and `scale` are as `slot`, float64."""
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for agent in range(slot.shape[0]):
            n = np.uint64(length[agent])
            for lane in lanes(start, stop):
                for i in range(n):
                    value = x[np.uint64(slot[agent, i]), lane] - offset[agent, i]
                    out[lane, agent, i] = value / scale[agent, i]
