"""Kernels of `powergrid.agents.generator.Generator`."""

from __future__ import annotations

from powergrid.kernels.device_kernels import DeviceKernels
from powergrid.kernels.jit import F64, I32, U8, kernel, lanes
from powergrid.kernels.scalar import denormalize, quadratic_cost, s_over_rating, within_rating

__all__ = ["KERNELS"]

FIELDS = (
    "electrical.p_MW",
    "electrical.q_MVAr",
    "unit.status",
    "unit.hours_to_switch",
    "limits.p_max_MW",
    "limits.p_min_MW",
    "limits.q_max_MVAr",
    "limits.q_min_MVAr",
)
ACTIVE, REACTIVE, STATUS, HOURS, LIMITS = range(5)  # LIMITS: the first of four

PARAMETERS = (
    "p_max_MW",
    "p_min_MW",
    "q_max_MVAr",
    "q_min_MVAr",
    "s_rated_MVA",
    "startup_time_hr",
    "shutdown_time_hr",
    "startup_cost",
    "shutdown_cost",
    "commitment",  # 1 if the agent switches the unit
    "n_coef",  # length of the cost curve
)
P_MAX, P_MIN, Q_MAX, Q_MIN, S_RATED = range(5)
STARTUP_TIME, SHUTDOWN_TIME, STARTUP_COST, SHUTDOWN_COST, COMMITMENT, N_COEF = range(5, 11)
CURVE = len(PARAMETERS)  # the first coefficient of the cost curve

RUNS, SWITCHING = 0, 1  # rows of memory
FUEL, SWITCHING_RATE = 0, 1  # rows of cost


@kernel
def start(x: F64, slot: I32, p: F64, m: F64, starting: I32) -> None:
    for d in range(slot.shape[0]):
        is_on = 1.0 - p[COMMITMENT, d, 0]
        for lane in starting:
            for k in range(4):
                x[slot[d, LIMITS + k], lane] = p[P_MAX + k, d, lane]
            x[slot[d, ACTIVE], lane] = p[P_MIN, d, lane] if is_on == 1.0 else 0.0
            m[RUNS, d, lane] = is_on


