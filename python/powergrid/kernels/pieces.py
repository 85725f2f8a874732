"""An interval in pieces: commands that take effect while it lasts.

A piece of a device lasts from one command to the next. Arrays over devices are (n_device, n_lane),
C-contiguous; an effect is a command that comes into force, in order of lane and then time. Its
stage is how many pieces of its device have ended by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from powergrid.kernels.action_map import share_of
from powergrid.kernels.jit import F64, I32, kernel, lanes

__all__ = [
    "combine",
    "commands",
    "cut",
    "fill",
    "first_piece_or_more",
    "idle_again",
    "keep",
    "lay_off",
    "let_time_pass",
    "mark",
    "obey",
    "put_back",
    "set_last",
    "sort_by_stage",
    "write_means",
]

Array = Any

HOUR_S = 3600.0


@kernel
def commands(
    flat: F64,
    decision: Array,
    device: I32,
    entry: I32,
    low: F64,
    high: F64,
    n_option: I32,
    out: F64,
) -> None:
    """Turn each device's part of a flat action into its own units, as `to_device_units` does.

    Parameters
    ----------
    flat : (n_decision, n_entry)
        Flat actions of coordinators, in [-1, 1].
    decision, device : (n_effect,)
        Which of them, and whose part.
    entry, low, high, n_option : (n_device, n_action)
        Where an action of a device stands in the flat one (-1: it has no such action), and how it
        is scaled.
    out : (n_effect, n_action)
        Written.
    """
    for e in range(out.shape[0]):
        d = device[e]
        for i in range(out.shape[1]):
            if entry[d, i] < 0:
                out[e, i] = 0.0
                continue
            share = share_of(flat[decision[e], entry[d, i]])
            n = float(n_option[d, i])
            if n > 0.0:
                out[e, i] = low[d, i] + min(np.floor(share * n), n - 1.0)
            else:
                out[e, i] = low[d, i] + share * (high[d, i] - low[d, i])


@kernel
def cut(
    lane: I32,
    device: I32,
    time_s: F64,
    has_action: Array,
    now_s: F64,
    since_s: F64,
    n_cut: I32,
    stage: I32,
    length_h: F64,
    first: int,
    last: int,
) -> int:
    """Find the pieces that end by an effect; return the largest number of them in a device.

    Parameters
    ----------
    lane, device, time_s : (n_effect,)
        Of lanes `first` to `last` only.
    has_action : (n_device,)
        Devices without actions have one piece, whatever they are told.
    now_s : (n_lane,)
        Start of the interval [s].
    since_s, n_cut : (n_device, n_lane)
        Written: start of the last piece [s], and how many there are before it.
    stage : (n_effect,)
        Written: how many pieces of its device have ended once the command is in force.
    length_h : (n_effect,)
        Written: length [h] of the piece that it ends; 0 if it ends none, because it comes at the
        very moment at which the piece begins.
    """
    for d in range(since_s.shape[0]):
        for k in lanes(first, last):
            since_s[d, k] = now_s[k]
            n_cut[d, k] = 0
    most = 0
    for e in range(lane.shape[0]):
        k, d = lane[e], device[e]
        length_h[e] = 0.0
        if has_action[d] and time_s[e] > since_s[d, k]:
            length_h[e] = (time_s[e] - since_s[d, k]) / HOUR_S
            since_s[d, k] = time_s[e]
            n_cut[d, k] += 1
            most = max(most, n_cut[d, k])
        stage[e] = n_cut[d, k]
    return most


@kernel
def sort_by_stage(stage: I32, end: Array, order: Array) -> None:
    """Put effects in order of their stages, and leave it within each.

    Parameters
    ----------
    end : (n_stage + 2,)
        0 before. Stage k is in ``order[end[k - 1]:end[k]]`` then.
    order : (n_effect,)
        Written: numbers of effects.
    """
    for e in range(stage.shape[0]):
        end[stage[e] + 1] += 1
    for k in range(1, end.shape[0]):
        end[k] += end[k - 1]
    for e in range(stage.shape[0]):
        k = stage[e]
        order[end[k]] = e
        end[k] += 1


@kernel
def obey(which: Array, lane: I32, device: I32, command: F64, unit_row: I32, units: F64) -> None:
    """Bring some effects into force: `units` (n_unit, n_lane), in the devices' own units."""
    for n in range(which.shape[0]):
        e = which[n]
        for i in range(unit_row.shape[1]):
            row = unit_row[device[e], i]
            if row >= 0:
                units[row, lane[e]] = command[e, i]


@kernel
def mark(
    which: Array,
    lane: I32,
    device: I32,
    length_h: F64,
    group: I32,
    dt_h: F64,
    is_cut: Array,
    n_piece: Array,
) -> None:
    """Say which devices have a piece that ends by one of these effects, and how long [h] it is.

    Parameters
    ----------
    which : (n,)
        Effects of one stage, of which each device has at most one that ends a piece.
    group : (n_device,)
        Group of each device.
    dt_h, is_cut : (n_device, n_lane)
        Written where there is such a piece.
    n_piece : (n_group,)
        Raised by how many pieces devices of the group have.
    """
    for n in range(which.shape[0]):
        e = which[n]
        if length_h[e] > 0.0:
            dt_h[device[e], lane[e]] = length_h[e]
            is_cut[device[e], lane[e]] = 1
            n_piece[group[device[e]]] += 1


