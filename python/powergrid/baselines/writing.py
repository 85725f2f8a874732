"""From set-points in MW and Mvar to an agent's action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.generator import Generator
from powergrid.agents.renewable import RenewableGenerator
from powergrid.agents.set_point import normalize
from powergrid.agents.storage import ESS
from powergrid.agents.transformer import Transformer
from powergrid.envs.networked_grid_env import NetworkedGridEnv

__all__ = ["SetPoint", "write_action"]


@dataclass(frozen=True)
class SetPoint:
    """What a device is to do in the coming interval; what its kind does not know is ignored.

    `p_mw` and `q_mvar` are injections, `share` that of the available renewable power, `tap_move`
    is -1, 0 or 1.
    """

    p_mw: float = 0.0
    q_mvar: float = 0.0
    is_on: bool = False
    share: float = 1.0
    tap_move: int = 0


def write_action(env: NetworkedGridEnv, agent: str, set_points: Mapping[str, SetPoint]) -> Any:
    """Return the agent's action in the form that the environment takes.

    Devices without a set-point do nothing.
    """
    member = env.agent_dict[agent]
    values = [
        _device_action(device, set_points[device_id])
        if device_id in set_points
        else device.idle_action()
        for device_id, device in member.devices.items()
    ]
    in_units = np.concatenate(values) if values else np.zeros(0)
    flat = member.action_layout.from_device_units(in_units).astype(np.float32)
    return flat if env.config.action_mode == "flat" else member.action_layout.unflatten(flat)


def _device_action(device: DeviceAgent, point: SetPoint) -> np.ndarray:
    if isinstance(device, Generator):
        limits = device.config
        action = [
            normalize(point.p_mw, limits.p_min_MW, limits.p_max_MW),
            normalize(point.q_mvar, limits.q_min_MVAr, limits.q_max_MVAr),
        ]
        return np.array([*action, float(point.is_on)] if limits.commitment else action)
    if isinstance(device, ESS):
        p_min, q_min = device.config.p_min_MW, device.config.q_min_MVAr
        assert p_min is not None
        assert q_min is not None
        action = [normalize(point.p_mw, p_min, device.config.p_max_MW)]
        if device.has_reactive_power:
            action.append(normalize(point.q_mvar, q_min, device.config.q_max_MVAr))
        return np.array(action)
    if isinstance(device, RenewableGenerator):
        q_max = device.config.q_max_MVAr
        return np.array(
            [point.share, normalize(point.q_mvar, -q_max, q_max)] if q_max > 0.0 else [point.share]
        )
    if isinstance(device, Transformer):
        return np.array([point.tap_move + 1.0])
    return device.idle_action()
