"""How near the native power flow is to pandapower, measured."""
