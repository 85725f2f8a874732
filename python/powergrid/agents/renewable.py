"""Renewable generation bound to a profile, with curtailment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium.spaces import Box
from pydantic import Field, model_validator

from powergrid.agents.device_agent import DeviceAgent, DeviceConfig
from powergrid.agents.set_point import denormalize, normalize, within_rating
from powergrid.core.config import parse_config
from powergrid.core.features.availability import AvailablePower
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.utils.safety import s_over_rating

__all__ = ["RenewableConfig", "RenewableGenerator", "SolarPlant", "WindPlant"]


class RenewableConfig(DeviceConfig):
    """Parameters of a renewable unit.

    `source` names the profile it follows. An inverter that may give reactive power has
    `q_max_MVAr` above 0. `curtailment_cost` is $/MWh of available energy not taken.
    """

    source: Literal["solar", "wind"] = "solar"
    p_rated_MW: float = Field(default=1.0, gt=0.0)
    s_rated_MVA: float | None = Field(default=None, gt=0.0)
    q_max_MVAr: float = Field(default=0.0, ge=0.0)
    curtailment_cost: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> RenewableConfig:
        if self.s_rated_MVA is not None and self.s_rated_MVA < self.p_rated_MW:
            raise ValueError(
                f"s_rated_MVA ({self.s_rated_MVA}) is below p_rated_MW ({self.p_rated_MW})"
            )
        return self


class RenewableGenerator(DeviceAgent):
    """Sun or wind behind an inverter: the agent takes a share of what is available.

    The action is ``[share]`` in [0, 1] (1 = no curtailment), followed by ``q`` in [-1, 1] where the
    inverter may give reactive power. The environment sets `available_power` to profile times rating
    before the action is applied; the injection never exceeds it.

    Examples
    --------
    >>> pv = SolarPlant("pv1", device_state_config={"bus": "Bus 675", "p_rated_MW": 0.2})
    >>> pv.available_power = 0.15
    >>> pv.set_device_action([0.5])
    >>> pv.state.electrical.p_MW
    0.075
    """

    default_source: ClassVar[str | None] = None
    kernels: ClassVar = "powergrid.kernels.renewable:KERNELS"
    observed: ClassVar = (
        ("electrical", "p_MW"),
        ("electrical", "q_MVAr"),
        ("electrical", "v_pu"),
        ("availability", "available_p_MW"),
    )

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        data = dict(self._config)
        if self.default_source is not None:
            data.setdefault("source", self.default_source)
        self.config = parse_config(RenewableConfig, data, f"{type(self).__name__} '{agent_id}'")
        self.state.add_feature("electrical", ElectricalBasePh())
        self.state.add_feature("availability", AvailablePower())

    @property
    def source(self) -> str:
        """Profile that the unit follows: "solar" or "wind"."""
        source: str = self.config.source
        return source

    @property
    def available_power(self) -> float:
        """Power that sun or wind would give in the present interval [MW]."""
        p_mw: float = self.state.availability.available_p_MW
        return p_mw

    @available_power.setter
    def available_power(self, p_mw: float) -> None:
        self.state.availability.available_p_MW = min(max(p_mw, 0.0), self.config.p_rated_MW)

    def get_action_space(self) -> Box:
        """Return Box [share] or [share, q]."""
        if self.config.q_max_MVAr > 0.0:
            low, high = np.array([0.0, -1.0]), np.array([1.0, 1.0])
        else:
            low, high = np.array([0.0]), np.array([1.0])
        return Box(low=low.astype(np.float32), high=high.astype(np.float32), dtype=np.float32)

    def action_names(self) -> list[str]:
        """Return the names of the action's entries."""
        return ["share", "q"] if self.config.q_max_MVAr > 0.0 else ["share"]

    def idle_action(self) -> np.ndarray:
        """Return: take everything, no reactive power."""
        q_max = self.config.q_max_MVAr
        return np.array([1.0, normalize(0.0, -q_max, q_max)] if q_max > 0.0 else [1.0])

    def respond_to_price(self, price: float) -> np.ndarray:
        """Return: take everything, unless curtailing costs less than injecting at the price."""
        action = self.idle_action()
        if price < -self.config.curtailment_cost:
            action[0] = 0.0
        return action

    def kernel_parameters(self) -> list[float]:
        """Return the parameters in the order of the kernels' declaration."""
        config = self.config
        return [
            config.p_rated_MW,
            config.q_max_MVAr,
            math.inf if config.s_rated_MVA is None else config.s_rated_MVA,
            config.curtailment_cost,
            float(config.q_max_MVAr > 0.0),
        ]

    def set_device_action(self, action: np.ndarray) -> None:
        """Set the injected share of the available power, and reactive power within the rating."""
        config, electrical = self.config, self.state.electrical
        p = min(max(float(action[0]), 0.0), 1.0) * self.available_power
        electrical.p_MW = p
        if config.q_max_MVAr > 0.0:
            q = denormalize(action[1], -config.q_max_MVAr, config.q_max_MVAr)
            electrical.q_MVAr = within_rating(q, p, config.s_rated_MVA)

    def update_cost_safety(self) -> None:
        """Book curtailment [$/h]; safety is the excess over the inverter's rating."""
        electrical = self.state.electrical
        curtailed = self.available_power - electrical.p_MW
        self.cost_parts = {"curtailment": self.config.curtailment_cost * curtailed}
        self.cost = self.cost_parts["curtailment"]
        self.safety = s_over_rating(electrical.p_MW, electrical.q_MVAr, self.config.s_rated_MVA)


class SolarPlant(RenewableGenerator):
    """Photovoltaic plant: a renewable unit that follows the solar profile."""

    default_source: ClassVar[str | None] = "solar"


class WindPlant(RenewableGenerator):
    """Wind plant: a renewable unit that follows the wind profile."""

    default_source: ClassVar[str | None] = "wind"
