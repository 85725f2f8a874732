"""Decisions of many lanes: who makes them, and what they see."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.kernels.jit import F64, I32, kernel

__all__ = ["put_rows", "scale_rows", "take_down"]

Array = Any


@kernel
def take_down(
    lane: I32,
    decider: I32,
    time_s: F64,
    as_of_s: F64,
    agent_of: I32,
    update_s: F64,
    agent: I32,
    acting: Array,
    act_s: F64,
    age_s: F64,
) -> bool:
    """Write down who decides when, by what of which age; return whether it is all, in order.

    Parameters
    ----------
    lane, decider, time_s, as_of_s : (n,)
        As `ControlLoop.next_due` returns them [s].
    agent_of : (n_loop_agent,)
        The environment's number of a decider.
    update_s : (n_update,)
        Times of updates [s], ascending; the last one is not before any `time_s`.
    agent : (n,)
        Written: the environment's numbers.
    acting, act_s, age_s : (n_lane, n_agent)
        Written for those: True; when; and how old the newest update is that is not younger than
        `as_of_s`, infinite if there is none.
    """
    n_agent = acting.shape[1]
    is_all = lane.shape[0] == acting.size
    step_s = update_s[1] - update_s[0]
    for i in range(lane.shape[0]):
        k, a = lane[i], agent_of[decider[i]]
        agent[i] = a
        acting[k, a] = True
        act_s[k, a] = time_s[i]
        # Times of updates carry rounding, so the quotient may be one off.
        known = max(min(int(as_of_s[i] / step_s), update_s.shape[0] - 1), 0)
        while known + 1 < update_s.shape[0] and update_s[known + 1] <= as_of_s[i]:
            known += 1
        while known >= 0 and update_s[known] > as_of_s[i]:
            known -= 1
        age_s[k, a] = time_s[i] - update_s[known] if known >= 0 else np.inf
        is_all = is_all and k * n_agent + a == i
    return bool(is_all)


@kernel
def put_rows(rows: Array, lane: I32, agent: I32, out: Array) -> None:
    """Write row i to ``out[lane[i], agent[i]]``."""
    for i in range(lane.shape[0]):
        for j in range(rows.shape[1]):
            out[lane[i], agent[i], j] = rows[i, j]


@kernel
def scale_rows(
    rows: Array, is_stale: Array, lane: I32, agent: I32, offset: F64, scale: F64, out: Array
) -> None:
    """Write ``(rows[i] - offset) / scale`` to ``out[lane[i], agent[i]]``; 0 where nothing is known.

    Parameters
    ----------
    offset, scale : (n_agent, n_obs)
    """
    for i in range(lane.shape[0]):
        k, a = lane[i], agent[i]
        for j in range(rows.shape[1]):
            out[k, a, j] = 0.0 if is_stale[i] else (rows[i, j] - offset[a, j]) / scale[a, j]
