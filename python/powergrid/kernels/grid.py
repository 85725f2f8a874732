"""Kernels of `powergrid.agents.grid.Grid`."""

from __future__ import annotations

from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import F64, I32, kernel, lanes
from powergrid.kernels.scalar import energy_cost, s_over_rating

__all__ = ["KERNELS"]

FIELDS = ("electrical.p_MW", "electrical.q_MVAr", "coordinator:market.price")
ACTIVE, REACTIVE, PRICE = range(3)

PARAMETERS = ("price_scale", "sell_ratio", "s_rated_MVA")
PRICE_SCALE, SELL_RATIO, S_RATED = range(3)


@kernel
def advance(
    x: F64, slot: I32, p: F64, m: F64, measured: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        active, reactive = slot[d, ACTIVE], slot[d, REACTIVE]
        for lane in lanes(first, last):
            x[active, lane] = measured[0, d, lane]
            x[reactive, lane] = measured[1, d, lane]


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
        active, reactive, price = slot[d, ACTIVE], slot[d, REACTIVE], slot[d, PRICE]
        for lane in lanes(first, last):
            scaled = p[PRICE_SCALE, d, lane] * x[price, lane]
            cost[0, d, lane] = energy_cost(x[active, lane], scaled, p[SELL_RATIO, d, lane])
            safety[d, lane] = s_over_rating(x[active, lane], x[reactive, lane], p[S_RATED, d, lane])


KERNELS = DeviceKernels(
    fields=FIELDS,
    parameters=PARAMETERS,
    measures=("p_mw", "q_mvar"),
    cost_parts=("energy",),
    advance=advance,
    cost_safety=cost_safety,
)
