"""Device objects and their kernels, driven by the same program and compared bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_kind import kernel_parameters_of, kernels_of

N_LANE = 5
N_PADDING = 3  # lanes behind the last one that nobody owns
MARK = -777.0  # what must not be touched holds

Devices = Sequence[Sequence[DeviceAgent]]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell whether two float64 arrays are equal, signs of zeros included."""
    return a.shape == b.shape and a.tobytes() == b.tobytes()


class KernelParity:
    """A group of one kind in several lanes: ``devices[d][lane]`` and the same as arrays.

    Parameters
    ----------
    devices : sequence of sequences of DeviceAgent
        All devices of a lane stand in one group; those of different lanes may differ in parameters.
    is_compiled : bool
        Whether the compiled kernels are driven, or the Python functions that they are made from.
    """

    def __init__(self, devices: Devices, *, is_compiled: bool = True) -> None:
        self.devices = devices
        kernels = kernels_of(devices[0][0])
        assert kernels is not None
        self.kernels = kernels
        self._is_compiled = is_compiled
        self.n_device, n_lane = len(devices), N_LANE + N_PADDING
        rng = np.random.default_rng(0)
        n_field = len(kernels.fields)
        n_slot = self.n_device * n_field + 7
        self.x = np.full((n_slot, n_lane), MARK)
        self.slot = rng.permutation(n_slot)[: self.n_device * n_field].astype(np.int32)
        self.slot = self.slot.reshape(self.n_device, n_field)
        for k, field in enumerate(kernels.fields):
            if field.startswith("coordinator:"):
                self.slot[:, k] = self.slot[0, k]  # they share their coordinator's
        values = [[kernel_parameters_of(device, kernels) for device in row] for row in devices]
        n_parameter = max(v.size for row in values for v in row)
        self.p = np.zeros((n_parameter, self.n_device, n_lane))
        for d, row in enumerate(values):
            for lane, v in enumerate(row):
                self.p[: v.size, d, lane] = v
        self.m = np.full((len(kernels.memory), self.n_device, n_lane), MARK)
        self.cost = np.full((len(kernels.cost_parts), self.n_device, n_lane), MARK)
        self.safety = np.full((self.n_device, n_lane), MARK)
        self._own = self._own_rows()
        self._write_states()

    def _own_rows(self) -> list[tuple[int, int, str, str]]:
        """Return device, row, feature and field of every entry of `slot` that a device owns."""
        own = []
        for d in range(self.n_device):
            for k, field in enumerate(self.kernels.fields):
                if not field.startswith("coordinator:"):
                    own.append((d, int(self.slot[d, k]), *field.split(".")))
        return own

    def _write_states(self) -> None:
        for d, row, feature, field in self._own:
            for lane in range(N_LANE):
                block = self.devices[d][lane].state.features[feature]
                self.x[row, lane] = getattr(block, field)

    def _call(self, name: str, *arguments: object) -> None:
        kernel: Callable[..., None] = getattr(self.kernels, name)
        if not self._is_compiled:
            kernel = getattr(kernel, "py_func", kernel)
        kernel(self.x, self.slot, self.p, self.m, *arguments)

    # --- the program --------------------------------------------------------------------------

    def start(self) -> None:
        """Begin an episode in all lanes, from features that parameters have yet to be put into."""
        for row in self.devices:
            for device in row:
                device.reset_device()
        self._write_states()
        self.m[:, :, :N_LANE] = 0.0
        self._call("start", np.arange(N_LANE, dtype=np.int32))

    def write(self, field: str, values: np.ndarray) -> None:
        """Write a field, (n_device, n_lane), of the devices or of their coordinator."""
        k = self.kernels.fields.index(field)
        for d in range(self.n_device):
            self.x[self.slot[d, k], :N_LANE] = values[d]

    def step(
        self,
        action: np.ndarray,
        measured: np.ndarray,
        dt_h: float,
        first: int,
        last: int,
        is_out: np.ndarray | None = None,
    ) -> None:
        """Let an interval pass in the lanes `first` to `last`, in objects and arrays.

        Parameters
        ----------
        action, measured : ndarray, (n, n_device, N_LANE)
        is_out : ndarray of bool, (n_device, N_LANE), optional
            Devices out of service.
        """
        out = np.zeros((self.n_device, N_LANE + N_PADDING), np.uint8)
        if is_out is not None:
            out[:, :N_LANE] = is_out
        pad = [(0, 0), (0, 0), (0, N_PADDING)]
        action, measured = (np.pad(a, pad, constant_values=MARK) for a in (action, measured))
        lengths = np.full((self.n_device, N_LANE + N_PADDING), dt_h)
        self._call("set_point", action, lengths, first, last)
        if is_out is not None:
            for d, row, feature, field in self._own:
                if feature == "electrical" and field in ("p_MW", "q_MVAr"):
                    self.x[row, first:last][out[d, first:last] != 0] = 0.0
            self._call("trip", out, first, last)
        self._call("advance", measured, lengths, first, last)
        self._call("cost_safety", lengths, self.cost, self.safety, first, last)
        for d in range(self.n_device):
            for lane in range(first, last):
                device = self.devices[d][lane]
                device.dt = dt_h
                device.is_out = bool(out[d, lane])
                device.obey(action[: len(device.action_names()), d, lane])
                results = dict(zip(self.kernels.measures, measured[:, d, lane], strict=True))
                device.update_state(results, dt_h)
                device.update_cost_safety()

    # --- the comparison -----------------------------------------------------------------------

    def check(self, first: int, last: int) -> None:
        """Compare all lanes; `first` to `last` are those that the last step was about."""
        expected = np.full_like(self.x, MARK)
        for d, row, feature, field in self._own:
            for lane in range(N_LANE):
                block = self.devices[d][lane].state.features[feature]
                expected[row, lane] = getattr(block, field)
        for k, field in enumerate(self.kernels.fields):
            if field.startswith("coordinator:"):
                expected[self.slot[0, k]] = self.x[self.slot[0, k]]
        for row in range(len(self.x)):
            assert same_bits(self.x[row], expected[row]), (row, self.slot, self.kernels.fields)
        for d in range(self.n_device):
            for lane in range(first, last):
                device = self.devices[d][lane]
                parts = [device.cost_parts[name] for name in self.kernels.cost_parts]
                assert same_bits(self.cost[:, d, lane], np.array(parts))
                assert device.cost == sum(self.cost[:, d, lane].tolist())
                assert same_bits(self.safety[d, lane], np.array(device.safety))
        for array in (self.m, self.cost, self.safety):
            assert np.all(array[..., N_LANE:] == MARK)

    def contents(self) -> list[np.ndarray]:
        """Return copies of everything that kernels write."""
        return [a.copy() for a in (self.x, self.m, self.cost, self.safety)]


