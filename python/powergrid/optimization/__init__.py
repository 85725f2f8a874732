"""Optimal dispatch: of one microgrid's devices, and of a network by the relaxed branch-flow model.

The names below come with CVXPY, which is the extra ``optimization``; they are imported when they
are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powergrid.optimization.episode import episode_case, optimal_episode
    from powergrid.optimization.exactness import Exactness
    from powergrid.optimization.exchange import Exchange, source_exchange
    from powergrid.optimization.limits import InfeasibleError, OpfLimits
    from powergrid.optimization.opf import OptimalFlow, optimal_power_flow
    from powergrid.optimization.opf_case import OpfCase
    from powergrid.optimization.units import Unit

__all__ = [
    "Exactness",
    "Exchange",
    "InfeasibleError",
    "OpfCase",
    "OpfLimits",
    "OptimalFlow",
    "Unit",
    "episode_case",
    "optimal_episode",
    "optimal_power_flow",
    "source_exchange",
]

_MODULES = {
    "Exactness": "exactness",
    "Exchange": "exchange",
    "InfeasibleError": "limits",
    "OpfCase": "opf_case",
    "OpfLimits": "limits",
    "OptimalFlow": "opf",
    "Unit": "units",
    "episode_case": "episode",
    "optimal_episode": "episode",
    "optimal_power_flow": "opf",
    "source_exchange": "exchange",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
