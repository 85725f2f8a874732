"""A policy that RLlib trained, ready to act."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tree
from numpy.typing import NDArray
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_LEARNER_GROUP, COMPONENT_RL_MODULE
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule
from ray.rllib.core.rl_module.rl_module import RLModule
from ray.rllib.utils.spaces.space_utils import get_base_struct_from_space, unsquash_action

from heron.adapters.rllib.export import FORMATS, write_actor
from heron.adapters.rllib.sharing import SHARED_POLICY
from heron.errors import ConfigError, nearest

__all__ = ["BatchedTrainedPolicy", "TrainedPolicy"]


class TrainedPolicy:
    """Act for all agents of an environment with the networks of an RLlib algorithm.

    No algorithm and no Ray process is needed, only the networks. They must have been trained on
    the observations and actions of the environment they act in, scaling included; a central critic
    is of no concern, for actors do not see the state. It plays single environments, whether agents
    are stepped together or run by events; `batched` plays many at once, and `export` writes what
    acts without RLlib.

    Parameters
    ----------
    modules : MultiRLModule
        The networks: one for all agents, one for each agent under its name, or what says in its
        configuration whose policy it is (``policy_of``).
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
            agent: self._action(
                self.modules[self.module_name(agent)], observation, env.action_space(agent)
            )
            for agent, observation in observations.items()
        }

    def batched(self) -> BatchedTrainedPolicy:
        """Return the policy for many lanes at once, by events or not, in arrays."""
        return BatchedTrainedPolicy(self)

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
        drawn = self.draw(self.modules[self.module_name(agent)], torch.as_tensor(observations))
        return np.clip(drawn, -1.0, 1.0).astype(np.float32)

    def export(self, folder: str | Path, env: Any, *, format: str = "torchscript") -> list[Path]:
        """Write the most likely actions as functions of observations, one file for each policy.

        A file takes float32 (n, n_obs), what agents observe, and returns float32 (n, n_entry) in
        the bounds of their actions.

        Parameters
        ----------
        folder : str or Path
            Is made if needed; files have the policies' names.
        env : ParallelEnv
            Says what actions look like.
        format : str
            "torchscript", or "onnx", which needs the packages ``onnx`` and ``onnxscript``.

        Raises
        ------
        ConfigError
            If there is no such format, or a network is not an `ActorCritic`.
        """
        if format not in FORMATS:
            raise ConfigError(f"format is {format!r}, expected one of {', '.join(FORMATS)}")
        served: dict[str, str] = {}
        for agent in env.possible_agents:
            served.setdefault(self.module_name(agent), agent)
        paths = []
        for name, agent in served.items():
            path = Path(folder) / f"{name}.{FORMATS[format]}"
            write_actor(self.modules[name], env.action_space(agent), path)
            paths.append(path)
        return paths

    def module_name(self, agent: str) -> str:
        """Return under which name an agent's networks are."""
        any_module = next(iter(self.modules.values()))
        known = getattr(any_module, "model_config", None)
        policy_of = known.get("policy_of", {}) if isinstance(known, dict) else {}
        if agent in policy_of:
            return str(policy_of[agent])
        for name in (SHARED_POLICY, agent):
            if name in self.modules:
                return name
        raise ConfigError(nearest(agent, self.modules.keys(), kind="policy"))

    def _action(self, module: RLModule, observation: Any, space: Any) -> Any:
        seen = tree.map_structure(lambda x: torch.as_tensor(x)[None], observation)
        drawn = tree.map_structure(lambda x: x[0], self.draw(module, seen))
        # The networks answer in [-1, 1], as during training.
        return unsquash_action(drawn, get_base_struct_from_space(space))

    def draw(self, module: RLModule, seen: Any) -> Any:
        """Return a network's answers to observations, arrays of (n, n_entry) in [-1, 1]."""
        batch = {Columns.OBS: seen}
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


class BatchedTrainedPolicy:
    """A `TrainedPolicy` for a `VectorMultiAgentEnv`: one forward pass of each policy for all lanes.

    Parameters
    ----------
    policy : TrainedPolicy
        What acts.
    """

    def __init__(self, policy: TrainedPolicy) -> None:
        self._policy = policy
        self.name = policy.name

    def reset(self, envs: Any, seed: int | None = None) -> None:
        """Learn the agents and their actions' bounds; `seed` is for an exploring policy."""
        self._policy.reset(envs, seed)
        rows: dict[str, list[int]] = {}
        for number, agent in enumerate(envs.agents):
            rows.setdefault(self._policy.module_name(agent), []).append(number)
        self._rows = rows
        self._space = envs.single_action_space

    def act(
        self, observations: NDArray[np.float32], infos: Mapping[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return actions, (n_lane, n_agent, n_entry), for (n_lane, n_agent, n_obs)."""
        n_lane, (_, n_entry) = len(observations), self._space.shape
        actions = np.zeros((n_lane, *self._space.shape), np.float32)
        for name, numbers in self._rows.items():
            seen = torch.from_numpy(observations[:, numbers].reshape(n_lane * len(numbers), -1))
            drawn = self._policy.draw(self._policy.modules[name], seen)
            actions[:, numbers] = drawn.reshape(n_lane, len(numbers), n_entry)
        low, high = self._space.low, self._space.high
        scaled: NDArray[np.float32] = low + (actions + 1.0) * (high - low) / 2.0
        return np.clip(scaled, low, high)
