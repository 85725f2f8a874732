"""Observations: one gather from the feature table."""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = ["observe", "observe_scaled"]

Array = Any

BLOCK = 32  # lanes whose values of one slot lie in two cache lines


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
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        for agent in range(slot.shape[0]):
            for i in range(length[agent]):
                s = slot[agent, i]
                for lane in lanes(start, stop):
                    out[lane, agent, i] = x[s, lane]


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
            for i in range(length[agent]):
                s, o, f = slot[agent, i], offset[agent, i], scale[agent, i]
                for lane in lanes(start, stop):
                    out[lane, agent, i] = (x[s, lane] - o) / f
