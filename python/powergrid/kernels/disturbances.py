"""Kernels of disturbances: when they come, which are in force, what they do to lanes.

Where a lane's events stand: ``start_s[e, lane]``, ``end_s``, ``struck`` and ``size`` hold those of
all series, of series s in the places ``begin[s] .. begin[s + 1] - 1`` in the order of their start,
of which ``n_event[s, lane]`` are used. `struck` is a row of the arrays over targets.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from powergrid.kernels.jit import F64, I32, U8, kernel, lanes

__all__ = [
    "EXPONENTIAL",
    "FIXED",
    "UNIFORM",
    "add_up",
    "any_of",
    "draw_series",
    "either",
    "find_in_force",
    "hold",
    "multiply_rows",
    "zero_where",
]

FIXED, EXPONENTIAL, UNIFORM = range(3)  # distributions of durations

U64 = Any


@kernel
def draw_series(
    bits: U64, lane: I32, rate_per_s: float, horizon_s: float, distribution: int, first_s: float,
    second_s: float, row: I32, low: float, high: float, start_s: F64, end_s: F64, struck: I32,
    size: F64, n_event: I32,
) -> None:  # fmt: skip
    """Draw the events of a Poisson series in some lanes.

    Parameters
    ----------
    bits : uint64, (n, 4 * n_place)
        Random bits of these lanes; each event takes four: time since the event before, duration,
        target, size.
    lane : (n,)
        Which lanes.
    first_s, second_s : float
        Mean of the duration, or its least and largest value where it is uniform.
    row : (n_target,)
        Rows that it may strike, evenly.
    low, high : float
        Range of the size.
    start_s, end_s, struck, size : (n_place, n_lane)
        Written: the events before `horizon_s`.
    n_event : (n_lane,)
        Written.
    """
    scale = 1.1102230246251565e-16  # 2**-53: as heron.reference.random.to_uniform
    n_target = row.shape[0]
    for i in range(lane.shape[0]):
        k = lane[i]
        time_s = 0.0
        n = 0
        for e in range(start_s.shape[0]):
            time_s += -math.log1p(-((bits[i, 4 * e] >> np.uint64(11)) * scale)) / rate_per_s
            if not time_s < horizon_s:
                break
            u = (bits[i, 4 * e + 1] >> np.uint64(11)) * scale
            duration_s = first_s
            if distribution == EXPONENTIAL:
                duration_s = -first_s * math.log1p(-u)
            elif distribution == UNIFORM:
                duration_s = first_s + u * (second_s - first_s)
            place = int((bits[i, 4 * e + 2] >> np.uint64(11)) * scale * n_target)
            start_s[e, k] = time_s
            end_s[e, k] = time_s + duration_s
            struck[e, k] = row[min(place, n_target - 1)]
            size[e, k] = low + (bits[i, 4 * e + 3] >> np.uint64(11)) * scale * (high - low)
            n += 1
        n_event[k] = n


@kernel
def find_in_force(
    step_number: Any, step_s: float, fixed_start_s: F64, fixed_end_s: F64, fixed_row: I32,
    fixed_size: F64, begin: I32, start_s: F64, end_s: F64, struck: I32, size: F64, n_event: I32,
    head: I32, n_in_force: I32, factor: F64, first: int, last: int,
) -> None:  # fmt: skip
    """Find what is in force at the start of each lane's present interval.

    Parameters
    ----------
    step_number : (n_lane,)
        Which interval it is; it begins at ``step_number * step_s``.
    fixed_start_s, fixed_end_s, fixed_row, fixed_size : (n_fixed,)
        What comes in every lane.
    head : (n_series, n_lane)
        Read and written: events of a series before this place are over.
    n_in_force, factor : (n_row, n_lane)
        Written: how many events a target suffers, and the product of their sizes.
    """
    for row in range(n_in_force.shape[0]):
        for k in lanes(first, last):
            n_in_force[row, k] = 0
            factor[row, k] = 1.0
    for i in range(fixed_row.shape[0]):
        row = fixed_row[i]
        for k in lanes(first, last):
            now_s = step_number[k] * step_s
            if fixed_start_s[i] <= now_s and now_s < fixed_end_s[i]:
                n_in_force[row, k] += 1
                factor[row, k] *= fixed_size[i]
    for s in range(head.shape[0]):
        for k in lanes(first, last):
            now_s = step_number[k] * step_s
            n = n_event[s, k]
            e = head[s, k]
            while e < n and end_s[begin[s] + e, k] <= now_s:
                e += 1
            head[s, k] = e
            while e < n and start_s[begin[s] + e, k] <= now_s:
                place = begin[s] + e
                if now_s < end_s[place, k]:
                    n_in_force[struck[place, k], k] += 1
                    factor[struck[place, k], k] *= size[place, k]
                e += 1


@kernel
def add_up(n_in_force: I32, kind: I32, count: I32, first: int, last: int) -> None:
    """Set ``count[kind, lane]`` to the sum over the rows of `n_in_force` of each kind."""
    for row in range(count.shape[0]):
        for k in lanes(first, last):
            count[row, k] = 0
    for row in range(kind.shape[0]):
        for k in lanes(first, last):
            count[kind[row], k] += n_in_force[row, k]


@kernel
def multiply_rows(
    factor: F64, factor_row: I32, target: F64, target_row: I32, first: int, last: int
) -> None:
    """Multiply row ``target_row[i]`` of `target` by row ``factor_row[i]`` of `factor`."""
    for i in range(factor_row.shape[0]):
        s, t = factor_row[i], target_row[i]
        for k in lanes(first, last):
            target[t, k] *= factor[s, k]


@kernel
def any_of(n_in_force: I32, row: I32, mask: U8, mask_row: I32, first: int, last: int) -> None:
    """Set row ``mask_row[i]`` of `mask` to whether ``row[i]`` has anything in force."""
    for i in range(row.shape[0]):
        s, t = row[i], mask_row[i]
        for k in lanes(first, last):
            mask[t, k] = np.uint8(n_in_force[s, k] > 0)


@kernel
def either(one: U8, other: U8, mask: U8, first: int, last: int) -> None:
    """Set `mask`, (n_row, n_lane), to where `one` or `other` of the same shape is set."""
    for row in range(mask.shape[0]):
        for k in lanes(first, last):
            mask[row, k] = one[row, k] | other[row, k]


@kernel
def zero_where(
    mask: U8, mask_row: I32, target: F64, target_row: I32, first: int, last: int
) -> None:
    """Set row ``target_row[i]`` of `target` to 0 where row ``mask_row[i]`` of `mask` is set."""
    for i in range(mask_row.shape[0]):
        s, t = mask_row[i], target_row[i]
        for k in lanes(first, last):
            target[t, k] = 0.0 if mask[s, k] != 0 else target[t, k]


@kernel
def hold(is_stuck: U8, idle: F64, action: F64, first: int, last: int) -> None:
    """Give devices that do not move the idle command instead of theirs.

    Parameters
    ----------
    is_stuck : (n_device, n_lane)
    idle : (n_action, n_device)
        Actions of doing nothing, in the devices' own units.
    action : (n_action, n_device, n_lane)
    """
    for i in range(action.shape[0]):
        for d in range(action.shape[1]):
            for k in lanes(first, last):
                action[i, d, k] = idle[i, d] if is_stuck[d, k] != 0 else action[i, d, k]