@kernel
def set_point(
    x: F64, slot: I32, p: F64, m: F64, action: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        if p[COMMITMENT, d, 0] == 1.0:
            switch(d, x, slot, p, m, action, first, last)
        active, reactive = slot[d, ACTIVE], slot[d, REACTIVE]
        status, hours = slot[d, STATUS], slot[d, HOURS]
        for lane in lanes(first, last):
            runs = x[status, lane] == 1.0
            stopping = x[hours, lane] > 0.0
            p_min = p[P_MIN, d, lane]
            wanted = denormalize(action[0, d, lane], p_min, p[P_MAX, d, lane])
            p_mw = p_min if stopping else wanted
            q_mvar = denormalize(action[1, d, lane], p[Q_MIN, d, lane], p[Q_MAX, d, lane])
            q_mvar = within_rating(q_mvar, p_mw, p[S_RATED, d, lane])
            m[RUNS, d, lane] = 1.0 if runs else 0.0
            x[active, lane] = p_mw if runs else 0.0
            x[reactive, lane] = q_mvar if runs else 0.0


@kernel
def switch(d: int, x: F64, slot: I32, p: F64, m: F64, action: F64, first: int, last: int) -> None:
    """Begin, or call off, a change of status of device `d`."""
    status, hours = slot[d, STATUS], slot[d, HOURS]
    for lane in lanes(first, last):
        wanted = action[2, d, lane] > 0.5
        before = x[status, lane]
        stays = wanted == (before == 1.0)
        left = x[hours, lane]
        begins = not stays and not left > 0.0
        delay = p[STARTUP_TIME, d, lane] if wanted else p[SHUTDOWN_TIME, d, lane]
        price = p[STARTUP_COST, d, lane] if wanted else p[SHUTDOWN_COST, d, lane]
        m[SWITCHING, d, lane] = price if begins else 0.0
        if stays:
            left = 0.0
        elif begins and delay > 0.0:
            left = delay
        x[hours, lane] = left
        x[status, lane] = (1.0 if wanted else 0.0) if begins and not delay > 0.0 else before


@kernel
def advance(
    x: F64, slot: I32, p: F64, m: F64, measured: F64, dt_h: F64, first: int, last: int
) -> None:
    for d in range(slot.shape[0]):
        status, hours = slot[d, STATUS], slot[d, HOURS]
        for lane in lanes(first, last):
            before = x[hours, lane]
            left = before - dt_h[d, lane]
            # A start or stop that ends within rounding of the interval's end ends with it.
            left = left if left > 1e-9 else 0.0
            left = left if before > 0.0 else before
            switches = before > 0.0 and left == 0.0
            x[hours, lane] = left
            x[status, lane] = 1.0 - x[status, lane] if switches else x[status, lane]


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
        active, reactive = slot[d, ACTIVE], slot[d, REACTIVE]
        n_coef = int(p[N_COEF, d, 0])
        if n_coef == 3:
            for lane in lanes(first, last):
                a, b, c = p[CURVE, d, lane], p[CURVE + 1, d, lane], p[CURVE + 2, d, lane]
                cost[FUEL, d, lane] = quadratic_cost(x[active, lane], a, b, c)
        else:
            piecewise_linear_cost(d, n_coef // 2, x[active], p, cost, first, last)
        for lane in lanes(first, last):
            # The status may have changed at the interval's end; a unit burns fuel while it runs.
            fuel = cost[FUEL, d, lane]
            cost[FUEL, d, lane] = fuel if m[RUNS, d, lane] == 1.0 else 0.0
        for lane in lanes(first, last):
            cost[SWITCHING_RATE, d, lane] = m[SWITCHING, d, lane] / dt_h[d, lane]
        for lane in lanes(first, last):
            rating = p[S_RATED, d, lane]
            safety[d, lane] = s_over_rating(x[active, lane], x[reactive, lane], rating)


@kernel
def trip(x: F64, slot: I32, p: F64, m: F64, is_out: U8, first: int, last: int) -> None:
    for d in range(slot.shape[0]):
        status, hours = slot[d, STATUS], slot[d, HOURS]
        is_committed = p[COMMITMENT, d, 0] == 1.0
        for lane in lanes(first, last):
            if is_out[d, lane] != 0:
                m[RUNS, d, lane] = 0.0
                m[SWITCHING, d, lane] = 0.0
                if is_committed:
                    x[status, lane] = 0.0
                    x[hours, lane] = 0.0


@kernel
def piecewise_linear_cost(
    d: int, n_point: int, p_mw: F64, p: F64, cost: F64, first: int, last: int
) -> None:
    """Write the cost [$/h] of device `d` at `p_mw` from points (p0, cost0, p1, cost1, ...)."""
    for segment in range(n_point - 1):
        k = CURVE + 2 * segment
        for lane in lanes(first, last):
            start_mw, start_cost = p[k, d, lane], p[k + 1, d, lane]
            slope = (p[k + 3, d, lane] - start_cost) / (p[k + 2, d, lane] - start_mw)
            on_segment = start_cost + slope * (p_mw[lane] - start_mw)
            is_beyond = segment == 0 or p_mw[lane] >= start_mw
            cost[FUEL, d, lane] = on_segment if is_beyond else cost[FUEL, d, lane]


KERNELS = DeviceKernels(
    fields=FIELDS,
    parameters=PARAMETERS,
    tail="cost_curve_coefs",
    structural=("commitment", "n_coef"),
    memory=("runs", "switching_cost"),
    cost_parts=("fuel", "switching"),
    start=start,
    set_point=set_point,
    advance=advance,
    cost_safety=cost_safety,
    trip=trip,
)
