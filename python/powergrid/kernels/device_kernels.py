"""What a device kind says of itself: the values it works on, and the functions that work on them.

Nothing here needs Numba, so a kind's declaration costs nothing until it is used.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["MEASURES", "DeviceKernels", "Kernel", "does_nothing"]

Kernel: TypeAlias = Callable[..., None]

#: What a power flow can tell a device: at its bus, or of its own branch or connection.
MEASURES = ("vm_pu", "va_degree", "p_mw", "q_mvar", "loading_percent")

_FIELD = re.compile(r"(coordinator:)?\w+\.\w+(\[\d+(,\d+)*\])?")

_ARGUMENTS = {
    "start": ("x", "slot", "p", "m", "starting"),
    "set_point": ("x", "slot", "p", "m", "action", "dt_h", "first", "last"),
    "advance": ("x", "slot", "p", "m", "measured", "dt_h", "first", "last"),
    "cost_safety": ("x", "slot", "p", "m", "dt_h", "cost", "safety", "first", "last"),
    "trip": ("x", "slot", "p", "m", "is_out", "first", "last"),
}


def does_nothing(*arguments: object) -> None:
    """Stand in for a kernel of which a kind has no need."""


@dataclass(frozen=True, kw_only=True)
class DeviceKernels:
    """A device kind as data and functions over lanes.

    All devices of one kind stand in one group, and a call of a kernel serves the whole group in
    every lane, a lane being one environment of a batch. Five functions make a kind; each works on
    the lanes ``first .. last - 1`` of every device and touches no other, so that several threads
    can work on the same arrays. They allocate nothing and keep nothing: what must be remembered is
    a feature, or a row of `memory`.

    ``start(x, slot, p, m, starting)``
        An episode begins in the lanes `starting` (int32), which hold the features of the reset
        device object and memory of 0. Write what follows from parameters, which may differ from
        lane to lane: a battery's state of charge.
    ``set_point(x, slot, p, m, action, dt_h, first, last)``
        Turn the action into a set-point within the limits; `dt_h` says how long it rules [h]: an
        interval, or less if commands come meanwhile. Features hold the state by then; prices and
        available power are those of the interval. The power flow takes ``electrical.p_MW`` and
        ``electrical.q_MVAr``, positive = injection, of a tap changer ``tap.tap``.
    ``advance(x, slot, p, m, measured, dt_h, first, last)``
        `dt_h` hours have passed at that set-point. A meter or a tap changer is read once more at
        the start of an episode, where `dt_h` is 0.
    ``cost_safety(x, slot, p, m, dt_h, cost, safety, first, last)``
        Write each part of the cost as a rate [$/h], what an event costs [$] divided by `dt_h`, and
        the safety: limit violation, dimensionless, 0 inside the limits. Both arrays hold 0 until
        they are first written.
    ``trip(x, slot, p, m, is_out, first, last)``
        Devices may be out of service. After each `set_point`: where ``is_out[device, lane]`` is not
        0, undo what the command has begun beyond P and Q, which are 0 by then: no start, no fuel.

    ======== ================================ ====================================================
    array    shape, float64 but for slot      content
    ======== ================================ ====================================================
    x        (n_slot, n_lane)                 the table of all features, MW, Mvar, p.u., ...
    slot     (n_device, n_field), int32       row of x that holds `fields[k]` of device d
    p        (n_parameter, n_device, n_lane)  parameters; read only
    m        (n_memory, n_device, n_lane)     memory
    action   (n_action, n_device, n_lane)     action entries in the units of the device's action
                                              space, continuous ones first; read only
    measured (n_measure, n_device, n_lane)    power flow results; read only
    dt_h     (n_device, n_lane)               duration [h], above 0; read only
    is_out   (n_device, n_lane), uint8        1: out of service; read only
    cost     (n_part, n_device, n_lane)       [$/h]
    safety   (n_device, n_lane)               dimensionless
    ======== ================================ ====================================================

    Devices of a group may have action spaces of different lengths; `action` has the rows of the
    longest, and a device must not look at rows that it lacks: they hold nothing, and are missing
    if no device of the group has them.

    Attributes
    ----------
    fields : tuple[str, ...]
        The feature fields that the kernels read or write, ``"electrical.p_MW"``, of the device
        itself, or of its coordinator (``"coordinator:market.price"``; read only). A device has all
        of them.
    parameters : tuple[str, ...]
        Names of the rows of `p`, as in the device's configuration, so that ``"MG1/ess1.p_max_MW"``
        can be set for a lane. The device's `kernel_parameters` gives the values in this order. A
        missing rating is infinite.
    tail : str
        Name of a parameter of varying length, whose entries follow the others; those of devices
        with fewer are filled up with 0.
    structural : tuple[str, ...]
        Those of `parameters` that are the same in every lane, because kernels branch on them:
        whether there is reactive power, how long the tail is. Kernels read them in lane 0.
    memory : tuple[str, ...]
        Names of the rows of `m`: values that are no features. 0 when `start` is called.
    measures : tuple[str, ...]
        Names of the rows of `measured`, some of `MEASURES`: ``vm_pu`` [p.u.] and ``va_degree``
        [degree] at the device's bus; ``p_mw``, ``q_mvar``, ``loading_percent`` [MW, Mvar, %] of a
        tap changer, towards its regulated side; ``p_mw`` and ``q_mvar`` of a metered connection,
        taken from the utility; where the power flow has no solution, the last reading.
    cost_parts : tuple[str, ...]
        Names of the rows of `cost`, as in ``infos[agent]``; their sum is the device's cost.
    start, set_point, advance, cost_safety, trip : callable
        Compiled by `powergrid.kernels.jit.kernel`, or plain Python, hundreds of times slower. One
        that is left out does nothing.

    Raises
    ------
    ValueError
        If a name is twice in a declaration, a field is not written like one, a measure does not
        exist, or a structural parameter is none.
    TypeError
        If a function does not take the arguments above.

    Examples
    --------
    A load that is shed at a price:

    >>> from powergrid.kernels.jit import kernel, lanes
    >>> @kernel
    ... def set_point(x, slot, p, m, action, dt_h, first, last):
    ...     for d in range(slot.shape[0]):
    ...         for lane in lanes(first, last):
    ...             x[slot[d, 0], lane] = -p[0, d, lane] * (1.0 - action[0, d, lane])
    >>> @kernel
    ... def cost_safety(x, slot, p, m, dt_h, cost, safety, first, last):
    ...     for d in range(slot.shape[0]):
    ...         for lane in lanes(first, last):
    ...             shed = p[0, d, lane] + x[slot[d, 0], lane]
    ...             cost[0, d, lane] = p[1, d, lane] * shed
    >>> KERNELS = DeviceKernels(
    ...     fields=("electrical.p_MW",),
    ...     parameters=("p_load_MW", "shedding_cost"),
    ...     cost_parts=("shedding",),
    ...     set_point=set_point,
    ...     cost_safety=cost_safety,
    ... )
    """

    fields: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    tail: str = ""
    structural: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    cost_parts: tuple[str, ...] = ()
    start: Kernel = does_nothing
    set_point: Kernel = does_nothing
    advance: Kernel = does_nothing
    cost_safety: Kernel = does_nothing
    trip: Kernel = does_nothing

    def __post_init__(self) -> None:
        for what in ("fields", "parameters", "structural", "memory", "measures", "cost_parts"):
            _check_names(what, getattr(self, what))
        for field in self.fields:
            if not _FIELD.fullmatch(field):
                raise ValueError(
                    f"fields: {field!r}, expected feature.field as in 'electrical.p_MW', or "
                    f"'coordinator:market.price'"
                )
        if self.tail in self.parameters:
            raise ValueError(f"tail: {self.tail!r} is one of parameters; it follows them")
        _check_known("measures", self.measures, MEASURES)
        _check_known("structural", self.structural, self.parameters)
        for name, arguments in _ARGUMENTS.items():
            _check_arguments(name, getattr(self, name), arguments)


def _check_names(what: str, names: object) -> None:
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{what} is {names!r}, expected a tuple of names: ('p_max_MW',)")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} names {', '.join(twice)} twice")


def _check_known(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{what}: {', '.join(unknown)} unknown; there are {', '.join(known)}")


def _check_arguments(name: str, function: Kernel, arguments: Sequence[str]) -> None:
    if not callable(function):
        raise TypeError(f"{name} is {function!r}, expected a function of {', '.join(arguments)}")
    signature = inspect.signature(getattr(function, "py_func", function))
    try:
        signature.bind(*arguments)
    except TypeError:
        raise TypeError(
            f"{name} takes {signature}, expected ({', '.join(arguments)}) in this order"
        ) from None
