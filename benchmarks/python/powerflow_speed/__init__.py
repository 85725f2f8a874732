"""Measurements of the power flow's speed and of its peers'; `power_flow.py` runs them."""
