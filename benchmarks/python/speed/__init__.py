"""Measurements of the core's speed, one module a group; `core_speed.py` runs them."""
