"""The steps of all lanes since the last call, one array a step and kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron.adapters.rllib.batched.infos import InfoGroup
from heron.adapters.rllib.batched.module_pass import Key, Outputs

__all__ = ["Chunk", "Rollout", "Step", "Trajectories"]

Array = NDArray[Any]


@dataclass
class Chunk:
    """A part of an episode: steps ``begin`` to ``end`` of a lane.

    Attributes
    ----------
    lane : int
    episode : MultiAgentEpisode
        Without data as yet.
    age : int
        Steps of the episode before.
    begin, end : int
        Steps of the rollout; `end` is not one of them.
    started_s : float or None
        When the episode began [s]; None for a part that is not the first.
    is_terminated, is_truncated : bool
        How the episode ended.
    final : ndarray of float32 or None, (n_agent, n_obs)
        The observations after the last step, if the rollout has those of the next episode there.
    ids : list[str]
        Of the agents' episodes; all parts of an episode have the same.
    """

    lane: int
    episode: Any
    age: int
    begin: int
    end: int = -1
    started_s: float | None = None
    is_terminated: bool = False
    is_truncated: bool = False
    final: NDArray[np.float32] | None = None
    ids: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether the episode ends with this part."""
        return self.is_terminated or self.is_truncated


@dataclass(frozen=True)
class Step:
    """What one step of all lanes brought; rows are agents of lanes.

    Attributes
    ----------
    observations : ndarray of float32, (n_row, n_obs)
        Before the step.
    outputs : Outputs
        What modules put out, actions among them.
    rewards : ndarray, (n_row,)
    infos : dict[InfoGroup, ndarray]
        (n_row, n_name, ...) each.
    weights_seq_no : int
        Which weights the modules had.
    ended_s : float
        When the step ended [s].
    """

    observations: NDArray[np.float32]
    outputs: Outputs
    rewards: Array
    infos: dict[InfoGroup, Array]
    weights_seq_no: int
    ended_s: float


@dataclass(frozen=True)
class Trajectories:
    """The steps of a rollout by row, so that each agent's are next to each other.

    Attributes
    ----------
    observations : ndarray of float32, (n_row, n_step + 1, n_obs)
    columns : dict[Key, tuple[int, ndarray]]
        First step that has it, and (n_row, n_step - first, ...).
    rewards : ndarray, (n_row, n_step)
    infos : dict[InfoGroup, tuple[int, ndarray]]
        First step that has them, and (n_row, n_step - first, n_name, ...).
    weights_seq_no : ndarray of int, (n_step,)
    ended_s : list[float]
    keys : dict[str, dict[str, Any]]
        Columns of each module; see `Outputs`.
    """

    observations: NDArray[np.float32]
    columns: dict[Key, tuple[int, Array]]
    rewards: Array
    infos: dict[InfoGroup, tuple[int, Array]]
    weights_seq_no: NDArray[np.int64]
    ended_s: list[float]
    keys: dict[str, dict[str, Any]]


@dataclass
class Rollout:
    """Steps, to which more are added.

    Attributes
    ----------
    steps : list[Step]
        The first `n_carried` of them are of an earlier rollout, for those who look back.
    """

    steps: list[Step] = field(default_factory=list)
    n_carried: int = 0

    def __len__(self) -> int:
        return len(self.steps)

    def tail(self, n: int) -> Rollout:
        """Return a rollout that begins with the last n steps of this one."""
        kept = self.steps[-n:] if n else []
        return Rollout(kept, len(kept))

    def by_row(self, latest: NDArray[np.float32]) -> Trajectories:
        """Bring everything in the order of rows.

        Parameters
        ----------
        latest : ndarray of float32, (n_row, n_obs)
            Observations after the last step.
        """
        steps = self.steps
        keys: dict[str, dict[str, Any]] = {}
        for step in steps[self.n_carried :]:
            keys.update(step.outputs.keys)
        return Trajectories(
            observations=np.stack([*(s.observations for s in steps), latest], axis=1),
            columns=_stacked([s.outputs.columns for s in steps]),
            rewards=np.stack([s.rewards for s in steps], axis=1),
            infos=_stacked([s.infos for s in steps]),
            weights_seq_no=np.array([s.weights_seq_no for s in steps]),
            ended_s=[s.ended_s for s in steps],
            keys=keys,
        )


def _stacked(dicts: list[dict[Any, Array]]) -> dict[Any, tuple[int, Array]]:
    """Stack arrays by name, from the first step on that has one.

    A step without it takes that of the step before: nobody acted in it who has such an array.
    """
    lists: dict[Any, tuple[int, list[Array]]] = {}
    for number, arrays in enumerate(dicts):
        for key, array in arrays.items():
            first, values = lists.setdefault(key, (number, []))
            values.extend(values[-1:] * (number - first - len(values)))
            values.append(array)
    for first, values in lists.values():
        values.extend(values[-1:] * (len(dicts) - first - len(values)))
    return {key: (first, np.stack(values, axis=1)) for key, (first, values) in lists.items()}
