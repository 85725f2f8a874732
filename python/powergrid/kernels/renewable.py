"""Kernels of `powergrid.agents.renewable.RenewableGenerator`."""

from __future__ import annotations

from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import F64, I32, kernel, lanes
from powergrid.kernels.scalar import denormalize, s_over_rating, within_rating

__all__ = ["KERNELS"]

FIELDS = ("electrical.p_MW", "electrical.q_MVAr", "availability.available_p_MW")
ACTIVE, REACTIVE, AVAILABLE = range(3)

PARAMETERS = (
    "p_rated_MW",  # what the profile is a share of
    "q_max_MVAr",
    "s_rated_MVA",
    "curtailment_cost",
    "has_reactive_power",  # 1 if the action has a second entry
)
P_RATED, Q_MAX, S_RATED, CURTAILMENT_COST, HAS_REACTIVE_POWER = range(5)


@kernel
def set_point(
    x: F64, slot: I32, p: F64, m: F64, action: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        active, reactive, available = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, AVAILABLE]
        for lane in lanes(first, last):
            x[active, lane] = min(max(action[0, d, lane], 0.0), 1.0) * x[available, lane]
        if p[HAS_REACTIVE_POWER, d, 0] == 1.0:
            for lane in lanes(first, last):
                q_max = p[Q_MAX, d, lane]
                q_mvar = denormalize(action[1, d, lane], -q_max, q_max)
                x[reactive, lane] = within_rating(q_mvar, x[active, lane], p[S_RATED, d, lane])


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
        active, reactive, available = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, AVAILABLE]
        for lane in lanes(first, last):
            cost[0, d, lane] = p[CURTAILMENT_COST, d, lane] * (x[available, lane] - x[active, lane])
            safety[d, lane] = s_over_rating(x[active, lane], x[reactive, lane], p[S_RATED, d, lane])


KERNELS = DeviceKernels(
    fields=FIELDS,
    parameters=PARAMETERS,
    structural=("has_reactive_power",),
    cost_parts=("curtailment",),
    set_point=set_point,
    cost_safety=cost_safety,
)
