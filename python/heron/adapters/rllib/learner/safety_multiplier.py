"""A price of violations that rises until there are few enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.errors import ConfigError, nearest

__all__ = ["Lagrangian", "SafetyMultiplier"]


@dataclass(frozen=True)
class Lagrangian:
    """Maximise the return such that an episode's violations stay below a limit.

    Attributes
    ----------
    limit : float
        Mean over episodes of the violations, summed over steps and agents.
    rate : float
        By how much the multiplier rises in an update for each unit above the limit.
    start : float
        The multiplier to begin with, on top of the environment's own penalty
        [$ per unit of violation].
    largest : float
        Where it stops.
    info : str
        Entry of the infos that counts violations.
    """

    limit: float = 0.0
    rate: float = 300.0
    start: float = 0.0
    largest: float = 10_000.0
    info: str = "safety"

    @classmethod
    def of(cls, settings: Lagrangian | Mapping[str, Any]) -> Lagrangian:
        """Return the settings that a mapping gives.

        Raises
        ------
        ConfigError
            If a key is unknown or a value makes no sense.
        """
        if isinstance(settings, Lagrangian):
            return settings
        names = list(cls.__dataclass_fields__)
        for key in settings:
            if key not in names:
                raise ConfigError(f"lagrangian: {nearest(str(key), names)}")
        made = cls(**settings)
        if made.limit < 0 or made.rate < 0 or not 0 <= made.start <= made.largest:
            raise ConfigError(f"{made}: expected limit, rate >= 0 and 0 <= start <= largest")
        return made


class SafetyMultiplier:
    """The multiplier of the constraint, raised by gradient ascent.

    With lambda the multiplier, s_t an agent's violations and J their mean sum over episodes, the
    learner's rewards are r_t - lambda s_t, and after each update of the policies
    lambda <- clip(lambda + rate (J - limit), 0, largest) (Tessler, Mankowitz and Mannor, 2019,
    "Reward constrained policy optimization", eq. 8, with the return's own critic).

    Parameters
    ----------
    settings : Lagrangian
        How.
    is_shared : bool
        Whether the environment pays every agent the mean; then each pays for the mean of the
        violations.

    Attributes
    ----------
    value : float
        The multiplier [$ per unit of violation].
    mean : float
        Violations of an episode, mean over those of the last update.
    """

    def __init__(self, settings: Lagrangian, *, is_shared: bool) -> None:
        self.settings, self.is_shared = settings, is_shared
        self.value = settings.start
        self.mean = 0.0
        self._total, self._n_episode = 0.0, 0

    def charges(self, episode: Any) -> dict[str, NDArray[np.float64]]:
        """Return what each agent of an episode pays for its violations, (n_step,) each [$]."""
        counts = {agent: self._count(e) for agent, e in episode.agent_episodes.items()}
        if self.is_shared and counts:
            mean: NDArray[np.float64] = np.mean(list(counts.values()), axis=0)
            counts = {agent: mean for agent in counts}  # noqa: C420  mypy loses the type
        return {agent: self.value * count for agent, count in counts.items()}

    def rise(self, episodes: list[Any]) -> None:
        """Change by what episodes came to; parts of them count when one has ended."""
        for episode in episodes:
            self._total += sum(float(self._count(e).sum()) for e in episode.agent_episodes.values())
            self._n_episode += bool(episode.is_done)
        if not self._n_episode:
            return
        settings = self.settings
        self.mean, self._total, self._n_episode = self._total / self._n_episode, 0.0, 0
        raised = self.value + settings.rate * (self.mean - settings.limit)
        self.value = float(np.clip(raised, 0.0, settings.largest))

    def _count(self, episode: Any) -> NDArray[np.float64]:
        """Return the violations of an agent's steps, (n_step,)."""
        infos, name = episode.infos, self.settings.info
        n_step = len(episode)
        column = getattr(infos, "column", None)
        values = None if column is None else column(name)
        if values is None:
            told = episode.get_infos(slice(1, n_step + 1))
            if any(name not in info for info in told):
                raise ConfigError(f"lagrangian: infos have no {name!r} to count violations by")
            values = np.array([info[name] for info in told])
        return np.asarray(values[len(values) - n_step :], np.float64)
