"""A policy that RLlib trained, ready to act."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_LEARNER_GROUP, COMPONENT_RL_MODULE
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.utils.spaces.space_utils import get_base_struct_from_space, unsquash_action

from heron.adapters.rllib.ppo import SHARED_POLICY
from heron.errors import ConfigError, nearest

__all__ = ["TrainedPolicy"]


class TrainedPolicy:
    """Act for all agents of an environment with the networks of an RLlib algorithm.

    No algorithm and no Ray process is needed, only the networks. They must have been trained on
    the observations and actions of the environment they act in, scaling included.

    Parameters
    ----------
    modules : MultiRLModule
        The networks: one for all agents, or one for each agent under its name.
    explore : bool
        Draw from the policy's distribution; otherwise take its most likely action.
    name : str
        What tables call it.
    """

    def __init__(
        self, modules: MultiRLModule, *, explore: bool = False, name: str = "trained"
    ) -> None:
        self.modules = modules
        self.explore = explore
        self.name = name

    @classmethod
    def from_checkpoint(cls, path: str | Path, **kwargs: Any) -> TrainedPolicy:
        """Load the networks of a checkpoint that ``algo.save_to_path`` wrote.

        Raises
        ------
        ConfigError
            If the folder holds no networks.
        """
        folder = Path(path).resolve()
        for part in (COMPONENT_LEARNER_GROUP, COMPONENT_LEARNER, COMPONENT_RL_MODULE):
            folder = folder / part
        if not folder.is_dir():
            raise ConfigError(
                f"{path} holds no networks ({folder} does not exist); give the folder that "
                f"algo.save_to_path() wrote"
            )
        return cls(MultiRLModule.from_checkpoint(str(folder)), **kwargs)

    def reset(self, env: Any, seed: int | None = None) -> None:
        """Begin an episode; `seed` starts the draws of an exploring policy anew."""
        if seed is not None and self.explore:
            torch.manual_seed(seed)

    def act(self, env: Any, observations: Mapping[str, Any]) -> dict[str, Any]:
        """Return an action for each agent that has an observation.

        Parameters
        ----------
        env : ParallelEnv
            Says what actions look like.
        observations : mapping
            By agent.

        Raises
        ------
        ConfigError
            If there is no network for an agent.
        """
        # One agent at a time: a forward pass is short beside a step of the environment.
        return {
            agent: self._action(self._module(agent), observation, env.action_space(agent))
            for agent, observation in observations.items()
        }

    def actions(self, agent: str, observations: Any) -> Any:
        """Return actions for many observations of one agent, as vector environments take them.

        Parameters
        ----------
        agent : str
            Whose network answers.
        observations : ndarray, (n, n_obs)

        Returns
        -------
        ndarray of float32, (n, n_entry)
            In [-1, 1].

        Raises
        ------
        ConfigError
            If there is no network for the agent.
        """
        drawn = self._draw(self._module(agent), torch.as_tensor(observations))
        return np.clip(drawn, -1.0, 1.0).astype(np.float32)

    def _module(self, agent: str) -> RLModule:
        for name in (SHARED_POLICY, agent):
            if name in self.modules:
                return self.modules[name]
        raise ConfigError(nearest(agent, self.modules.keys(), kind="policy"))

    def _action(self, module: RLModule, observation: Any, space: Any) -> Any:
        one = tree.map_structure(lambda x: torch.as_tensor(x)[None], observation)
        drawn = tree.map_structure(lambda x: x[0], self._draw(module, one))
        # The networks answer in [-1, 1], as during training.
        return unsquash_action(drawn, get_base_struct_from_space(space))

    def _draw(self, module: RLModule, observations: Any) -> Any:
        """Return actions for a batch of observations, as the network means them."""
        batch = {Columns.OBS: observations}
        with torch.no_grad():
            if self.explore:
                output = module.forward_exploration(batch)
                kind = module.get_exploration_action_dist_cls()
            else:
                output = module.forward_inference(batch)
                kind = module.get_inference_action_dist_cls()
            distribution = kind.from_logits(output[Columns.ACTION_DIST_INPUTS])
            if not self.explore:
                distribution = distribution.to_deterministic()
            return tree.map_structure(np.asarray, distribution.sample())
