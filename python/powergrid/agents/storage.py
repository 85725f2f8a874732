"""Battery energy storage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from pydantic import Field, model_validator

from powergrid.agents.device_agent import DeviceAgent, DeviceConfig
from powergrid.agents.set_point import denormalize, normalize, within_rating
from powergrid.core.config import parse_config
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.core.features.storage import StorageBlock
from powergrid.utils.safety import s_over_rating, soc_bounds_penalty

__all__ = ["ESS", "StorageConfig"]


class StorageConfig(DeviceConfig):
    """Parameters of a battery; positive power is discharge.

    `p_min_MW` (largest charging power, negative) defaults to ``-p_max_MW``. A battery whose
    inverter may give reactive power has `q_max_MVAr` above 0; `s_rated_MVA` bounds both together.
    `degradation_cost` is $/MWh of energy exchanged with the grid, in either direction.
    `energy_value` is what stored energy is worth when the battery responds to a price [$/MWh].
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "p_dsc_max_MW": "p_max_MW",
        "p_ch_max_MW": "p_min_MW",
        "eta_ch": "ch_eff",
        "eta_dsc": "dsc_eff",
        "soc_init": "init_soc",
    }

    e_capacity_MWh: float = Field(default=5.0, gt=0.0)
    p_max_MW: float = Field(default=1.0, ge=0.0)
    p_min_MW: float | None = None
    q_max_MVAr: float = Field(default=0.0, ge=0.0)
    q_min_MVAr: float | None = Field(default=None, le=0.0)
    s_rated_MVA: float | None = Field(default=None, gt=0.0)
    soc_max: float = Field(default=0.9, ge=0.0, le=1.0)
    soc_min: float = Field(default=0.1, ge=0.0, le=1.0)
    init_soc: float = Field(default=0.5, ge=0.0, le=1.0)
    ch_eff: float = Field(default=0.95, gt=0.0, le=1.0)
    dsc_eff: float = Field(default=0.95, gt=0.0, le=1.0)
    degradation_cost: float = Field(default=0.0, ge=0.0)
    energy_value: float = Field(default=50.0, ge=0.0)

    @model_validator(mode="before")
    @classmethod
    def _charging_power_may_be_given_positive(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("p_ch_max_MW"), int | float):
            data = dict(data)
            data["p_ch_max_MW"] = -abs(data["p_ch_max_MW"])
        return data

    @model_validator(mode="after")
    def _consistent(self) -> StorageConfig:
        if self.p_min_MW is None:
            self.p_min_MW = -self.p_max_MW
        if self.p_min_MW > 0.0:
            raise ValueError(
                f"p_min_MW is {self.p_min_MW}: it is the largest charging power, at most 0"
            )
        if self.q_min_MVAr is None:
            self.q_min_MVAr = -self.q_max_MVAr
        if self.soc_min > self.soc_max:
            raise ValueError(f"soc_min ({self.soc_min}) exceeds soc_max ({self.soc_max})")
        if not self.soc_min <= self.init_soc <= self.soc_max:
            raise ValueError(
                f"init_soc ({self.init_soc}) lies outside soc_min ({self.soc_min}) .. "
                f"soc_max ({self.soc_max})"
            )
        rating = self.s_rated_MVA
        if rating is not None and max(self.p_max_MW, -self.p_min_MW) > rating:
            raise ValueError(f"s_rated_MVA ({rating}) is below the active power limits")
        return self


