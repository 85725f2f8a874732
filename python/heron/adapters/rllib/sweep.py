"""Trainings over grids and draws of parameters, of the algorithm and of the environment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from heron.adapters.rllib.policy import TrainedPolicy
from heron.adapters.rllib.ppo import ppo_config
from heron.errors import ConfigError

if TYPE_CHECKING:
    from heron.adapters.rllib.entry import Entry

__all__ = ["sweep", "trial"]

ENV = "env."  # begins the names of the environment's parameters

Evaluation = Callable[[TrainedPolicy, dict[str, Any]], Mapping[str, float]]


def sweep(
    env: Entry,
    space: Mapping[str, Any],
    *,
    storage: str | Path,
    name: str = "sweep",
    env_config: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    n_iteration: int = 100,
    n_sample: int = 1,
    save_every: int = 10,
    evaluate: Evaluation | None = None,
    cpus_per_trial: float = 1.0,
    seed: int | None = None,
) -> Any:
    """Train once for each combination of parameters, and return what came of it.

    Every trial trains in one process of its own, which samples and learns; as many run at once as
    the cluster has CPUs. A sweep that was interrupted, in whatever way, goes on if it is called
    again with the same `storage` and `name`: trials that are done stay, others go on from their
    last checkpoint.

    Parameters
    ----------
    env : str or callable
        See `ppo_config`; on a cluster every machine must be able to import it.
    space : mapping
        Values, or what they are drawn from (``tune.grid_search([...])``, ``tune.loguniform(...)``),
        by name: an argument of `ppo_config`, such as "lr" or "central_critic", or "env." and a key
        of the environment's configuration, such as "env.penalty" and, of nested ones,
        "env.timing.coordinator.obs_delay".
    storage : str or Path
        Folder or address of results and checkpoints; on a cluster one that all machines see.
    name : str
        Of the sweep: its folder there.
    env_config, options : mapping, optional
        What all trials have in common: the environment's configuration, and arguments of
        `ppo_config`.
    n_iteration : int
        Iterations of a trial.
    n_sample : int
        How often each point of the grid, or the draws, are repeated.
    save_every : int
        Iterations from one checkpoint to the next; the last one always has one.
    evaluate : callable, optional
        Given the trained policy and the trial's ``env_config``, returns numbers that become columns
        "eval_<name>"; called once, at the end. A function of a module.
    cpus_per_trial : float
        What a trial reserves.
    seed : int, optional
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        A row for each trial: its parameters under their names, "iteration", "n_env_step",
        "episode_return_mean" and "infos_<name>" of its last iteration, "node" (Ray's name of the
        machine that did it), evaluation, "error" (empty if it went well) and "checkpoint".

    Raises
    ------
    ConfigError
        If an environment's parameter has no name, or one is given twice.
    """
    for key in space:
        if key == ENV:
            raise ConfigError("space: 'env.' names no key of the environment's configuration")
        if not key.startswith(ENV) and key in (options or {}):
            raise ConfigError(f"{key!r} is in space and in options; expected in one of them")
    run = tune.with_resources(
        partial(
            trial,
            env=env,
            env_config=dict(env_config or {}),
            options=dict(options or {}),
            n_iteration=n_iteration,
            save_every=save_every,
            evaluate=evaluate,
        ),
        {"cpu": cpus_per_trial},
    )
    place = str(storage) if "://" in str(storage) else str(Path(storage).resolve())
    path = f"{place}/{name}"
    if tune.Tuner.can_restore(path):
        tuner = tune.Tuner.restore(path, run, resume_unfinished=True, resume_errored=True)
    else:
        tuner = tune.Tuner(
            run,
            param_space=dict(space),
            tune_config=tune.TuneConfig(
                num_samples=n_sample,
                search_alg=tune.search.BasicVariantGenerator(random_state=seed),
            ),
            run_config=tune.RunConfig(
                name=name,
                storage_path=place,
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
                # A worker or machine that is lost costs what was done since the last checkpoint.
                failure_config=tune.FailureConfig(max_failures=2),
            ),
        )
    return _frame(tuner.fit(), list(space))


def trial(
    parameters: Mapping[str, Any],
    *,
    env: Entry,
    env_config: Mapping[str, Any],
    options: Mapping[str, Any],
    n_iteration: int,
    save_every: int,
    evaluate: Evaluation | None,
) -> None:
    """Do one training of a sweep, or what is left of it, in a process that Tune made for it."""
    own = _with_parameters(env_config, parameters)
    arguments = {k: v for k, v in parameters.items() if not k.startswith(ENV)}
    algorithm = ppo_config(env, own, **{**options, **arguments}).build_algo()
    checkpoint = tune.get_checkpoint()
    if checkpoint is not None:
        with checkpoint.as_directory() as folder:
            algorithm.restore_from_path(folder)
    try:
        while algorithm.iteration < n_iteration:
            metrics = _metrics(algorithm.train(), algorithm.iteration)
            is_last = algorithm.iteration >= n_iteration
            if not is_last and algorithm.iteration % save_every:
                tune.report(metrics)
                continue
            with tempfile.TemporaryDirectory() as folder:
                algorithm.save_to_path(folder)
                if is_last and evaluate is not None:
                    found = evaluate(TrainedPolicy.from_checkpoint(folder), own)
                    metrics |= {f"eval_{k}": float(v) for k, v in found.items()}
                tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))
    finally:
        algorithm.stop()


def _with_parameters(
    env_config: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a configuration with the values of "env.<key>.<key>" in their places."""
    config = deepcopy(dict(env_config))
    for name, value in parameters.items():
        if not name.startswith(ENV):
            continue
        *path, last = name.removeprefix(ENV).split(".")
        place = config
        for key in path:
            place = place.setdefault(key, {})
        place[last] = value
    return config


def _metrics(result: Mapping[str, Any], iteration: int) -> dict[str, Any]:
    sampled = result["env_runners"]
    return {
        "iteration": iteration,
        "n_env_step": int(result["num_env_steps_sampled_lifetime"]),
        "episode_return_mean": float(sampled["episode_return_mean"]),
        "node": ray.get_runtime_context().get_node_id(),
        **{f"infos_{k}": float(v) for k, v in sampled.get("episode_infos_mean", {}).items()},
    }


def _frame(results: tune.ResultGrid, names: list[str]) -> Any:
    kept = ("iteration", "n_env_step", "episode_return_mean", "node")
    rows = []
    for result in (results[k] for k in range(len(results))):
        told = result.metrics or {}
        parameters = result.config or {}
        rows.append(
            {
                **{name: parameters.get(name) for name in names},
                **{k: v for k, v in told.items() if k in kept or k.startswith(("infos_", "eval_"))},
                "error": "" if result.error is None else str(result.error),
                "checkpoint": None if result.checkpoint is None else result.checkpoint.path,
            }
        )
    # The class comes from Ray, since this package does without pandas.
    return type(results.get_dataframe())(rows)