#: What to draw from: numbers of an interval, or these values themselves.
Range = tuple[float, float]
Values = Sequence[float]

ENDS = (-1.0, -0.0, 0.0, 1.0, -1e9, 1e9)
intervals = st.sampled_from([1.0 / 60.0, 0.25, 0.3, 1.0, 24.0])
lane_ranges = st.sampled_from([(0, N_LANE), (0, N_LANE), (0, 1), (1, 4), (N_LANE - 1, N_LANE)])


def random_rows(rng: np.random.Generator, shape: tuple[int, ...], between: Range, ends: Values):
    """Return numbers of an interval, a third of them replaced by its ends and other corners."""
    values = rng.uniform(*between, shape)
    return np.where(rng.random(shape) < 1.0 / 3.0, rng.choice(ends, shape), values)


def run_program(
    draw: st.DrawFn,
    devices: Devices,
    *,
    n_action: int,
    action: tuple[Range, Values] = ((-1.5, 1.5), ENDS),
    measured: tuple[Range, Values] = ((-5.0, 5.0), (0.0, -0.0)),
    before: Callable[[KernelParity], None] = lambda parity: None,
    can_trip: bool = False,
    max_step: int = 6,
) -> KernelParity:
    """Drive a group by a random program of steps and compare after each.

    `before` is called before every step, to write what the engine writes; with `can_trip` devices
    are now and then out of service.
    """
    is_compiled = draw(st.sampled_from([True, True, True, False]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parity = KernelParity(devices, is_compiled=is_compiled)
    parity.start()
    parity.check(0, 0)
    for _ in range(draw(st.integers(1, max_step))):
        before(parity)
        first, last = draw(lane_ranges)
        n_device, n_measure = parity.n_device, len(parity.kernels.measures)
        parity.step(
            random_rows(rng, (n_action, n_device, N_LANE), *action),
            random_rows(rng, (n_measure, n_device, N_LANE), *measured),
            draw(intervals),
            first,
            last,
            rng.random((n_device, N_LANE)) < 0.25 if can_trip else None,
        )
        parity.check(first, last)
    return parity