class ESS(DeviceAgent):
    """A battery: the agent sets its power, positive = discharge.

    The action is ``[p]`` in [-1, 1] over [p_min, p_max], or ``[p, q]`` where the inverter may give
    reactive power. A set-point that would leave [soc_min, soc_max] within the coming interval is
    shrunk to what the limit allows, so the energy stored changes by exactly what flowed, times the
    efficiency: ``dE = -P dt / dsc_eff`` when discharging, ``-P dt * ch_eff`` when charging.

    Examples
    --------
    >>> battery = ESS("ess1", device_state_config={"bus": "Bus 634", "e_capacity_MWh": 2.0})
    >>> battery.set_device_action([1.0])   # ask for 1 MW over an hour; 0.76 MWh can be given
    >>> round(battery.state.electrical.p_MW, 2)
    0.76
    """

    element: ClassVar[str] = "storage"
    kernels: ClassVar = "powergrid.kernels.storage:KERNELS"
    observed: ClassVar = (
        ("electrical", "p_MW"),
        ("electrical", "q_MVAr"),
        ("electrical", "v_pu"),
        ("storage", "soc"),
        ("storage", "e_capacity_MWh"),
    )

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = parse_config(StorageConfig, self._config, f"ESS '{agent_id}'")
        config = self.config
        self.state.add_feature("electrical", ElectricalBasePh())
        self.state.add_feature(
            "storage",
            StorageBlock(
                soc=config.init_soc,
                e_capacity_MWh=config.e_capacity_MWh,
                e_stored_MWh=config.init_soc * config.e_capacity_MWh,
                ch_eff=config.ch_eff,
                dsc_eff=config.dsc_eff,
            ),
        )

    @property
    def has_reactive_power(self) -> bool:
        """Whether the inverter gives reactive power on demand."""
        return self.config.q_max_MVAr > 0.0 or bool(self.config.q_min_MVAr)

    def get_action_space(self) -> Box:
        """Return Box [p] or [p, q]."""
        shape = (2,) if self.has_reactive_power else (1,)
        return Box(low=-1.0, high=1.0, shape=shape, dtype=np.float32)

    def action_names(self) -> list[str]:
        """Return the names of the action's entries."""
        return ["p", "q"] if self.has_reactive_power else ["p"]

    def idle_action(self) -> np.ndarray:
        """Return: neither charge nor discharge, no reactive power."""
        config = self.config
        p = normalize(0.0, config.p_min_MW, config.p_max_MW)
        if not self.has_reactive_power:
            return np.array([p])
        return np.array([p, normalize(0.0, config.q_min_MVAr, config.q_max_MVAr)])

    def respond_to_price(self, price: float) -> np.ndarray:
        """Return full discharge, full charge or rest, whichever earns most at a price [$/MWh].

        With v the value of stored energy: discharging earns ``price - degradation - v / dsc_eff`` a
        MWh, charging ``v * ch_eff - price - degradation``, resting nothing.
        """
        config, action = self.config, self.idle_action()
        value, wear = config.energy_value, config.degradation_cost
        if price - wear > value / config.dsc_eff:
            action[0] = 1.0
        elif price + wear < value * config.ch_eff:
            action[0] = -1.0
        return action

    def power_limits(self, dt: float) -> tuple[float, float]:
        """Return the lowest and highest power [MW] that the energy content allows for `dt` h."""
        config, storage = self.config, self.state.storage
        room = (config.soc_max - storage.soc) * config.e_capacity_MWh
        content = (storage.soc - config.soc_min) * config.e_capacity_MWh
        lowest = max(config.p_min_MW, -max(room, 0.0) / (config.ch_eff * dt))
        highest = min(config.p_max_MW, max(content, 0.0) * config.dsc_eff / dt)
        return lowest, highest

    def kernel_parameters(self) -> list[float]:
        """Return the parameters in the order of the kernels' declaration."""
        config = self.config
        return [
            config.e_capacity_MWh,
            config.p_max_MW,
            config.p_min_MW,
            config.q_max_MVAr,
            config.q_min_MVAr,
            math.inf if config.s_rated_MVA is None else config.s_rated_MVA,
            config.soc_max,
            config.soc_min,
            config.init_soc,
            config.ch_eff,
            config.dsc_eff,
            config.degradation_cost,
            float(self.has_reactive_power),
        ]

    def set_device_action(self, action: np.ndarray) -> None:
        """Set charging or discharging power within power, energy and inverter limits."""
        config, electrical = self.config, self.state.electrical
        lowest, highest = self.power_limits(self.dt)
        p = denormalize(action[0], config.p_min_MW, config.p_max_MW)
        p = min(max(p, lowest), highest)
        electrical.p_MW = p
        if self.has_reactive_power:
            q = denormalize(action[1], config.q_min_MVAr, config.q_max_MVAr)
            electrical.q_MVAr = within_rating(q, p, config.s_rated_MVA)

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Move the state of charge by what flowed during `dt` hours."""
        config, electrical, storage = self.config, self.state.electrical, self.state.storage
        p = electrical.p_MW
        outflow = p * dt / config.dsc_eff if p > 0.0 else p * dt * config.ch_eff
        soc = storage.soc - outflow / config.e_capacity_MWh
        # The set-point already respects the limits; this removes the last bit of rounding.
        storage.soc = min(max(soc, config.soc_min), config.soc_max)
        storage.e_stored_MWh = storage.soc * config.e_capacity_MWh

    def update_cost_safety(self) -> None:
        """Book degradation [$/h]; safety is the distance to the SOC limits and the rating."""
        config, electrical = self.config, self.state.electrical
        self.cost_parts = {"degradation": config.degradation_cost * abs(electrical.p_MW)}
        self.cost = self.cost_parts["degradation"]
        self.safety = soc_bounds_penalty(
            self.state.storage.soc, config.soc_min, config.soc_max
        ) + s_over_rating(electrical.p_MW, electrical.q_MVAr, config.s_rated_MVA)
