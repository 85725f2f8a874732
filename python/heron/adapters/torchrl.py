"""TorchRL: a vector environment as an `EnvBase`.

Needs the extra ``torchrl``: ``pip install "heron[torchrl]"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Binary, Bounded, Composite, Unbounded
from torchrl.envs import EnvBase

from heron.adapters.spaces import box_of_agents
from heron.envs.vector import VectorMultiAgentEnv
from heron.errors import ConfigError

__all__ = ["TorchRLEnv"]

GROUP = "agents"  # TorchRL's name for a group of all agents


class TorchRLEnv(EnvBase):  # type: ignore[misc]  # TorchRL carries no type information
    """Lanes as a batch, agents as one group, as in TorchRL's own multi-agent environments.

    Entries, with batch size ``[num_envs]``: ``("agents", "observation")``, ``("agents", "action")``
    and ``("agents", "reward")`` of shape (num_envs, n_agent, n), ``done``, ``terminated`` and
    ``truncated`` of shape (num_envs, 1), as an episode ends for all agents at once. TorchRL itself
    resets lanes that are over, through the entry ``_reset``.

    Parameters
    ----------
    env : VectorMultiAgentEnv
        Such as `heron.make_vec` returns, with the autoreset mode "Disabled".
    info_names : sequence of str
        Infos to pass on as ``("agents", "info", name)``, float32, (num_envs, n_agent, 1); those of
        an agent each, such as cost and safety. They are 0 where an episode begins.
    device : torch.device or str
        Where tensors are returned.

    Attributes
    ----------
    env : VectorMultiAgentEnv
        The environment itself.
    group_map : dict
        Names of the agents of each group.

    Raises
    ------
    ConfigError
        If the environment resets lanes by itself or has other spaces.

    Examples
    --------
    >>> import heron
    >>> lanes = heron.make_vec("MultiAgentMicrogrids-v0", 4, autoreset_mode="Disabled")
    >>> env = TorchRLEnv(lanes)
    >>> env.rollout(5)["next", "agents", "reward"].shape
    torch.Size([4, 5, 3, 1])
    """

    def __init__(
        self,
        env: VectorMultiAgentEnv,
        *,
        info_names: Sequence[str] = (),
        device: torch.device | str = "cpu",
    ) -> None:
        if env.autoreset_mode is not AutoresetMode.DISABLED:
            raise ConfigError(
                f"TorchRL resets lanes itself: make the environment with "
                f"autoreset_mode='Disabled', not {env.autoreset_mode.value!r}"
            )
        super().__init__(device=device, batch_size=[env.num_envs])
        self.env = env
        self.info_names = tuple(info_names)
        self.group_map = {GROUP: list(env.agents)}
        self._terminated, self._truncated = (
            torch.zeros((env.num_envs, 1), dtype=torch.bool, device=self.device) for _ in range(2)
        )
        self._next_seed: int | None = None
        seen, done = (
            box_of_agents(getattr(env, name), name)
            for name in ("single_observation_space", "single_action_space")
        )
        per_agent = Unbounded((*self.batch_size, len(env.agents), 1), device=self.device)
        observation = {"observation": self._spec(seen)}
        if self.info_names:
            observation["info"] = self._of_group({n: per_agent.clone() for n in self.info_names})
        self.observation_spec = self._grouped(observation)
        self.action_spec = self._grouped({"action": self._spec(done)})
        self.reward_spec = self._grouped({"reward": per_agent})
        flag = Binary(1, (*self.batch_size, 1), dtype=torch.bool, device=self.device)
        self.done_spec = Composite(
            {name: flag.clone() for name in ("done", "terminated", "truncated")},
            shape=self.batch_size,
            device=self.device,
        )

    def _reset(self, tensordict: TensorDictBase | None = None, **options: Any) -> TensorDictBase:
        """Begin an episode in all lanes, or in those that ``_reset`` names."""
        mask = np.ones(self.env.num_envs, np.bool_)
        if tensordict is not None and "_reset" in tensordict:
            mask = tensordict["_reset"].reshape(self.env.num_envs).cpu().numpy()
        observations, _ = self.env.reset(
            seed=self._next_seed, options={**options, "reset_mask": mask}
        )
        self._next_seed = None
        goes_on = ~self._tensor(mask)[:, None]
        self._terminated = self._terminated & goes_on
        self._truncated = self._truncated & goes_on
        group = {"observation": self._tensor(observations)}
        if self.info_names:
            group["info"] = self._info({})
        return self._answer(group)

    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        """Live through one interval in every lane."""
        actions = tensordict[GROUP, "action"].detach().cpu().numpy()
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        group = {
            "observation": self._tensor(observations),
            "reward": self._tensor(rewards, torch.float32)[..., None],
        }
        if self.info_names:
            group["info"] = self._info(infos)
        self._terminated = self._tensor(terminations)[:, None]
        self._truncated = self._tensor(truncations)[:, None]
        return self._answer(group)

    def _set_seed(self, seed: int | None) -> None:
        """Give lane i ``seed + i`` at its next reset."""
        self._next_seed = seed

    def close(self, *, raise_if_closed: bool = True) -> None:
        """Close the environment."""
        self.env.close()
        super().close(raise_if_closed=raise_if_closed)

    def _tensor(self, values: NDArray[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
        """Return a copy: the environment's arrays change with its next step."""
        return torch.tensor(values, dtype=dtype, device=self.device)

    def _info(self, infos: dict[str, Any]) -> TensorDictBase:
        shape = (self.env.num_envs, len(self.env.agents))
        none = np.zeros(shape, np.float32)
        values = {name: infos.get(name, none) for name in self.info_names}
        for name, of_agents in values.items():
            if of_agents.shape != shape:
                raise ConfigError(
                    f"info '{name}' has shape {of_agents.shape}, expected {shape}: one an agent"
                )
        return TensorDict(
            {name: self._tensor(v, torch.float32)[..., None] for name, v in values.items()},
            batch_size=shape,
            device=self.device,
        )

    def _answer(self, group: dict[str, Any]) -> TensorDictBase:
        of_agents = TensorDict(
            group, batch_size=(*self.batch_size, len(self.env.agents)), device=self.device
        )
        return TensorDict(
            {
                GROUP: of_agents,
                "done": self._terminated | self._truncated,
                "terminated": self._terminated,
                "truncated": self._truncated,
            },
            batch_size=self.batch_size,
            device=self.device,
        )

    # --- specs --------------------------------------------------------------------------------

    def _spec(self, box: Box) -> Bounded | Unbounded:
        """Return the specification of a Box (n_agent, n) in every lane."""
        shape = (*self.batch_size, *box.shape)
        if not np.isfinite(box.low).all() or not np.isfinite(box.high).all():
            return Unbounded(shape, dtype=torch.float32, device=self.device)
        low, high = (torch.tensor(end).expand(shape).clone() for end in (box.low, box.high))
        return Bounded(low, high, shape, dtype=torch.float32, device=self.device)

    def _of_group(self, entries: dict[str, Any]) -> Composite:
        shape = (*self.batch_size, len(self.env.agents))
        return Composite(entries, shape=shape, device=self.device)

    def _grouped(self, entries: dict[str, Any]) -> Composite:
        return Composite(
            {GROUP: self._of_group(entries)}, shape=self.batch_size, device=self.device
        )
