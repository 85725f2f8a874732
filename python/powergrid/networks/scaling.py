"""Scale the loads and the capacitors of a network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from heron.errors import ConfigError

if TYPE_CHECKING:
    from pandapower import pandapowerNet


def check_load_scale(load_scale: float) -> None:
    """Raise ValueError unless `load_scale` is a positive finite number."""
    if not (math.isfinite(load_scale) and load_scale > 0.0):
        raise ConfigError(f"load_scale is {load_scale!r}, expected a positive finite number")


def scale_loads(net: pandapowerNet, factor: float) -> None:
    """Multiply P and Q of every load by `factor`, in place."""
    net.load[["p_mw", "q_mvar"]] *= factor


def scale_shunts(net: pandapowerNet, factor: float) -> None:
    """Multiply P and Q of every shunt (capacitor) by `factor`, in place."""
    net.shunt[["p_mw", "q_mvar"]] *= factor
