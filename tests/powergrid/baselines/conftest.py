"""One microgrid through one day whose prices leave no doubt about what is right."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids

CHEAP, USUAL, DEAR = 20.0, 60.0, 150.0  # [$/MWh]
CHEAP_HOURS = range(1, 7)
DEAR_HOURS = range(17, 21)


def one_day() -> dict[str, np.ndarray]:
    hour = np.arange(24)
    price = np.full(24, USUAL)
    price[list(CHEAP_HOURS)] = CHEAP
    price[list(DEAR_HOURS)] = DEAR
    return {
        "load": np.full(24, 0.5),
        "solar": np.clip(np.sin((hour - 6) / 12 * np.pi), 0.0, 1.0).round(6),
        "wind": np.full(24, 0.3),
        "price": price,
    }


DEVICES: list[dict[str, Any]] = [
    {
        "type": "Generator",
        "name": "gen",
        "bus": "Bus 633",
        "p_max_MW": 0.1,
        "p_min_MW": 0.02,
        "q_max_MVAr": 0.05,
        "q_min_MVAr": -0.05,
        "cost_curve_coefs": [100.0, 70.0, 1.0],
        "commitment": True,
        "startup_time_hr": 0.0,
        "shutdown_time_hr": 0.0,
        "startup_cost": 3.0,
    },
    {
        "type": "ESS",
        "name": "ess",
        "bus": "Bus 671",
        "e_capacity_MWh": 0.5,
        "p_max_MW": 0.2,
        "q_max_MVAr": 0.1,
        "s_rated_MVA": 0.25,
        "degradation_cost": 2.0,
    },
    {
        "type": "SolarPlant",
        "name": "pv",
        "bus": "Bus 675",
        "p_rated_MW": 0.25,
        "q_max_MVAr": 0.1,
        "s_rated_MVA": 0.3,
        "curtailment_cost": 1.0,
    },
    {"type": "Transformer", "name": "reg", "transformer": "REG1", "tap_change_cost": 0.1},
    {"type": "Grid", "name": "grid", "sell_ratio": 0.8},
]


def make_env(devices: list[dict[str, Any]] | None = None, **changes: Any) -> MultiAgentMicrogrids:
    """Return an environment with one microgrid; `changes` go into its configuration."""
    day = one_day()
    config: dict[str, Any] = {
        "dataset": {"train": day, "test": day},
        "train": False,
        "forecast_steps": 24,
        "max_episode_steps": 24,
        "microgrid_configs": [
            {
                "name": "MG1",
                "connection_bus": "DSO Bus 850",
                "devices": copy.deepcopy(DEVICES if devices is None else devices),
            }
        ],
    }
    return MultiAgentMicrogrids({**config, **changes})


@pytest.fixture(scope="session")
def build() -> Callable[..., MultiAgentMicrogrids]:
    return make_env


@pytest.fixture(scope="session")
def env() -> MultiAgentMicrogrids:
    """Shared by all tests: each begins with a reset."""
    return make_env()
