"""Grid environments whose agents act by messages and see through a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from heron.agents.proxy_agent import ProxyAgent
from heron.agents.table_history import TableHistory
from heron.core.action import Action
from heron.core.feature_table import FeatureTable
from heron.envs.pettingzoo import PettingZooParallelEnv
from heron.errors import ConfigError
from powergrid.agents.common_plan import CommonPlan
from powergrid.agents.device_agent import DeviceAgent
from powergrid.agents.device_pieces import Command
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.actions import check_actions
from powergrid.envs.config import EnvConfig

__all__ = ["GridMessages"]

_NOW = np.zeros(1, np.int32)  # the lane of a single environment


# PettingZoo carries no type information, so mypy takes its base class for Any.
class GridMessages(PettingZooParallelEnv):
    """Mixin with what `NetworkedGridEnv` does by messages.

    A coordinator's protocol splits its action, and each part goes as an ACTION message down the
    channel to its device, which obeys what has arrived. Observations are gathered by the
    `ProxyAgent` from its snapshots of the feature table. Nothing takes time, so that a step is the
    centralized one.
    """

    config: EnvConfig
    agent_dict: dict[str, PowerGridAgent]
    table: FeatureTable
    _now_s = 0.0  # start of the interval, since that of the episode
    _recording: FeatureTable | None = None  # a copy of the table that keeps the past
    _plan: CommonPlan | None = None  # what agents agree on before they act

    # --- seeing through the proxy -------------------------------------------------------------

    def _use_proxy(self, n_history: int) -> None:
        """Let a proxy look at the last `n_history` snapshots, of which there are none yet."""
        if self.proxy_agent is None:
            self.set_proxy_agent(ProxyAgent())
        proxy = self.proxy_agent
        assert proxy is not None
        recording = self._recording
        if recording is None or recording.n_history < n_history:
            recording = self.table.with_history(n_history)
            self._recording = recording
        recording.clear_history(0)
        known = proxy.history.table if isinstance(proxy.history, TableHistory) else None
        if known is not recording:
            proxy.use_table(recording)

    def _take_snapshot(self) -> None:
        """Show the proxy the features as they are now."""
        recording = self._recording
        assert recording is not None
        recording.values[:] = self.table.values
        recording.snapshot(_NOW, np.array([self._now_s]))

    def _observations_by_proxy(self) -> dict[str, np.ndarray]:
        """Return what the proxy shows every agent of the present."""
        self._take_snapshot()
        return {
            name: agent.observe_as_of(self._now_s, proxy=self.proxy_agent)
            for name, agent in self.agent_dict.items()
        }

    # --- acting by messages -------------------------------------------------------------------

    def _commands_by_message(self, actions: Mapping[str, Any]) -> list[Command]:
        """Send the actions down, and return what the devices make of what has arrived.

        A device that its agent's protocol leaves out decides by its own policy, or rests.

        Raises
        ------
        ValueError
            As `step`; nothing is left on its way then.
        """
        flat = check_actions(self.agent_dict, actions, self.config.action_mode)
        if self._plan is not None:
            flat = {name: action.copy() for name, action in flat.items()}
            self._plan.agree(list(flat.values()))
        parts = {name: agent.act(None, flat[name]) for name, agent in self.agent_dict.items()}
        try:
            for name, agent in self.agent_dict.items():
                agent.current_time = self._now_s
                agent.hand_down(parts[name])
            return [
                command
                for name, agent in self.agent_dict.items()
                for device_id, device in agent.devices.items()
                for command in self._obey(f"{name}/{device_id}", device)
            ]
        except Exception:
            self.clear_broker_environment()
            raise

    def _obey(self, path: str, device: DeviceAgent) -> list[Command]:
        arrived = device.receive_action_messages()
        told = arrived[-1] if arrived else None
        if told is None and device.policy is None:
            effect: Any = device.idle_action()
        else:
            effect = device.carry_out(told, device.observe(timestamp=self._now_s))
        return self._command(path, effect, self._now_s)

    def _command(self, path: str, action: Any, time_s: float) -> list[Command]:
        """Return an action as a device's command; nothing for a device that has no actions.

        Raises
        ------
        ConfigError
            (a ValueError) if there is no such device, or the action has the wrong form.
        """
        name, _, device_id = path.partition("/")
        device = self.agent_dict[name].devices.get(device_id) if name in self.agent_dict else None
        if device is None:
            raise ConfigError(f"{path} is no device of the network, so its action has no effect")
        vector = action.vector() if isinstance(action, Action) else action
        try:
            values = np.atleast_1d(np.asarray(vector, dtype=np.float64))
        except (TypeError, ValueError):
            raise ConfigError(f"action of {path} is {vector!r}, expected numbers") from None
        n_expected = len(device.action_names())
        if values.shape != (n_expected,) or not np.isfinite(values).all():
            raise ConfigError(
                f"action of {path} is {values.tolist()}, expected {n_expected} finite numbers"
            )
        return [Command(path, time_s, values)] if n_expected else []
