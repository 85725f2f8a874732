"""What a vector of multi-agent environments is, to those who train on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gymnasium.spaces import Space
    from gymnasium.vector import AutoresetMode

__all__ = ["VectorMultiAgentEnv"]


@runtime_checkable
class VectorMultiAgentEnv(Protocol):
    """Lanes, each of them one environment with the same agents, stepped together.

    All that the adapters ask of an environment. Guaranteed is:

    - Agents share one observation and one action Box, keep their order, and are all there from the
      first step of an episode to its last, which is the same for all agents of a lane.
    - A lane depends on its own seeds and actions only, not on how many others there are.
    - `reset` and `step` may answer with the same arrays every time: what they hold is valid until
      the next call of either. The caller's arrays are read during the call only.
    - Lanes that are over, terminated or truncated, start anew by `autoreset_mode`, as in Gymnasium.
      "NextStep": the next step starts them, whatever their actions; it pays 0 there, says False
      twice, and its infos mean nothing in these lanes. "SameStep": the step that ends an episode
      returns the first observations of the next one; ``infos["final_obs"]``, of the shape of the
      observations, has the last ones, in these lanes only. "Disabled": `reset` with a mask only.
    - Infos are arrays, (num_envs, ...) or (num_envs, n_agent, ...), of the step that was lived
      through. Where one speaks of the episode so far, and "SameStep" has begun another,
      ``final_<name>`` has that of the episode that ended.

    Attributes
    ----------
    num_envs : int
        Number of lanes.
    agents : list[str]
        Names along the second axis.
    single_observation_space, single_action_space : Box
        (n_agent, n_obs) and (n_agent, n_entry), float32.
    action_mask : ndarray of bool, (n_agent, n_entry)
        False where an entry of an agent's action has no effect.
    autoreset_mode : AutoresetMode
        What becomes of lanes that are over.
    metadata : dict
        Of the single environment, and ``autoreset_mode``.
    """

    num_envs: int
    agents: list[str]
    single_observation_space: Space[Any]
    single_action_space: Space[Any]
    action_mask: NDArray[np.bool_]
    autoreset_mode: AutoresetMode
    metadata: dict[str, Any]

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode in all lanes, or in those of ``options["reset_mask"]``.

        Parameters
        ----------
        seed : int or sequence, optional
            Lane i gets ``seed + i``, or ``seed[i]``; without one its generator goes on.
        options : mapping, optional
            ``reset_mask``: bool, (num_envs,). The rest is the environment's own.

        Returns
        -------
        observations : ndarray of float32, (num_envs, n_agent, n_obs)
            Of all lanes, also of those that go on.
        infos : dict
        """
        ...

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[
        NDArray[np.float32],
        NDArray[np.float64],
        NDArray[np.bool_],
        NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Live through one interval in every lane.

        Parameters
        ----------
        actions : ndarray of float32, (num_envs, n_agent, n_entry)
            Finite; values outside the space are clipped.

        Returns
        -------
        observations : ndarray of float32, (num_envs, n_agent, n_obs)
        rewards : ndarray, (num_envs, n_agent)
        terminations, truncations : ndarray of bool, (num_envs,)
        infos : dict
        """
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...
