"""The environments that evidence is taken from: both shipped setups, and every kind of device."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from powergrid.agents.registry import DEVICE_REGISTRY
from powergrid.setups.loader import load_setup

__all__ = ["CASES", "config_of", "n_variant"]

ROOT = Path(__file__).resolve().parents[3]
ALL_KINDS = "every kind of device"
CASES = ("ieee34_ieee13", "ieee123_ieee13", ALL_KINDS)

# What changes from one group of episodes to the next.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "ieee34_ieee13": [{}, {"train": False, "normalize_obs": True, "observe_bus_voltages": True}],
    "ieee123_ieee13": [{}, {"train": False, "share_reward": False}],
    ALL_KINDS: [
        {},
        {"variability": True, "step_s": 900.0, "interpolation": "linear"},
        {"share_reward": True, "normalize_obs": True, "observe_bus_voltages": True},
    ],
}


def n_variant(case: str) -> int:
    """Return in how many variants a case comes."""
    return len(VARIANTS[case])


def config_of(case: str, variant: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the configuration of a case."""
    base = _all_kinds() if case == ALL_KINDS else load_setup(case)
    return {**base, "on_convergence_failure": "continue", **VARIANTS[case][variant], **changes}


def register_example() -> None:
    """Make the example's fuel cell a kind of device: once by kernels, once by Python hooks."""
    if "PlainFuelCell" in DEVICE_REGISTRY:
        return
    path = ROOT / "examples" / "09_fuel_cell.py"
    spec = importlib.util.spec_from_file_location("fuel_cell_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    DEVICE_REGISTRY["FuelCell"] = module.FuelCell
    DEVICE_REGISTRY["PlainFuelCell"] = module.PlainFuelCell


def _all_kinds() -> dict[str, Any]:
    """Two microgrids on a feeder, with a device of each kind, the user's own included."""
    register_example()
    setup = load_setup("ieee34_ieee13")
    return {
        "dataset": setup["dataset"],
        "max_episode_steps": 24,
        "forecast_steps": 3,
        "dso_config": {"name": "DSO", "network": "ieee13", "load_scale": 0.5},
        "microgrid_configs": [
            {
                "name": "A",
                "network": "ieee13",
                "connection_bus": "DSO Bus 671",
                "load_scale": 0.1,
                "devices": [
                    {
                        "type": "Generator",
                        "name": "gen",
                        "bus": "Bus 633",
                        "p_max_MW": 0.2,
                        "p_min_MW": 0.05,
                        "q_max_MVAr": 0.1,
                        "q_min_MVAr": -0.1,
                        "s_rated_MVA": 0.21,
                        "cost_curve_coefs": [50.0, 40.0, 2.0],
                        "commitment": True,
                        "startup_time_hr": 1.0,
                        "shutdown_time_hr": 1.0,
                        "startup_cost": 3.0,
                        "shutdown_cost": 1.0,
                    },
                    {
                        "type": "ESS",
                        "name": "store",
                        "bus": "Bus 671",
                        "e_capacity_MWh": 0.4,
                        "p_max_MW": 0.15,
                        "ch_eff": 0.9,
                        "dsc_eff": 0.95,
                        "degradation_cost": 2.0,
                    },
                    {"type": "SolarPlant", "name": "pv", "bus": "Bus 675", "p_rated_MW": 0.1},
                    {"type": "FuelCell", "name": "cell", "bus": "Bus 675", "h2_init_kg": 30.0},
                    {"type": "Grid", "name": "pcc", "sell_ratio": 0.8},
                ],
            },
            {
                "name": "B",
                "network": "ieee13",
                "connection_bus": "DSO Bus 692",
                "load_scale": 0.1,
                "grid_price": 60.0,
                "devices": [
                    {
                        "type": "ESS",
                        "name": "store",
                        "bus": "Bus 634",
                        "e_capacity_MWh": 0.3,
                        "p_max_MW": 0.1,
                        "q_max_MVAr": 0.1,
                        "s_rated_MVA": 0.12,
                    },
                    {
                        "type": "WindPlant",
                        "name": "wind",
                        "bus": "Bus 680",
                        "p_rated_MW": 0.15,
                        "s_rated_MVA": 0.16,
                        "q_max_MVAr": 0.1,
                        "curtailment_cost": 4.0,
                    },
                    {"type": "WindTurbine", "name": "turbine", "bus": "Bus 680", "p_rated_MW": 0.1},
                    {"type": "PlainFuelCell", "name": "cell", "bus": "Bus 675"},
                    {
                        "type": "Transformer",
                        "name": "reg",
                        "transformer": "REG1",
                        "tap_change_cost": 0.5,
                    },
                    {"type": "Grid", "name": "pcc", "sell_ratio": 0.9},
                ],
            },
        ],
    }
