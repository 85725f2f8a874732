"""A device's interval in pieces, by the hooks of its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.agents.transformer import Transformer

__all__ = ["Command", "DevicePieces"]


@dataclass(frozen=True)
class Command:
    """A device's command that comes into force.

    Attributes
    ----------
    device : str
        Path, "MG1/ess1".
    time_s : float
        Since the start of the episode [s].
    action : ndarray, (n_action,)
        In the device's own units.
    """

    device: str
    time_s: float
    action: np.ndarray


class DevicePieces:
    """What the pieces of an interval but the last contribute to its means over time.

    Parameters
    ----------
    step_h : float
        Length of the interval [h].

    Attributes
    ----------
    p_mw, q_mvar : float
        Contributions to the mean power.
    rate : dict
        To the cost rates [$/h], by cause.
    safety : float
        To the violation.
    """

    def __init__(self, step_h: float) -> None:
        self._step_h = step_h
        self.p_mw = self.q_mvar = self.safety = 0.0
        self.rate: dict[str, float] = {}

    def live(
        self,
        device: DeviceAgent,
        command: np.ndarray,
        dt_h: float,
        update: Mapping[str, Any],
    ) -> None:
        """Live through a piece of `dt_h` hours by a command; `update` goes to `update_state`."""
        device.dt = dt_h
        device.obey(command)
        device.update_state(**update)
        device.update_cost_safety()
        share = dt_h / self._step_h
        for name, rate in device.cost_by_cause().items():
            self.rate[name] = self.rate.get(name, 0.0) + rate * share
        self.safety += device.safety * share
        if "electrical" in device.state.features:
            self.p_mw += device.state.electrical.p_MW * share
            self.q_mvar += device.state.electrical.q_MVAr * share

    def mean_power(self, device: DeviceAgent) -> tuple[float, float]:
        """Return mean P [MW] and Q [Mvar] with the last piece, in which the device is."""
        share = device.dt / self._step_h
        electrical = device.state.electrical
        return self.p_mw + electrical.p_MW * share, self.q_mvar + electrical.q_MVAr * share

    def mean_rates(self, device: DeviceAgent) -> dict[str, float]:
        """Return mean cost rates [$/h] by cause, once the last piece is booked."""
        share, total = device.dt / self._step_h, dict(self.rate)
        for name, rate in device.cost_by_cause().items():
            total[name] = total.get(name, 0.0) + rate * share
        return total

    def mean_safety(self, device: DeviceAgent) -> float:
        """Return the mean violation; of what has one reading an interval, that of its end."""
        if isinstance(device, Grid | Transformer):
            return device.safety
        return self.safety + device.safety * (device.dt / self._step_h)
