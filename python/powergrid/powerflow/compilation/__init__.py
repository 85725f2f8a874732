"""From a pandapower network to the flat arrays of the native power flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powergrid.powerflow.compilation.compiled_network import CompiledNetwork

if TYPE_CHECKING:
    from powergrid.powerflow.compilation.network import compile_network

__all__ = ["CompiledNetwork", "compile_network"]


def __getattr__(name: str) -> Any:
    # Late: compiling takes pandapower, using what was compiled does not.
    if name == "compile_network":
        from powergrid.powerflow.compilation.network import compile_network

        return compile_network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
