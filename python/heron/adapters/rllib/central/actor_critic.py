"""An actor over an agent's own observation, and a critic that may see more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from gymnasium.spaces import Box
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis.inference_only_api import InferenceOnlyAPI
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from torch import nn

from heron.errors import ConfigError

__all__ = ["ActorCritic", "Critic"]

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}
# Small last weights: the first actions are around 0, those of an idle device (Andrychowicz et al.,
# 2021, "What matters for on-policy deep actor-critic methods?").
ACTOR_GAIN, CRITIC_GAIN = 0.01, 1.0
LIMIT = 10.0  # standard deviations: what is further out was not seen when the scale was learned


class ActorCritic(TorchRLModule, InferenceOnlyAPI, ValueFunctionAPI):
    """A normal distribution of actions about a mean, and the value of what is seen.

    Of an observation the actor sees the first ``n_own`` entries, and the critic all of them: with
    `WithState` the rest is the state of the whole environment, which makes it a central critic
    (Yu et al., 2022, "The surprising effectiveness of PPO in cooperative multi-agent games"; with
    the agent's own observation it knows whose value is asked for). The standard deviations are
    parameters, not functions of the observation.

    ``model_config``: ``n_own`` (None: all), ``hidden``, ``activation``, ``log_std`` (to begin
    with), ``policy_of`` (the policy of each agent, which `TrainedPolicy` reads).
    """

    def setup(self) -> None:
        """Make the networks; without the critic where only actions are wanted."""
        space, actions = self.observation_space, self.action_space
        if not isinstance(space, Box) or not isinstance(actions, Box) or len(space.shape) != 1:
            raise ConfigError(
                f"ActorCritic serves Boxes of rank 1, got observations {space}, actions {actions}"
            )
        config = cast("dict[str, Any]", self.model_config)
        n_seen, n_entry = space.shape[0], int(np.prod(actions.shape))
        self.n_own = int(config.get("n_own") or n_seen)
        hidden = list(config.get("hidden", (128, 128)))
        activation = config.get("activation", "tanh")
        self.actor = mlp([self.n_own, *hidden, n_entry], activation, ACTOR_GAIN)
        self.log_std = nn.Parameter(torch.full((n_entry,), float(config.get("log_std", -0.5))))
        if not self.inference_only:
            self.critic = Critic(self.n_own, n_seen - self.n_own, hidden, activation)

    def get_non_inference_attributes(self) -> list[str]:
        """Name what is not needed to act."""
        return ["critic"]

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Return the values of observations, (n,)."""
        values: torch.Tensor = self.critic(batch[Columns.OBS])
        return values

    def learn_scale(self, batch: dict[str, Any]) -> None:
        """Take account of how large the entries of the state are; called before each update."""
        self.critic.learn_scale(batch[Columns.OBS])

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        mean = self.actor(batch[Columns.OBS][..., : self.n_own])
        return {Columns.ACTION_DIST_INPUTS: torch.cat([mean, self.log_std.expand_as(mean)], -1)}


class Critic(nn.Module):
    """The value of ``[own observation, state]``.

    Entries of a state are in p.u., MW, percent and $, so each is scaled to mean 0 and standard
    deviation 1 over all that have been seen. The own observation is taken as it is.

    Parameters
    ----------
    n_own, n_state : int
        Number of entries; the state may have none.
    hidden : sequence of int
        Units of each hidden layer.
    activation : str
        "tanh", "relu" or "silu".
    """

    def __init__(self, n_own: int, n_state: int, hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.n_own, self.n_state = n_own, n_state
        self.net = mlp([n_own + n_state, *hidden, 1], activation, CRITIC_GAIN)
        self.n_row: torch.Tensor
        self.mean: torch.Tensor
        self.variance: torch.Tensor
        self.register_buffer("n_row", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n_state, dtype=torch.float64))
        self.register_buffer("variance", torch.zeros(n_state, dtype=torch.float64))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return values, (...,), of (..., n_own + n_state)."""
        if self.n_state:
            seen = torch.cat([seen[..., : self.n_own], self.scaled(seen[..., self.n_own :])], -1)
        values: torch.Tensor = self.net(seen).squeeze(-1)
        return values

    def scaled(self, states: torch.Tensor) -> torch.Tensor:
        """Return states in standard deviations from the mean; 0 for what never changed."""
        deviation = self.variance.sqrt()
        factor = torch.where(deviation > 1e-9 * (1.0 + self.mean.abs()), 1.0 / deviation, 0.0)
        return ((states - self.mean.float()) * factor.float()).clamp(-LIMIT, LIMIT)

    @torch.no_grad()
    def learn_scale(self, seen: torch.Tensor) -> None:
        """Add rows to mean and variance (Chan, Golub and LeVeque, 1979, eq. 2.1)."""
        if not self.n_state or not len(seen):
            return
        states = seen[:, self.n_own :].double()
        n_new, mean_new = len(states), states.mean(0)
        n_all = self.n_row + n_new
        apart = mean_new - self.mean
        squares = self.variance * self.n_row + states.var(0, unbiased=False) * n_new
        squares += apart.square() * (self.n_row * n_new / n_all)
        self.variance.copy_(squares / n_all)
        self.mean += apart * (n_new / n_all)
        self.n_row.copy_(n_all)


def mlp(sizes: Sequence[int], activation: str, gain: float) -> nn.Sequential:
    """Return layers with an activation between them, and last weights of a given size."""
    if activation not in ACTIVATIONS:
        raise ConfigError(f"activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}")
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), ACTIVATIONS[activation]()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    nn.init.orthogonal_(last.weight, gain)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers[:-1])
