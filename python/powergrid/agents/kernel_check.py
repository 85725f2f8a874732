"""Whether a kind's kernels do what its hooks do; for the tests of whoever writes one."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError
from powergrid.agents.action_layout import device_action_dims
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_kind import kernel_parameters_of, kernels_of
from powergrid.kernels.device_kernels import DeviceKernels

__all__ = ["check_kernels"]

N_LANE, UNTOUCHED = 6, slice(4, 6)  # the last two lanes are nobody's
MARK = -777.0  # what they hold
OUT_OF_SERVICE = 0.1  # share of the intervals in which a device that injects is

# Where random results of a power flow come from.
RANGES = {
    "vm_pu": (0.9, 1.1),
    "va_degree": (-180.0, 180.0),
    "p_mw": (-1.0, 1.0),
    "q_mvar": (-1.0, 1.0),
    "loading_percent": (0.0, 200.0),
}


def check_kernels(
    device: DeviceAgent,
    *,
    n_step: int = 100,
    dt_h: float = 0.5,
    seed: int = 0,
    rtol: float = 1e-9,
) -> None:
    """Run copies of a device by kernels and by hooks with the same random actions, and compare.

    Several lanes are run, with the parameters that the device has. A device that has
    ``available_power`` or ``price`` is given a random one before each action; one that injects is
    now and then out of service.

    Parameters
    ----------
    device : DeviceAgent
        As it stands at the start of an episode. It is copied.
    n_step : int
        Intervals to run; after half of them a new episode begins.
    dt_h : float
        Length of each [h].
    seed : int
        Of the random numbers.
    rtol : float
        Tolerated difference, relative to the greater of 1 and the value.

    Raises
    ------
    ConfigError
        If the device does not run by kernels, or lacks one of the fields that they name.
    AssertionError
        At the first difference, with the field, the step and both values.
    """
    kernels = kernels_of(device)
    if kernels is None:
        raise ConfigError(f"device '{device.agent_id}' runs by its hooks; it declares no kernels")
    _Check(device, kernels, seed, rtol).run(n_step, dt_h)


class _Check:
    """One device in four lanes, as objects and as arrays."""

    def __init__(self, device: DeviceAgent, kernels: DeviceKernels, seed: int, rtol: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._kernels = kernels
        self._rtol = rtol
        self._devices = [copy.deepcopy(device) for _ in range(UNTOUCHED.start)]
        self._dims = device_action_dims(device)
        self._own = [name.split(".") for name in kernels.fields if ":" not in name]
        for feature, field in self._own:
            if not hasattr(device.state.features.get(feature), field):
                raise ConfigError(f"device '{device.agent_id}' has no field {feature}.{field}")
        n = len(kernels.fields)
        self._x = np.full((n + 2, N_LANE), MARK)
        self._slot = self._rng.permutation(n).astype(np.int32).reshape(1, n)
        parameters = kernel_parameters_of(device, kernels)
        self._p = np.repeat(parameters[:, None, None], N_LANE, axis=2)
        self._m = self._marked(len(kernels.memory), 1)
        self._cost = self._marked(len(kernels.cost_parts), 1)
        self._safety = self._marked(1)

    @staticmethod
    def _marked(*shape: int) -> NDArray[np.float64]:
        values = np.zeros((*shape, N_LANE))
        values[..., UNTOUCHED] = MARK
        return values

    def run(self, n_step: int, dt_h: float) -> None:
        for step in range(n_step):
            if step in (0, n_step // 2):
                self._start()
                self._compare(step, is_booked=False)
            self._step(dt_h)
            self._compare(step, is_booked=True)

    def _start(self) -> None:
        self._m[..., : UNTOUCHED.start] = 0.0
        for lane, device in enumerate(self._devices):
            device.reset_device()
            for k, name in enumerate(self._kernels.fields):
                if ":" not in name:
                    self._x[self._slot[0, k], lane] = self._field(lane, name)
        lanes = np.arange(UNTOUCHED.start, dtype=np.int32)
        self._kernels.start(self._x, self._slot, self._p, self._m, lanes)

    def _step(self, dt_h: float) -> None:
        self._tell()
        action = self._marked(len(self._dims), 1)
        for i, dim in enumerate(self._dims):
            values = self._rng.uniform(dim.low, dim.high, UNTOUCHED.start)
            action[i, 0, : UNTOUCHED.start] = np.rint(values) if dim.n_option else values
        measured = self._marked(len(self._kernels.measures), 1)
        for i, name in enumerate(self._kernels.measures):
            measured[i, 0, : UNTOUCHED.start] = self._rng.uniform(*RANGES[name], UNTOUCHED.start)
        is_out = np.zeros((1, N_LANE), np.uint8)
        if self._devices[0].element not in ("", "trafo"):  # it injects, and may fall out of service
            is_out[0] = self._rng.uniform(size=N_LANE) < OUT_OF_SERVICE
        table: tuple[Any, ...] = (self._x, self._slot, self._p, self._m)
        lengths = np.full((1, N_LANE), dt_h)
        for first, last in ((2, UNTOUCHED.start), (0, 2)):  # as two threads would
            self._kernels.set_point(*table, action, lengths, first, last)
            self._inject_nothing(is_out, first, last)
            self._kernels.trip(*table, is_out, first, last)
            self._kernels.advance(*table, measured, lengths, first, last)
            self._kernels.cost_safety(*table, lengths, self._cost, self._safety, first, last)
        for lane, device in enumerate(self._devices):
            device.dt = dt_h
            device.is_out = bool(is_out[0, lane])
            device.obey(action[:, 0, lane])
            results = zip(self._kernels.measures, measured[:, 0, lane].tolist(), strict=True)
            device.update_state(dict(results), dt_h)
            device.update_cost_safety()

    def _inject_nothing(self, is_out: NDArray[np.uint8], first: int, last: int) -> None:
        """Do what the engine does before `trip`."""
        for k, name in enumerate(self._kernels.fields):
            if name in ("electrical.p_MW", "electrical.q_MVAr"):
                row = self._x[self._slot[0, k], first:last]
                row[is_out[0, first:last] != 0] = 0.0

    def _tell(self) -> None:
        """Say what the environment says before an action: price and available power."""
        told = {
            "coordinator:market.price": ("price", self._rng.uniform(0.0, 100.0)),
            "availability.available_p_MW": ("available_power", self._rng.uniform(0.0, 1.0)),
        }
        for k, name in enumerate(self._kernels.fields):
            attribute, value = told.get(name, ("", 0.0))
            for lane, device in enumerate(self._devices):
                if attribute and hasattr(device, attribute):
                    setattr(device, attribute, value)
                    value = getattr(device, attribute)
                if attribute:
                    self._x[self._slot[0, k], lane] = value

    def _field(self, lane: int, name: str) -> float:
        feature, field = name.split(".")
        return float(getattr(self._devices[lane].state.features[feature], field))

    def _compare(self, step: int, *, is_booked: bool) -> None:
        for lane, device in enumerate(self._devices):
            for k, name in enumerate(self._kernels.fields):
                if ":" not in name:
                    kernel_value = self._x[self._slot[0, k], lane]
                    self._require(step, name, kernel_value, self._field(lane, name))
            if not is_booked:
                continue
            causes = device.cost_by_cause()
            for i, part in enumerate(self._kernels.cost_parts):
                kernel_value = self._cost[i, 0, lane]
                self._require(step, f"cost part {part}", kernel_value, causes.get(part, 0.0))
            self._require(step, "cost", float(self._cost[:, 0, lane].sum()), device.cost)
            self._require(step, "safety", self._safety[0, lane], device.safety)
        for array in (self._x, self._m, self._cost, self._safety):
            if not np.all(array[..., UNTOUCHED] == MARK):
                raise AssertionError(f"step {step}: a kernel wrote lanes beyond `last`")

    def _require(self, step: int, what: str, by_kernel: float, by_hook: float) -> None:
        if not abs(by_kernel - by_hook) <= self._rtol * max(1.0, abs(by_hook)):
            raise AssertionError(
                f"step {step}: {what} is {float(by_kernel)!r} by the kernels, "
                f"{float(by_hook)!r} by the hooks"
            )
