"""Agents that control one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from heron.agents.base import Agent
from heron.core.action import Action
from heron.core.observation import Observation
from heron.core.state import FieldAgentState
from heron.scheduling.priority import ACTION_EFFECT

if TYPE_CHECKING:
    from heron.agents.proxy_agent import ProxyAgent
    from heron.scheduling.agents_of_scheduler import AgentsOfScheduler

__all__ = ["FIELD_LEVEL", "FieldAgent"]

FIELD_LEVEL = 1


class FieldAgent(Agent):
    """An agent of the lowest level, without subordinates.

    Subclasses add features to `state` and override `get_action_space`.

    Examples
    --------
    >>> import numpy as np
    >>> heater = FieldAgent("heater")
    >>> heater.act(heater.observe(), upstream_action=np.array([0.5])).c
    array([0.5], dtype=float32)
    """

    def __init__(self, agent_id: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(agent_id, *args, **kwargs)
        self.level = FIELD_LEVEL
        self.state = FieldAgentState(self.agent_id, self.level)
        self._action: Action | None = None

    def get_action_space(self) -> spaces.Space[Any]:
        """Return the space of the agent's actions: one number in [-1, 1] unless overridden."""
        return spaces.Box(-1.0, 1.0, (1,), np.float32)

    @property
    def action(self) -> Action:
        """The action, made from `get_action_space` at first use."""
        if self._action is None:
            self._action = Action.from_gym_space(self.get_action_space())
        return self._action

    @action.setter
    def action(self, action: Action) -> None:
        self._action = action

    def observe(
        self, global_state: Mapping[str, Any] | None = None, *, timestamp: float = 0.0
    ) -> Observation:
        """Return the agent's own features, those it may see."""
        local = self.state.observed_by(self.agent_id, self.level)
        return Observation(dict(local), dict(global_state or {}), timestamp)

    def act(self, observation: Any, upstream_action: Any = None) -> Action:
        """Set `action` to the upstream action, else to the policy's, and return it.

        Raises
        ------
        ConfigError
            If there is neither.
        ValueError
            If the action has the wrong shape or is not finite; `action` keeps its values.
        """
        self.action.set_values(self._decide(observation, upstream_action))
        return self.action

    def tick(
        self,
        scheduler: AgentsOfScheduler,
        current_time: float,
        global_state: Mapping[str, Any] | None = None,
        proxy: ProxyAgent | None = None,
    ) -> None:
        """Let the newest action that arrived take effect, after the agent's drawn `act_delay`.

        If none has arrived, an agent that is not commanded decides by its policy; otherwise nothing
        happens. The effect carries the action as it was decided, while `action` keeps it clipped
        and as float32.
        """
        self.current_time = current_time
        command, observation = self._newest_command(), None
        if command is None:
            if self.is_commanded or self.policy is None:
                return
            seen_s = current_time - scheduler.get_obs_delay(self.address)
            observation = self.observe_as_of(seen_s, global_state, proxy)
        effect = self.carry_out(command, observation)
        scheduler.schedule_action_effect(self.address, effect, priority=ACTION_EFFECT)

    def carry_out(self, command: Any, observation: Any = None) -> Any:
        """Act on a command, else by the policy, and return what is to take effect.

        That is what a subclass's `act` makes of it, or the decision itself, since `action` is only
        a rounded copy.
        """
        decision = self._decide(observation, command)
        done = self.act(observation, upstream_action=decision)
        return decision if done is self._action else done

    def reset(self, seed: int | None = None) -> None:
        """Return state and action to their initial values and begin an episode."""
        super().reset(seed)
        if self._action is not None:
            self._action.reset()
