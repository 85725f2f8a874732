"""One forward pass of each module for all agents of all lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import tree
from numpy.typing import NDArray
from ray.rllib.connectors.module_to_env import GetActions
from ray.rllib.core.columns import Columns

from heron.errors import ConfigError, nearest

__all__ = ["Key", "ModulePass", "Outputs", "Rows", "rows_by_module"]

Array = NDArray[Any]
STATES = Columns.STATE_OUT
# Rows are agents of lanes, number ``lane * n_agent + agent``; None stands for all of them.
Rows = NDArray[np.intp] | None


@dataclass(frozen=True)
class Key:
    """Name of an array: modules whose outputs agree in all of this share one."""

    path: tuple[str, ...]  # the column, and the way into a structure
    shape: tuple[int, ...]  # of a row
    dtype: str


@dataclass
class Outputs:
    """What modules put out for a step.

    Attributes
    ----------
    columns : dict[Key, ndarray]
        (n_row, ...) each; 0 in rows that have no such output.
    keys : dict[str, dict[str, Any]]
        By module and column: the key, or a structure of keys.
    """

    columns: dict[Key, Array]
    keys: dict[str, dict[str, Any]]

    def get(self, module_id: str, column: str, rows: Rows) -> Array | None:
        """Return an unstructured column of a module in these rows; None if it has none."""
        key = self.keys[module_id].get(column)
        if key is None:
            return None
        values = self.columns[key]
        return values if rows is None else values[rows]


def rows_by_module(
    module_of_row: Array, acting: NDArray[np.bool_], modules: Any | None
) -> dict[str, Rows]:
    """Return which rows go through which module.

    Parameters
    ----------
    module_of_row : ndarray of object, (n_row,)
        The module's name for each row.
    acting : ndarray of bool, (n_row,)
        Rows that act in this step.
    modules : MultiRLModule or None
        What there is; None asks nothing of names.

    Raises
    ------
    ConfigError
        If a module does not exist.
    """
    names = dict.fromkeys(module_of_row[acting].tolist())
    for name in names:
        if modules is not None and name not in modules:
            raise ConfigError(
                f"policy_mapping_fn: {nearest(name, sorted(modules.keys()), kind='module')}"
            )
    if len(names) == 1 and acting.all():
        return dict.fromkeys(names)
    return {name: np.flatnonzero(acting & (module_of_row == name)) for name in names}


class ModulePass:
    """Let modules act, and remember the states of recurrent ones.

    Parameters
    ----------
    n_row : int
        Agents of all lanes.
    device : torch.device or str
        Where the modules are.
    """

    def __init__(self, n_row: int, device: Any) -> None:
        self._n_row = n_row
        self._device = device
        self._get_actions = GetActions()
        self._states: dict[str, Any] = {}

    def forget(self, modules: Any, rows: Rows = None) -> None:
        """Let rows begin anew: recurrent modules go on there from their first state."""
        for name in modules.keys():  # noqa: SIM118  it is not a mapping
            if not modules[name].is_stateful():
                continue
            first = modules[name].get_initial_state()
            if name not in self._states:
                self._states[name] = tree.map_structure(self._for_all_rows, first)
            old, new = tree.flatten(self._states[name]), tree.flatten(first)
            for states, state in zip(old, new, strict=True):
                states[_at(rows)] = _to_numpy(state)

    def __call__(
        self,
        modules: Any,
        rows: Mapping[str, Rows],
        observations: NDArray[np.float32],
        episodes: list[Any],
        *,
        explore: bool,
        n_step_lifetime: int,
    ) -> Outputs:
        """Return the outputs of all modules, actions among them.

        Parameters
        ----------
        modules : MultiRLModule
            The networks.
        rows : mapping
            By module; see `rows_by_module`.
        observations : ndarray of float32, (n_row, n_obs)
        episodes : list of MultiAgentEpisode
            Those of the lanes.
        explore : bool
            Draw actions; otherwise take the most likely ones.
        n_step_lifetime : int
            Environment steps so far, for modules that explore less with time.
        """
        batch = {name: self._batch(modules[name], name, observations, rows[name]) for name in rows}
        if explore:
            put_out = modules.forward_exploration(batch, t=n_step_lifetime)
        else:
            put_out = modules.forward_inference(batch)
        put_out = self._get_actions(
            rl_module=modules, batch=put_out, episodes=episodes, explore=explore
        )
        outputs = Outputs({}, {})
        for name, of_module in put_out.items():
            has_time = Columns.STATE_IN in batch[name]
            outputs.keys[name] = {
                column: self._keep(
                    outputs.columns, column, values, rows[name], has_time and column != STATES
                )
                for column, values in of_module.items()
            }
            if STATES in of_module:
                at = _at(rows[name])
                old, new = tree.flatten(self._states[name]), tree.flatten(of_module[STATES])
                for states, values in zip(old, new, strict=True):
                    states[at] = _to_numpy(values)
        return outputs

    def _batch(
        self, module: Any, name: str, observations: NDArray[np.float32], rows: Rows
    ) -> dict[str, Any]:
        seen = self._to_tensor(observations if rows is None else observations[rows])
        if not module.is_stateful():
            return {Columns.OBS: seen}

        def state_of_rows(states: Array) -> Any:
            # A copy, for states are overwritten while the tensor may be in use.
            return self._to_tensor(states.copy() if rows is None else states[rows])

        return {
            Columns.OBS: seen[:, None],  # one step of time
            Columns.STATE_IN: tree.map_structure(state_of_rows, self._states[name]),
        }

    def _keep(
        self, columns: dict[Key, Array], column: str, values: Any, rows: Rows, has_time: bool
    ) -> Any:
        """Add a column of a module to those of all; return its key, or a structure of keys."""
        if not isinstance(values, Mapping | list | tuple):  # as nearly always
            return self._put(columns, (column,), _to_numpy(values), rows, has_time)
        keys = [
            self._put(columns, (column, *map(str, path)), _to_numpy(part), rows, has_time)
            for path, part in tree.flatten_with_path(values)
        ]
        return tree.unflatten_as(values, keys)

    def _put(
        self,
        columns: dict[Key, Array],
        path: tuple[str, ...],
        values: Array,
        rows: Rows,
        has_time: bool,
    ) -> Key:
        if has_time:
            values = values[:, 0]
        key = Key(path, values.shape[1:], values.dtype.str)
        if rows is None:
            columns[key] = values
        else:
            if key not in columns:
                columns[key] = np.zeros((self._n_row, *values.shape[1:]), values.dtype)
            columns[key][rows] = values
        return key

    def _to_tensor(self, array: Array) -> Any:
        return torch.from_numpy(array).to(self._device)

    def _for_all_rows(self, state: Any) -> Array:
        return np.repeat(_to_numpy(state)[np.newaxis], self._n_row, axis=0)


def _at(rows: Rows) -> Any:
    return slice(None) if rows is None else rows


def _to_numpy(values: Any) -> Array:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)
