"""What needs RLlib's own runner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.connectors.env_to_module import (
    AddObservationsFromEpisodesToBatch,
    AddStatesFromEpisodesToBatch,
    AddTimeDimToBatchAndZeroPad,
    AgentToModuleMapping,
    BatchIndividualItems,
    NumpyToTensor,
)
from ray.rllib.connectors.module_to_env import (
    GetActions,
    ListifyDataForVectorEnv,
    ModuleToAgentUnmapping,
    NormalizeAndClipActions,
    RemoveSingleTsTimeRankFromBatch,
    TensorToNumpy,
    UnBatchToIndividualItems,
)

from heron.adapters.rllib.multi_agent_env import RLlibMultiAgentEnv

__all__ = ["reason_in_config", "reason_in_pipelines"]

HOOKS = ("on_episode_created", "on_episode_start", "on_episode_step", "on_episode_end")
# What RLlib's default connectors do, the batched runner does with arrays.
TO_MODULE = (
    AddObservationsFromEpisodesToBatch, AddTimeDimToBatchAndZeroPad, AddStatesFromEpisodesToBatch,
    AgentToModuleMapping, BatchIndividualItems, NumpyToTensor,
)  # fmt: skip
TO_ENV = (
    GetActions, TensorToNumpy, UnBatchToIndividualItems, ModuleToAgentUnmapping,
    RemoveSingleTsTimeRankFromBatch, NormalizeAndClipActions, ListifyDataForVectorEnv,
)  # fmt: skip


def reason_in_config(config: Any, callbacks: Iterable[Any]) -> str | None:
    """Say what in a configuration has to be asked step by step or episode by episode.

    Parameters
    ----------
    config : AlgorithmConfig
        The runner's.
    callbacks : iterable of RLlibCallback
        The runner's.

    Returns
    -------
    str or None
        None if there is nothing.
    """
    if config.env is not RLlibMultiAgentEnv:
        return (
            f"the environment is {config.env!r}, and only RLlibMultiAgentEnv says which vector of "
            f"environments it stands for"
        )
    for name in ("env_to_module", "module_to_env"):
        if getattr(config, f"_{name}_connector") is not None:
            return f"{name}_connector is set, and connectors see one step at a time"
    hooked = sorted(
        {hook for callback in _each(callbacks) for hook in HOOKS if _overrides(callback, hook)}
        | {hook for hook in HOOKS if getattr(config, f"callbacks_{hook}") is not None}
    )
    if hooked:
        return f"callbacks hook into {', '.join(hooked)}, which there are no episodes for meanwhile"
    if config.framework_str != "torch":
        return f"the framework is {config.framework_str}, not torch"
    if not config.episodes_to_numpy:
        return "episodes_to_numpy is False, and episodes are made of arrays"
    return None


def reason_in_pipelines(env_to_module: Any, module_to_env: Any) -> str | None:
    """Say which connector is not one of RLlib's default ones; None if all are."""
    for pipeline, known in ((env_to_module, TO_MODULE), (module_to_env, TO_ENV)):
        present = [type(connector) for connector in pipeline.connectors]
        strange = [kind.__name__ for kind in present if kind not in known]
        if strange:
            return f"there are connectors that see one step at a time: {', '.join(strange)}"
        missing = [kind.__name__ for kind in known if kind not in present]
        if missing:
            return f"default connectors are missing: {', '.join(missing)}"
    return None


def _each(callbacks: Iterable[Any]) -> Sequence[Any]:
    """Return callbacks with those that containers of RLlib's hold in their place."""
    return [each for c in callbacks for each in getattr(c, "_callback_list", None) or [c]]


def _overrides(callback: Any, hook: str) -> bool:
    return getattr(type(callback), hook, None) is not getattr(RLlibCallback, hook)
