"""Optimal dispatch of one microgrid's devices over a horizon."""
