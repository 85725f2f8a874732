"""Voltage regulators as tap-changing transformers, and the settings of their controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from heron.errors import ConfigError

if TYPE_CHECKING:
    from pandapower import pandapowerNet

RegulatorModel = Literal["5MVA", "ideal"]

# Short-circuit voltage in percent of the 5 MVA base. A published regulator is ideal; 0.01 % is
# as good as ideal but needs a start at the tapped voltages, 1 % converges from a flat start.
VK_PERCENT: dict[str, float] = {"5MVA": 1.0, "ideal": 0.01}

# Settings of line-drop compensation, on the relay's 120 V base; current in ampere, primary side.
LDC_COLUMNS = (
    "ldc_v_set_volt",
    "ldc_bandwidth_volt",
    "ldc_r_volt",
    "ldc_x_volt",
    "ldc_ct_primary_a",
)


def check_regulator_model(regulators: str) -> float:
    """Return the short-circuit voltage [%] of a regulator model, or raise ValueError."""
    if regulators not in VK_PERCENT:
        known = " or ".join(repr(name) for name in VK_PERCENT)
        raise ConfigError(f"regulators is {regulators!r}, expected {known}")
    return VK_PERCENT[regulators]


def line_drop_settings(regulator: dict[str, Any]) -> dict[str, float]:
    """Return the columns of line-drop compensation for one published regulator.

    The balanced model has one tap for all phases, so the per-phase R and X settings are
    averaged. It also spreads the current of a one- or two-phase lateral over three phases;
    the current transformer is scaled by the same factor (phases / 3), which leaves the
    compensated voltage drop as it is in the field.

    Parameters
    ----------
    regulator : dict
        An entry of ``regulators`` in the published tables.

    Returns
    -------
    dict
        Value for each of `LDC_COLUMNS` (volt on a 120 V base, ampere).
    """
    control = regulator["control"]
    return {
        "ldc_v_set_volt": float(control["v_set"]),
        "ldc_bandwidth_volt": float(control["bandwidth"]),
        "ldc_r_volt": float(np.mean(control["r_volt"])),
        "ldc_x_volt": float(np.mean(control["x_volt"])),
        "ldc_ct_primary_a": float(control["ct_primary_a"]) * len(regulator["phases"]) / 3.0,
    }


def ensure_regulator_columns(net: pandapowerNet) -> None:
    """Give ``net.trafo`` the regulator columns, filled for plain transformers where missing.

    ``is_regulator`` is False and the settings are NaN for whatever row has none, with dtypes
    bool and float64, so that networks of different origin can be merged and compiled.
    """
    trafo = net.trafo
    if "is_regulator" not in trafo.columns:
        trafo["is_regulator"] = np.zeros(len(trafo), dtype=bool)
    elif trafo["is_regulator"].dtype != np.bool_:
        # A row created without the flag made the column object or float, with None or NaN.
        flags = [flag is not None and flag == 1 for flag in trafo["is_regulator"]]
        trafo["is_regulator"] = np.array(flags, dtype=bool)
    for column in LDC_COLUMNS:
        values = trafo[column] if column in trafo.columns else np.full(len(trafo), np.nan)
        trafo[column] = np.asarray(values, dtype=np.float64)


def set_regulators_neutral(net: pandapowerNet) -> None:
    """Put every regulator of a network at tap 0 (ratio 1), in place."""
    net.trafo.loc[net.trafo["is_regulator"], "tap_pos"] = 0.0
