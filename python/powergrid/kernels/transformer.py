"""Kernels of `powergrid.agents.transformer.Transformer`."""

from __future__ import annotations

import numpy as np

from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import F64, I32, kernel, lanes
from powergrid.kernels.scalar import loading_over_pct

__all__ = ["KERNELS"]

FIELDS = ("electrical.p_MW", "electrical.q_MVAr", "tap.tap", "tap.loading_pct")
ACTIVE, REACTIVE, TAP, LOADING = range(4)

PARAMETERS = ("tap_min", "tap_max", "tap_init", "tap_change_cost")
TAP_MIN, TAP_MAX, TAP_INIT, TAP_CHANGE_COST = range(4)


@kernel
def start(x: F64, slot: I32, p: F64, m: F64, starting: I32) -> None:
    for d in range(slot.shape[0]):
        for lane in starting:
            x[slot[d, TAP], lane] = p[TAP_INIT, d, lane]


@kernel
def set_point(
    x: F64, slot: I32, p: F64, m: F64, action: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        tap = slot[d, TAP]
        for lane in lanes(first, last):
            before = x[tap, lane]
            move = np.rint(action[0, d, lane]) - 1.0
            moved = np.rint(before) + move
            moved = min(max(moved, p[TAP_MIN, d, lane]), p[TAP_MAX, d, lane])
            moved = moved if move != 0.0 else before
            x[tap, lane] = moved
            m[0, d, lane] = abs(moved - before)


@kernel
def advance(
    x: F64, slot: I32, p: F64, m: F64, measured: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        active, reactive, loading = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, LOADING]
        for lane in lanes(first, last):
            x[active, lane] = measured[0, d, lane]
            x[reactive, lane] = measured[1, d, lane]
            x[loading, lane] = measured[2, d, lane]


@kernel
def cost_safety(
    x: F64,
    slot: I32,
    p: F64,
    m: F64,
    dt_h: F64,
    cost: F64,
    safety: F64,
    first: int,
    last: int,
) -> None:
    for d in range(slot.shape[0]):
        loading = slot[d, LOADING]
        for lane in lanes(first, last):
            cost[0, d, lane] = m[0, d, lane] * p[TAP_CHANGE_COST, d, lane] / dt_h[d, lane]
            safety[d, lane] = loading_over_pct(x[loading, lane], 100.0)


KERNELS = DeviceKernels(
    fields=FIELDS,
    parameters=PARAMETERS,
    memory=("steps_moved",),  # by the last action
    measures=("p_mw", "q_mvar", "loading_percent"),
    cost_parts=("switching",),
    start=start,
    set_point=set_point,
    advance=advance,
    cost_safety=cost_safety,
)
