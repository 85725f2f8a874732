"""Infos of a vector environment in the form of Gymnasium's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["infos_of_rows"]

FINAL = "final_"


def infos_of_rows(
    infos: dict[str, Any],
    untold: NDArray[np.bool_],
    over: NDArray[np.bool_],
    to_rows: Callable[[NDArray[Any]], NDArray[Any]],
    copy: bool,
) -> dict[str, Any]:
    """Return infos by name, each with the rows that have it under its name after a ``_``.

    Parameters
    ----------
    infos : dict
        Of a `VectorMultiAgentEnv`.
    untold : ndarray of bool, (n_row,)
        Rows without infos: they only started, or go on.
    over : ndarray of bool, (n_row,)
        Rows whose episode ended and that have begun another one. Their infos are found under
        ``final_info``, their last observations, one a row, under ``final_obs``.
    to_rows : callable
        Brings an array by lanes to rows.
    copy : bool
        Whether to return new arrays.
    """
    told = ~(untold | over)
    rows: dict[str, Any] = {}
    final: dict[str, Any] = {}
    is_any_told, is_any_over = bool(told.any()), bool(over.any())
    for name, values in infos.items():
        if name.startswith(FINAL):
            continue
        if is_any_told:
            of_rows = to_rows(values)
            rows[name] = of_rows.copy() if copy else of_rows
            rows[f"_{name}"] = told
        if is_any_over:
            last = to_rows(infos.get(FINAL + name, values))
            final[name] = last.copy() if copy else last
            final[f"_{name}"] = over
    if is_any_over:
        last_seen = np.full(len(over), None, object)
        observations = infos["final_obs"].reshape(len(over), -1)
        for row in np.flatnonzero(over):
            last_seen[row] = observations[row].copy()
        rows |= {"final_obs": last_seen, "_final_obs": over, "final_info": final}
        rows["_final_info"] = over
    return rows
