"""Kernels of `powergrid.agents.storage.ESS`."""

from __future__ import annotations

from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import F64, I32, kernel, lanes
from powergrid.kernels.scalar import denormalize, s_over_rating, soc_bounds_penalty, within_rating

__all__ = ["KERNELS"]

FIELDS = (
    "electrical.p_MW",
    "electrical.q_MVAr",
    "storage.soc",
    "storage.e_stored_MWh",
    "storage.e_capacity_MWh",
    "storage.ch_eff",
    "storage.dsc_eff",
)
ACTIVE, REACTIVE, SOC, STORED, CAPACITY_FIELD, CH_EFF_FIELD, DSC_EFF_FIELD = range(7)

PARAMETERS = (
    "e_capacity_MWh",
    "p_max_MW",
    "p_min_MW",
    "q_max_MVAr",
    "q_min_MVAr",
    "s_rated_MVA",
    "soc_max",
    "soc_min",
    "init_soc",
    "ch_eff",
    "dsc_eff",
    "degradation_cost",
    "has_reactive_power",  # 1 if the action has a second entry
)
CAPACITY, P_MAX, P_MIN, Q_MAX, Q_MIN, S_RATED, SOC_MAX, SOC_MIN, INIT_SOC = range(9)
CH_EFF, DSC_EFF, DEGRADATION_COST, HAS_REACTIVE_POWER = range(9, 13)


@kernel
def start(x: F64, slot: I32, p: F64, m: F64, starting: I32) -> None:
    for d in range(slot.shape[0]):
        for lane in starting:
            x[slot[d, SOC], lane] = p[INIT_SOC, d, lane]
            x[slot[d, STORED], lane] = p[INIT_SOC, d, lane] * p[CAPACITY, d, lane]
            x[slot[d, CAPACITY_FIELD], lane] = p[CAPACITY, d, lane]
            x[slot[d, CH_EFF_FIELD], lane] = p[CH_EFF, d, lane]
            x[slot[d, DSC_EFF_FIELD], lane] = p[DSC_EFF, d, lane]


@kernel
def set_point(
    x: F64, slot: I32, p: F64, m: F64, action: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        active, reactive, soc = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, SOC]
        for lane in lanes(first, last):
            p_min, p_max = p[P_MIN, d, lane], p[P_MAX, d, lane]
            capacity = p[CAPACITY, d, lane]
            room = (p[SOC_MAX, d, lane] - x[soc, lane]) * capacity
            content = (x[soc, lane] - p[SOC_MIN, d, lane]) * capacity
            lowest = max(p_min, -max(room, 0.0) / (p[CH_EFF, d, lane] * dt_h[d, lane]))
            highest = min(p_max, max(content, 0.0) * p[DSC_EFF, d, lane] / dt_h[d, lane])
            wanted = denormalize(action[0, d, lane], p_min, p_max)
            x[active, lane] = min(max(wanted, lowest), highest)
        if p[HAS_REACTIVE_POWER, d, 0] == 1.0:
            for lane in lanes(first, last):
                q_mvar = denormalize(action[1, d, lane], p[Q_MIN, d, lane], p[Q_MAX, d, lane])
                x[reactive, lane] = within_rating(q_mvar, x[active, lane], p[S_RATED, d, lane])


@kernel
def advance(
    x: F64, slot: I32, p: F64, m: F64, measured: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        active, soc, stored = slot[d, ACTIVE], slot[d, SOC], slot[d, STORED]
        for lane in lanes(first, last):
            p_mw = x[active, lane]
            discharged = p_mw * dt_h[d, lane] / p[DSC_EFF, d, lane]
            charged = p_mw * dt_h[d, lane] * p[CH_EFF, d, lane]
            outflow = discharged if p_mw > 0.0 else charged  # of the store [MWh]
            moved = x[soc, lane] - outflow / p[CAPACITY, d, lane]
            # The set-point already respects the limits; this removes the last bit of rounding.
            moved = min(max(moved, p[SOC_MIN, d, lane]), p[SOC_MAX, d, lane])
            x[soc, lane] = moved
            x[stored, lane] = moved * p[CAPACITY, d, lane]


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
        active, reactive, soc = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, SOC]
        for lane in lanes(first, last):
            cost[0, d, lane] = p[DEGRADATION_COST, d, lane] * abs(x[active, lane])
            safety[d, lane] = soc_bounds_penalty(
                x[soc, lane], p[SOC_MIN, d, lane], p[SOC_MAX, d, lane]
            ) + s_over_rating(x[active, lane], x[reactive, lane], p[S_RATED, d, lane])


KERNELS = DeviceKernels(
    fields=FIELDS,
    parameters=PARAMETERS,
    structural=("has_reactive_power",),
    cost_parts=("degradation",),
    start=start,
    set_point=set_point,
    advance=advance,
    cost_safety=cost_safety,
)
