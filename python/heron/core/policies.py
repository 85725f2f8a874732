"""What decides: a map from an observation to an action."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gymnasium.spaces import Space

__all__ = ["Policy", "RandomPolicy"]


class Policy(ABC):
    """Decide an action from an observation.

    `reset` and `seed` do nothing here: a policy without memory or chance need not override them.
    """

    @abstractmethod
    def forward(self, observation: Any) -> Any:
        """Return the action for an observation."""

    def reset(self) -> None:  # noqa: B027
        """Forget what belongs to the episode that ended."""

    def seed(self, seed: int) -> None:  # noqa: B027
        """Start the policy's random draws anew."""


class RandomPolicy(Policy):
    """Draw every action uniformly from a space.

    Parameters
    ----------
    action_space
        The space; copied, so that its own generator is left alone.
    seed
        Start of the draws; without it they differ from run to run.
    """

    def __init__(self, action_space: Space[Any], seed: int | None = None) -> None:
        self.action_space = copy.deepcopy(action_space)
        self.action_space.seed(seed)

    def forward(self, observation: Any = None) -> Any:
        """Return a random action; the observation does not matter."""
        return self.action_space.sample()

    def seed(self, seed: int) -> None:
        """Start the draws anew."""
        self.action_space.seed(seed)