@kernel
def lay_off(
    which: Array, lane: I32, device: I32, length_h: F64, step_h: float, dt_h: F64, is_cut: Array
) -> None:
    """Take back what `mark` has said."""
    for n in range(which.shape[0]):
        e = which[n]
        if length_h[e] > 0.0:
            dt_h[device[e], lane[e]] = step_h
            is_cut[device[e], lane[e]] = 0


@kernel
def keep(source: F64, row: I32, kept: F64, first: int, last: int) -> None:
    """Copy rows aside: `kept` (n, n_lane) gets those rows of `source`."""
    for i in range(row.shape[0]):
        for k in lanes(first, last):
            kept[i, k] = source[row[i], k]


@kernel
def put_back(
    source: F64, row: I32, device: I32, kept: F64, is_cut: Array, first: int, last: int
) -> None:
    """Undo what was written in devices that have no such piece; `device` (n,) says whose rows."""
    for i in range(row.shape[0]):
        d = device[i]
        for k in lanes(first, last):
            if is_cut[d, k] == 0:
                source[row[i], k] = kept[i, k]


@kernel
def first_piece_or_more(
    value: F64,
    row: I32,
    device: I32,
    dt_h: F64,
    step_h: float,
    is_cut: Array,
    is_first: bool,
    total: F64,
    first: int,
    last: int,
) -> None:
    """Add what a piece contributes to the mean over the interval: `value` times its share of time.

    Parameters
    ----------
    value : (n_row, n_lane)
    row, device : (n,)
        Rows of `value`, -1 for none, and whose they are.
    total : (n, n_lane)
        Written by a device's first piece, added to by the others.
    """
    for i in range(row.shape[0]):
        d = device[i]
        if row[i] < 0:
            continue
        for k in lanes(first, last):
            if is_cut[d, k] != 0:
                part = value[row[i], k] * (dt_h[d, k] / step_h)
                total[i, k] = part if is_first else total[i, k] + part


@kernel
def idle_again(
    device: I32, row: I32, idle: F64, is_cut: Array, units: F64, first: int, last: int
) -> None:
    """Take back actions that are moves once they were made: rows of `units`, and whose they are."""
    for i in range(row.shape[0]):
        for k in lanes(first, last):
            if is_cut[device[i], k] != 0:
                units[row[i], k] = idle[i]


@kernel
def set_last(
    n_cut: I32, since_s: F64, now_s: F64, step_s: float, dt_h: F64, first: int, last: int
) -> None:
    """Set the length [h] of the last piece of devices that have more than one."""
    for d in range(n_cut.shape[0]):
        for k in lanes(first, last):
            if n_cut[d, k] > 0:
                dt_h[d, k] = (now_s[k] + step_s - since_s[d, k]) / HOUR_S


@kernel
def write_means(
    n_cut: I32,
    x: F64,
    slot: I32,
    injection: I32,
    total: F64,
    dt_h: F64,
    step_h: float,
    flow: F64,
    first: int,
    last: int,
) -> None:
    """Write mean powers to the power flow, where there are several pieces.

    Parameters
    ----------
    slot, injection : (n_device,)
        Where a device's power is in the table, and which injection it is; -1 is none.
    total : (n_device, n_lane)
        Contributions of all pieces but the last.
    flow : (n_injection, n_lane)
        Written.
    """
    for d in range(injection.shape[0]):
        if injection[d] < 0:
            continue
        for k in lanes(first, last):
            if n_cut[d, k] > 0:
                part = x[slot[d], k] * (dt_h[d, k] / step_h)
                flow[injection[d], k] = total[d, k] + part


@kernel
def combine(
    n_cut: I32,
    row: I32,
    device: I32,
    total: F64,
    dt_h: F64,
    step_h: float,
    value: F64,
    first: int,
    last: int,
) -> None:
    """Replace the last piece's value by the mean over the interval, where there are several.

    Parameters
    ----------
    row, device : (n,)
        Rows of `value`, and whose they are.
    total : (n, n_lane)
        Contributions of all pieces but the last.
    """
    for i in range(row.shape[0]):
        d = device[i]
        for k in lanes(first, last):
            if n_cut[d, k] > 0:
                value[row[i], k] = total[i, k] + value[row[i], k] * (dt_h[d, k] / step_h)


@kernel
def fill(row: I32, value: F64, to: F64, first: int, last: int) -> None:
    """Write ``value[i]`` to row ``row[i]``."""
    for i in range(row.shape[0]):
        for k in lanes(first, last):
            to[row[i], k] = value[i]


@kernel
def let_time_pass(now_s: F64, step_s: float, first: int, last: int) -> None:
    """Move the lanes' clocks on by a step [s]."""
    for k in lanes(first, last):
        now_s[k] += step_s
