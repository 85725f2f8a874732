"""Transformer with an on-load tap changer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.spaces import Discrete
from pydantic import Field, model_validator

from powergrid.agents.device_agent import DeviceAgent
from powergrid.core.config import StrictModel, parse_config
from powergrid.core.features.electrical import ElectricalBasePh
from powergrid.core.features.tap import TapBlock
from powergrid.utils.cost import tap_change_cost
from powergrid.utils.safety import loading_over_pct

if TYPE_CHECKING:
    from powergrid.agents.placement import DevicePlace

__all__ = ["Transformer", "TransformerConfig"]


class TransformerConfig(StrictModel):
    """Parameters of a tap changer: which transformer of the network, its range, its wear.

    `transformer` is the network's name for it ("REG1"); `tap_min` and `tap_max` default to the
    network's; `tap_change_cost` is $ per step moved.
    """

    transformer: str
    bus: str | None = None
    tap_min: int | None = None
    tap_max: int | None = None
    tap_init: int | None = None
    tap_change_cost: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> TransformerConfig:
        if self.tap_min is not None and self.tap_max is not None and self.tap_min > self.tap_max:
            raise ValueError(f"tap_min ({self.tap_min}) exceeds tap_max ({self.tap_max})")
        return self


class Transformer(DeviceAgent):
    """A tap changer under the agent's control.

    The action is one of three: 0 lowers the tap by one step, 1 keeps it, 2 raises it. A move starts
    from the rounded position and ends within the range.

    Examples
    --------
    >>> reg = Transformer("reg", device_state_config={"transformer": "REG1", "tap_max": 16})
    >>> reg.set_device_action([2])
    >>> reg.state.tap.tap
    1.0
    """

    element: ClassVar[str] = "trafo"
    momentary_actions: ClassVar[tuple[int, ...]] = (0,)
    kernels: ClassVar = "powergrid.kernels.transformer:KERNELS"
    observed: ClassVar = (
        ("electrical", "p_MW"),
        ("electrical", "q_MVAr"),
        ("electrical", "v_pu"),
        ("tap", "tap"),
    )

    def __init__(
        self, agent_id: str, device_state_config: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(agent_id, device_state_config=device_state_config, **kwargs)
        self.config = parse_config(TransformerConfig, self._config, f"Transformer '{agent_id}'")
        config = self.config
        self.tap_min = -16 if config.tap_min is None else config.tap_min
        self.tap_max = 16 if config.tap_max is None else config.tap_max
        self.state.add_feature("electrical", ElectricalBasePh())
        self._initial_tap = float(config.tap_init or 0)
        self.state.add_feature("tap", TapBlock(tap=self._initial_tap))
        self._moved = 0.0  # steps moved by the last action
        self._last_dt = 1.0

    def take_place(self, place: DevicePlace) -> None:
        """Take over the transformer, its position and range; see `set_range`."""
        super().take_place(place)
        if place.taps is not None:
            self.set_range(*place.taps)

    def set_range(self, tap: float, tap_min: float, tap_max: float) -> None:
        """Take over position and range of the network's transformer, where none is configured.

        Raises
        ------
        ValueError
            If the configured range or position leaves the transformer's.
        """
        config = self.config
        self.tap_min = int(tap_min) if config.tap_min is None else config.tap_min
        self.tap_max = int(tap_max) if config.tap_max is None else config.tap_max
        position = round(tap) if config.tap_init is None else config.tap_init
        if not tap_min <= self.tap_min <= position <= self.tap_max <= tap_max:
            raise ValueError(
                f"Transformer '{self.agent_id}': tap {position} in {self.tap_min}..{self.tap_max} "
                f"does not fit {config.transformer}, whose range is {tap_min:g}..{tap_max:g}"
            )
        self._initial_tap = float(position)
        self.state.tap.tap = self._initial_tap

    def get_action_space(self) -> Discrete[np.int64]:
        """Return the three moves."""
        return Discrete(3)

    def action_names(self) -> list[str]:
        """Return the names of the action's entries."""
        return ["tap"]

    def idle_action(self) -> np.ndarray:
        """Return: keep the tap."""
        return np.array([1.0])

    def kernel_parameters(self) -> list[float]:
        """Return the parameters in the order of the kernels' declaration."""
        taps = (self.tap_min, self.tap_max, self._initial_tap)
        return [*map(float, taps), self.config.tap_change_cost]

    def set_device_action(self, action: np.ndarray) -> None:
        """Move the tap by at most one step."""
        tap = self.state.tap
        before = tap.tap
        move = round(float(action[0])) - 1
        if move != 0:
            tap.tap = float(min(max(round(before) + move, self.tap_min), self.tap_max))
        self._moved = tap_change_cost(tap.tap, before, 1.0)

    def update_state(self, net_results: Mapping[str, float] | None = None, dt: float = 1.0) -> None:
        """Take over the flow to the regulated side and the loading."""
        self._last_dt = dt
        if net_results is not None:
            self.state.electrical.p_MW = net_results["p_mw"]
            self.state.electrical.q_MVAr = net_results["q_mvar"]
            self.state.tap.loading_pct = net_results["loading_percent"]

    def update_cost_safety(self) -> None:
        """Book the wear of moves [$/h]; safety is the overload as a fraction."""
        wear = self._moved * self.config.tap_change_cost / self._last_dt
        self.cost_parts = {"switching": wear}
        self.cost = wear
        self.safety = loading_over_pct(self.state.tap.loading_pct)

    def reset_device(self) -> None:
        """Return to the initial position."""
        super().reset_device()
        self.state.tap.tap = self._initial_tap
        self._moved = 0.0
