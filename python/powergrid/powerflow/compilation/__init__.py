"""From a pandapower network to the flat arrays of the native power flow."""

from powergrid.powerflow.compilation.network import CompiledNetwork, compile_network

__all__ = ["CompiledNetwork", "compile_network"]
