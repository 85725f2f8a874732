"""Moving values between the feature table, the power flow and the books, lane by lane.

All arrays are float64, C-contiguous, (n_row, n_lane); index lists are int32. Lanes ``first`` to
``last`` are written, no others.
"""

from __future__ import annotations

from typing import Any

from powergrid.kernels.jit import kernel, lanes

__all__ = [
    "available_power",
    "copy_rows",
    "exchange",
    "measure",
    "scale_rows",
    "write_loads",
    "write_switched",
]

Array = Any


@kernel
def copy_rows(
    source: Array, source_row: Array, target: Array, target_row: Array, first: int, last: int
) -> None:
    """Copy row ``source_row[i]`` of `source` to row ``target_row[i]`` of `target`."""
    for i in range(source_row.shape[0]):
        s, t = source_row[i], target_row[i]
        for lane in lanes(first, last):
            target[t, lane] = source[s, lane]


@kernel
def scale_rows(
    source: Array,
    source_row: Array,
    factor: Array,
    target: Array,
    target_row: Array,
    first: int,
    last: int,
) -> None:
    """Write ``source * factor`` row by row; `factor` is (n, n_lane), a row for each entry."""
    for i in range(source_row.shape[0]):
        s, t = source_row[i], target_row[i]
        for lane in lanes(first, last):
            target[t, lane] = source[s, lane] * factor[i, lane]


@kernel
def available_power(
    share: Array,
    share_row: Array,
    rated_mw: Array,
    is_limited: Array,
    target: Array,
    target_row: Array,
    first: int,
    last: int,
) -> None:
    """Write what sun or wind gives [MW]: share times rating.

    Where `is_limited`, (n,), the result stays within 0 and the rating, whatever the share is.
    """
    for i in range(share_row.shape[0]):
        s, t = share_row[i], target_row[i]
        for lane in lanes(first, last):
            p_mw = share[s, lane] * rated_mw[i, lane]
            if is_limited[i]:
                p_mw = min(max(p_mw, 0.0), rated_mw[i, lane])
            target[t, lane] = p_mw


@kernel
def write_loads(
    multiplier: Array,
    zone_of_load: Array,
    base_p_mw: Array,
    base_q_mvar: Array,
    row: Array,
    p_mw: Array,
    q_mvar: Array,
    first: int,
    last: int,
) -> None:
    """Set each load to its base times its zone's multiplier.

    Parameters
    ----------
    multiplier : (n_zone, n_lane)
        Load multipliers of the interval.
    zone_of_load, row : (n_load,)
        Zone of each load, and its row in `p_mw` and `q_mvar`.
    base_p_mw, base_q_mvar : (n_load,)
        Consumption at a multiplier of 1.
    """
    for i in range(row.shape[0]):
        zone, r = zone_of_load[i], row[i]
        p, q = base_p_mw[i], base_q_mvar[i]
        for lane in lanes(first, last):
            p_mw[r, lane] = p * multiplier[zone, lane]
            q_mvar[r, lane] = q * multiplier[zone, lane]


@kernel
def measure(
    injected: Array,
    at_from: Array,
    at_to: Array,
    supplied: Array,
    status: Array,
    start: Array,
    kind: Array,
    row: Array,
    factor: Array,
    reading: Array,
    reading_row: Array,
    first: int,
    last: int,
) -> None:
    """Read meters: each a weighted sum of inputs and flows; a lane without solution keeps its own.

    Parameters
    ----------
    injected : (n_injection, n_lane)
        Inputs of the power flow [MW or Mvar].
    at_from, at_to : (n_branch, n_lane)
        Power into the ends of the branches.
    supplied : (n_source, n_lane)
        Power of the external grids.
    status : int8, (n_lane,)
        0 where the power flow converged.
    start : (n_meter + 1,)
        Meter i is the sum of the terms ``start[i]`` to ``start[i + 1]``.
    kind, row, factor : (n_term,)
        Of which array (0 injected, 1 at_from, 2 at_to, 3 supplied), which row, how often.
    reading : (n_row, n_lane)
        Row ``reading_row[i]`` of it gets meter i.
    """
    for meter in range(start.shape[0] - 1):
        to = reading_row[meter]
        for lane in lanes(first, last):
            if status[lane] == 0:
                total = 0.0
                for term in range(start[meter], start[meter + 1]):
                    r = row[term]
                    if kind[term] == 0:
                        value = injected[r, lane]
                    elif kind[term] == 1:
                        value = at_from[r, lane]
                    elif kind[term] == 2:
                        value = at_to[r, lane]
                    else:
                        value = supplied[r, lane]
                    total += factor[term] * value
                reading[to, lane] = total


@kernel
def exchange(
    x: Array,
    slot: Array,
    status: Array,
    dt_h: float,
    bought: Array,
    sold: Array,
    first: int,
    last: int,
) -> None:
    """Book the energy through each agent's meter [MWh], 0 where the power flow failed.

    Parameters
    ----------
    slot : int32, (n_agent,)
        Where the metered power [MW] is in `x`, -1 for an agent without a meter.
    bought, sold : (n_agent, n_lane)
        Written.
    """
    for agent in range(slot.shape[0]):
        for lane in lanes(first, last):
            energy = 0.0
            if slot[agent] >= 0 and status[lane] == 0:
                energy = x[slot[agent], lane] * dt_h
            bought[agent, lane] = max(energy, 0.0)
            sold[agent, lane] = max(-energy, 0.0)


@kernel
def write_switched(
    multiplier: Array,
    zone: int,
    off_below: float,
    step: Array,
    row: Array,
    first: int,
    last: int,
) -> None:
    """Switch capacitors, rows of `step`, on where a zone's load multiplier reaches `off_below`."""
    for i in range(row.shape[0]):
        for lane in lanes(first, last):
            step[row[i], lane] = 1.0 if multiplier[zone, lane] >= off_below else 0.0
