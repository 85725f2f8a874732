"""Actors as files that need neither RLlib nor this package."""

from __future__ import annotations

import warnings
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from gymnasium.spaces import Box
from torch import nn

from heron.adapters.rllib.central.actor_critic import ActorCritic
from heron.errors import ConfigError

__all__ = ["FORMATS", "write_actor"]

FORMATS = {"torchscript": "pt", "onnx": "onnx"}


class MostLikelyAction(nn.Module):
    """The mean of an actor's distribution, in the bounds of the actions."""

    def __init__(self, module: ActorCritic, space: Box) -> None:
        super().__init__()
        self.actor = deepcopy(module.actor)  # which may go on learning
        self.low: torch.Tensor
        self.high: torch.Tensor
        self.register_buffer("low", torch.as_tensor(space.low))
        self.register_buffer("high", torch.as_tensor(space.high))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return actions, (n, n_entry), for (n, n_obs)."""
        scaled = self.low + (self.actor(observations) + 1.0) * (self.high - self.low) / 2.0
        return torch.minimum(torch.maximum(scaled, self.low), self.high)


def write_actor(module: Any, space: Any, path: Path) -> None:
    """Write an actor into a file whose ending says how.

    Raises
    ------
    ConfigError
        If the module is not an `ActorCritic`, or a package is missing.
    """
    if not isinstance(module, ActorCritic):
        raise ConfigError(
            f"{path.name}: the networks are {type(module).__name__}, expected ActorCritic, which "
            f"ppo_config chooses for flat spaces"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    actor = MostLikelyAction(module, space).cpu().eval().requires_grad_(False)
    example = torch.zeros(2, module.n_own)
    if path.suffix == ".pt":
        with warnings.catch_warnings():  # torch points to torch.export, which C++ cannot load
            warnings.simplefilter("ignore", DeprecationWarning)
            trace: Any = torch.jit.trace
            trace(actor, example).save(str(path))
        return
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"the format onnx needs {', '.join(missing)}: install the extra onnx")
    torch.onnx.export(
        actor,
        (example,),
        str(path),
        input_names=["observations"],
        output_names=["actions"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
