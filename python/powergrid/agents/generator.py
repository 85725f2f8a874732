"""Dispatchable generator with fuel cost, capability limits and optional commitment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete, Space
from gymnasium.spaces import Dict as DictSpace
from pydantic import Field, model_validator

from powergrid.agents.device_agent import DeviceAgent, DeviceConfig
from powergrid.agents.set_point import denormalize, normalize, within_rating
from powergrid.core.config import parse_config
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.core.features.power_limits import PowerLimits
from powergrid.core.features.unit_status import UnitStatus
from powergrid.utils.cost import cost_from_curve
from powergrid.utils.safety import s_over_rating

__all__ = ["Generator", "GeneratorConfig"]

N_PRICE_STEP = 101  # powers compared when a price is answered


class GeneratorConfig(DeviceConfig):
    """Parameters of a generator.

    `cost_curve_coefs` are (a, b, c) of a P^2 + b P + c [$/h], or points (p0, cost0, p1, cost1, ...)
    of a piecewise linear curve. With `commitment` the unit is switched by the agent and takes
    `startup_time_hr` and `shutdown_time_hr` to change status; without it the unit is always on.
    """

    p_max_MW: float = 10.0
    p_min_MW: float = 0.0
    q_max_MVAr: float = 5.0
    q_min_MVAr: float = -5.0
    s_rated_MVA: float | None = Field(default=None, gt=0.0)
    cost_curve_coefs: tuple[float, ...] = (0.02, 10.0, 0.0)
    commitment: bool = False
    startup_time_hr: float = Field(default=1.0, ge=0.0)
    shutdown_time_hr: float = Field(default=1.0, ge=0.0)
    startup_cost: float = Field(default=0.0, ge=0.0)
    shutdown_cost: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> GeneratorConfig:
        if self.p_min_MW > self.p_max_MW:
            raise ValueError(f"p_min_MW ({self.p_min_MW}) exceeds p_max_MW ({self.p_max_MW})")
        if self.p_min_MW < 0.0:
            raise ValueError(f"p_min_MW is {self.p_min_MW}: a generator cannot consume")
        if self.q_min_MVAr > self.q_max_MVAr:
            raise ValueError(
                f"q_min_MVAr ({self.q_min_MVAr}) exceeds q_max_MVAr ({self.q_max_MVAr})"
            )
        if self.s_rated_MVA is not None and self.p_max_MW > self.s_rated_MVA:
            raise ValueError(f"p_max_MW ({self.p_max_MW}) exceeds s_rated_MVA ({self.s_rated_MVA})")
        cost_from_curve(self.p_min_MW, self.cost_curve_coefs)
        return self


class Generator(DeviceAgent):
    """A dispatchable unit: the agent sets P and Q, and, with commitment, whether it runs.

    The action is ``[p, q]`` in [-1, 1] over the unit's limits, then, with commitment, 1 for on and
    0 for off. Active power has priority: Q is cut to the rating ``sqrt(S^2 - P^2)``. An off-line
    unit injects nothing. A starting unit stays off line for its start-up time, a stopping one at
    its minimum for its shut-down time. Starting and stopping are paid in the step they begin.

    Examples
    --------
    >>> unit = Generator("gen1", device_state_config={"bus": "Bus 633", "p_max_MW": 2.0})
    >>> unit.set_device_action([1.0, 0.0])
    >>> unit.state.electrical.p_MW
    2.0
    """

    kernels: ClassVar = "powergrid.kernels.generator:KERNELS"
    observed: ClassVar = (
        ("electrical", "p_MW"),
        ("electrical", "q_MVAr"),
        ("electrical", "v_pu"),
        ("limits", "p_max_MW"),
        ("limits", "p_min_MW"),
        ("unit", "status"),
    )

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = parse_config(GeneratorConfig, self._config, f"Generator '{agent_id}'")
        config = self.config
        is_on = not config.commitment
        self.state.add_feature(
            "electrical", ElectricalBasePh(p_MW=config.p_min_MW if is_on else 0.0)
        )
        self.state.add_feature(
            "limits",
            PowerLimits(
                p_max_MW=config.p_max_MW,
                p_min_MW=config.p_min_MW,
                q_max_MVAr=config.q_max_MVAr,
                q_min_MVAr=config.q_min_MVAr,
            ),
        )
        self.state.add_feature("unit", UnitStatus(status=float(is_on)))
        self._switching_cost = 0.0  # of starts and stops begun by the last action [$]
        self._runs = is_on  # during the interval that the last action rules
        self._last_dt = 1.0

    def get_action_space(self) -> Space[Any]:
        """Return Box [p, q], with commitment joined by one on/off choice."""
        power = Box(low=-1.0, high=1.0, shape=(2,), dtype=np.float32)
        if not self.config.commitment:
            return power
        return DictSpace({"c": power, "d": MultiDiscrete([2])})

    def action_names(self) -> list[str]:
        """Return the names of the action's entries."""
        return ["p", "q", "commitment"] if self.config.commitment else ["p", "q"]

    def idle_action(self) -> np.ndarray:
        """Return: off (or at minimum power without commitment), no reactive power."""
        config = self.config
        q = normalize(0.0, config.q_min_MVAr, config.q_max_MVAr)
        return np.array([-1.0, q, 0.0] if config.commitment else [-1.0, q])

    def respond_to_price(self, price: float) -> np.ndarray:
        """Return the power that earns most at a price [$/MWh]; off if nothing earns."""
        config = self.config
        powers = np.linspace(config.p_min_MW, config.p_max_MW, N_PRICE_STEP)
        gain = [price * p - cost_from_curve(p, config.cost_curve_coefs) for p in powers]
        best = int(np.argmax(gain))
        action = self.idle_action()
        action[0] = normalize(float(powers[best]), config.p_min_MW, config.p_max_MW)
        if config.commitment:
            action[2] = float(gain[best] > 0.0)
        return action

    def kernel_parameters(self) -> list[float]:
        """Return the parameters in the order of the kernels' declaration."""
        config = self.config
        return [
            config.p_max_MW,
            config.p_min_MW,
            config.q_max_MVAr,
            config.q_min_MVAr,
            math.inf if config.s_rated_MVA is None else config.s_rated_MVA,
            config.startup_time_hr,
            config.shutdown_time_hr,
            config.startup_cost,
            config.shutdown_cost,
            float(config.commitment),
            float(len(config.cost_curve_coefs)),
            *config.cost_curve_coefs,
        ]

    def set_device_action(self, action: np.ndarray) -> None:
        """Set P and Q within the capability, and the commitment."""
        config, electrical, unit = self.config, self.state.electrical, self.state.unit
        self._switching_cost = 0.0
        if config.commitment:
            self._switch(bool(action[2] > 0.5))
        self._runs = unit.status == 1.0
        if not self._runs:
            electrical.p_MW = 0.0
            electrical.q_MVAr = 0.0
            return
        stopping = unit.hours_to_switch > 0.0
        p = (
            config.p_min_MW
            if stopping
            else denormalize(action[0], config.p_min_MW, config.p_max_MW)
        )
        q = denormalize(action[1], config.q_min_MVAr, config.q_max_MVAr)
        electrical.p_MW = p
        electrical.q_MVAr = within_rating(q, p, config.s_rated_MVA)

    def trip(self) -> None:
        """Inject nothing, burn nothing, and with commitment stand still until started anew."""
        super().trip()
        self._runs = False
        self._switching_cost = 0.0
        if self.config.commitment:
            self.state.unit.status = 0.0
            self.state.unit.hours_to_switch = 0.0

    def _switch(self, wanted: bool) -> None:
        """Begin, or call off, a change of status."""
        config, unit = self.config, self.state.unit
        is_on = unit.status == 1.0
        if wanted == is_on:
            unit.hours_to_switch = 0.0
            return
        if unit.hours_to_switch > 0.0:
            return
        self._switching_cost = config.startup_cost if wanted else config.shutdown_cost
        delay = config.startup_time_hr if wanted else config.shutdown_time_hr
        if delay > 0.0:
            unit.hours_to_switch = delay
        else:
            unit.status = float(wanted)

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Let a start or stop in progress go on for `dt` hours."""
        self._last_dt = dt
        unit = self.state.unit
        if unit.hours_to_switch > 0.0:
            # A start or stop that ends within rounding of the interval's end ends with it.
            left = unit.hours_to_switch - dt
            unit.hours_to_switch = left if left > 1e-9 else 0.0
            if unit.hours_to_switch == 0.0:
                unit.status = 1.0 - unit.status

    def update_cost_safety(self) -> None:
        """Book fuel [$/h], starts and stops; safety is the excess over the rating."""
        electrical = self.state.electrical
        # The status may have changed at the interval's end; a unit burns fuel while it runs.
        curve = self.config.cost_curve_coefs
        fuel = cost_from_curve(electrical.p_MW, curve) if self._runs else 0.0
        self.cost_parts = {"fuel": fuel, "switching": self._switching_cost / self._last_dt}
        self.cost = sum(self.cost_parts.values())
        self.safety = s_over_rating(electrical.p_MW, electrical.q_MVAr, self.config.s_rated_MVA)

    def reset_device(self) -> None:
        """Return to the initial status."""
        super().reset_device()
        self._switching_cost = 0.0
        self._runs = not self.config.commitment
