"""Coordinator of a set of power devices, with or without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Dict as DictSpace

from heron.agents.coordinator_agent import CoordinatorAgent
from heron.core.policies import Policy
from heron.errors import ConfigError
from heron.protocols.base import NoProtocol, Protocol
from heron.protocols.vertical import PriceSignalProtocol
from powergrid.agents.action_layout import ActionDim, ActionLayout, ActionPart
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.grid import Grid
from powergrid.agents.grid_config import GridAgentConfig
from powergrid.agents.placement import DeviceRequest, request_of
from powergrid.agents.price_dial import PriceDial
from powergrid.agents.protocol_config import PriceConfig
from powergrid.agents.registry import build_device
from powergrid.agents.told import Told
from powergrid.core.config import parse_config
from powergrid.core.state.state import GridState

__all__ = ["GridAgent"]


class GridAgent(CoordinatorAgent):
    """A coordinator whose subordinates are power devices.

    Parameters
    ----------
    grid_config : mapping
        See `GridAgentConfig`; its name becomes the agent's id.
    protocol : Protocol
        How an action reaches the devices.
    policy : Policy, optional
        Used by `act` if no action comes from above.

    Attributes
    ----------
    cost : float
        Operating cost of the last step [$].
    safety : float
        Limit violations of the last step, summed.
    cost_parts, safety_parts : dict[str, float]
        The same by cause.
    """

    # Told by the engine, where one steps the agent.
    cost: float = Told()  # type: ignore[assignment]
    safety: float = Told()  # type: ignore[assignment]
    cost_parts: dict[str, float] = Told()  # type: ignore[assignment]
    safety_parts: dict[str, float] = Told()  # type: ignore[assignment]

    def __init__(
        self,
        grid_config: Mapping[str, Any],
        protocol: Protocol,
        policy: Policy | None = None,
        **kwargs: Any,
    ) -> None:
        name = grid_config.get("name", "grid")
        self.config_model = parse_config(GridAgentConfig, grid_config, f"grid '{name}'")
        super().__init__(
            agent_id=self.config_model.name,
            policy=policy,
            protocol=protocol,
            config={"agents": list(self.config_model.devices)},
            **kwargs,
        )
        self.base_power = self.config_model.base_power
        self.state = GridState(owner_id=self.agent_id)
        self.cost = 0.0
        self.safety = 0.0
        self.cost_parts = {}
        self.safety_parts = {}
        for entry in self.config_model.devices:
            self.add_device(build_device(entry, self.agent_id))
        self._dial: PriceDial | None = None
        if isinstance(protocol, PriceSignalProtocol):
            self._dial = PriceDial(_price_config(self.config_model, protocol.price))
        self.lay_out_actions()

    @property
    def devices(self) -> dict[str, DeviceAgent]:
        """The devices by name, in configuration order."""
        return self.subordinate_agents

    @property
    def action_parts(self) -> Mapping[str, ActionPart]:
        """What a flat action consists of: the devices, or the price that they respond to."""
        return self.devices if self._dial is None else {self._dial.agent_id: self._dial}

    def lay_out_actions(self, union: Sequence[tuple[str, ActionDim]] | None = None) -> None:
        """Lay flat actions out, by the entries that all agents of an environment share, if any."""
        self.action_layout = ActionLayout(self.action_parts, union)

    def add_device(self, device: DeviceAgent) -> None:
        """Put a device under this coordinator.

        Raises
        ------
        ConfigError
            If the name is taken.
        """
        if device.agent_id in self.subordinate_agents:
            raise ConfigError(f"{self.agent_id}: two devices are called '{device.agent_id}'")
        device.upstream_id = self.agent_id
        self.subordinate_agents[device.agent_id] = device

    def add_meter(self, *, is_merged: bool) -> None:
        """Give a merged microgrid the priced connection that it has even if none is configured.

        Raises
        ------
        ConfigError
            If a connection is configured, and also that there is none.
        """
        meters = [name for name, device in self.devices.items() if isinstance(device, Grid)]
        if self.config_model.grid_price == "none":
            if meters:
                raise ConfigError(
                    f"{self.agent_id}: grid_price is none, but device '{meters[0]}' is a Grid; "
                    f"remove one of the two"
                )
        elif is_merged and not meters:
            self.add_device(Grid("grid"))

    def requests(self) -> tuple[DeviceRequest, ...]:
        """Return what the devices want of a network; ConfigError if one cannot be in any."""
        return tuple(request_of(device, self.agent_id) for device in self.devices.values())

    def get_action_space(self) -> DictSpace:
        """Return the devices' own action spaces, by name."""
        return DictSpace({name: device.get_action_space() for name, device in self.devices.items()})

    def apply_action(self, flat: np.ndarray) -> None:
        """Set the devices from a flat action in [-1, 1], laid out by `action_layout`."""
        in_units = self.action_layout.to_device_units(flat)
        told = self._protocol().coordinate(in_units, self.devices)
        for device_id, device in self.devices.items():
            # A device that the protocol leaves out decides for itself; it never acts again as it
            # did before, for what was possible then may not be now.
            if device_id in told:
                action = told[device_id]
            elif device.policy is not None:
                action = device.act(device.observe())
            else:
                action = device.idle_action()
            device.obey(action)

    def act(self, observation: Any, upstream_action: Any = None) -> dict[str, Any]:
        """Split the upstream action, else the policy's, into the devices' actions by name.

        The action is a flat one in [-1, 1], laid out by `action_layout`, or of the form that
        `ActionLayout.unflatten` gives; the parts are in the devices' own units. Nothing is split by
        an agent without protocol that neither gets an action nor has a policy.
        """
        has_own = upstream_action is not None or self.policy is not None
        if isinstance(self._protocol(), NoProtocol) and not has_own:
            return {}
        action = self._decide(observation, upstream_action)
        flat = self.flatten_action(action) if isinstance(action, Mapping) else action
        flat = self.check_action(flat)
        self.action = flat
        in_units = self.action_layout.to_device_units(flat)
        return self._protocol().coordinate(in_units, self.devices)

    def flatten_action(self, action: Any) -> np.ndarray:
        """Return the flat form of an action that separates continuous and discrete parts.

        Raises
        ------
        ConfigError
            (a ValueError) saying what came and what was expected.
        """
        layout = self.action_layout
        space = layout.space("dict")
        parts = {key: part.shape for key, part in space.spaces.items()}  # type: ignore[attr-defined]
        got = (
            {key: np.shape(value) for key, value in action.items()}
            if isinstance(action, Mapping)
            else type(action).__name__
        )
        if got != parts:
            raise ConfigError(
                f"action of {self.agent_id} has parts {got}, expected {parts}: "
                f"{', '.join(layout.names)}"
            )
        if "d" in parts:
            options = np.array([dim.n_option for dim in layout.dims if dim.n_option])
            chosen = np.asarray(action["d"])
            if not np.array_equal(chosen, np.clip(np.round(chosen), 0, options - 1)):
                raise ConfigError(
                    f"discrete action of {self.agent_id} is {chosen.tolist()}, expected integers "
                    f"below {options.tolist()}"
                )
        return layout.flatten(action)

    def check_action(self, action: Any) -> np.ndarray:
        """Return a flat action as float64 if shape and values are right.

        Raises
        ------
        ValueError
            Saying what came and what was expected.
        """
        layout = self.action_layout
        try:
            flat = np.asarray(action, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"action of {self.agent_id} is no array of numbers ({error}), expected shape "
                f"({layout.size},): {', '.join(layout.names)}"
            ) from None
        if flat.shape != (layout.size,):
            raise ValueError(
                f"action of {self.agent_id} has shape {flat.shape}, expected ({layout.size},): "
                f"{', '.join(layout.names)}"
            )
        if not np.isfinite(flat).all():
            bad = [layout.names[i] for i in np.flatnonzero(~np.isfinite(flat))]
            raise ValueError(
                f"action of {self.agent_id} is not finite at {', '.join(bad)}: {flat.tolist()}"
            )
        return flat

    def idle_action(self) -> np.ndarray:
        """Return the flat action of doing nothing, float32, (n,); of a price, the initial one."""
        own = [part.idle_action() for part in self.action_parts.values()]
        values = np.concatenate(own) if own else np.zeros(0)
        return self.action_layout.from_device_units(values).astype(np.float32)


def _price_config(config: GridAgentConfig, initial_price: float) -> PriceConfig:
    """Return the range of prices: what is configured, else the usual one."""
    if isinstance(config.protocol, PriceConfig):
        return config.protocol
    usual = PriceConfig()
    return PriceConfig(
        initial_price=initial_price,
        lowest_price=min(usual.lowest_price, initial_price),
        highest_price=max(usual.highest_price, initial_price),
    )
