"""A grid small enough that an environment on it takes a moment, and the shipped setups."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from powergrid.envs.multi_agent_microgrids import MultiAgentMicrogrids
from powergrid.networks.merge import merge_microgrid
from powergrid.setups.loader import load_setup

HOURS = 48


def village(name: str, vn_kv: float) -> pp.pandapowerNet:
    """Three buses in a row: source, behind a regulator, behind a line; loads on the last two."""
    net = pp.create_empty_network(f_hz=60.0, sn_mva=1.0)
    bus = [pp.create_bus(net, vn_kv, name=f"{name} Bus {k}", zone=name) for k in (1, 2, 3)]
    pp.create_ext_grid(net, bus[0], vm_pu=1.02, name=f"{name} Source")
    pp.create_transformer_from_parameters(
        net,
        bus[0],
        bus[1],
        sn_mva=5.0,
        vn_hv_kv=vn_kv,
        vn_lv_kv=vn_kv,
        vk_percent=1.0,
        vkr_percent=0.1,
        pfe_kw=0.0,
        i0_percent=0.0,
        tap_side="lv",
        tap_neutral=0,
        tap_min=-16,
        tap_max=16,
        tap_step_percent=0.625,
        tap_pos=0,
        tap_changer_type="Ratio",
        name=f"{name} REG",
    )
    pp.create_line_from_parameters(
        net,
        bus[1],
        bus[2],
        length_km=1.0,
        r_ohm_per_km=0.4,
        x_ohm_per_km=0.4,
        c_nf_per_km=10.0,
        max_i_ka=0.1,
        name=f"{name} Line 2-3",
    )
    pp.create_load(net, bus[1], p_mw=0.2, q_mvar=0.05, name=f"{name} Load 2")
    pp.create_load(net, bus[2], p_mw=0.3, q_mvar=0.1, name=f"{name} Load 3")
    return net


@functools.cache
def villages() -> pp.pandapowerNet:
    """Return feeder D with A behind a transformer and B behind a switch."""
    feeder = village("D", 12.47)
    pp.create_shunt(feeder, 2, q_mvar=-0.1, p_mw=0.0, name="D Cap 3")
    net = merge_microgrid(feeder, village("A", 4.16), "D Bus 2", load_scale=0.5)
    return merge_microgrid(net, village("B", 12.47), "D Bus 3", load_scale=0.5)


class Villages(MultiAgentMicrogrids):
    """Two microgrids on a feeder of three buses, which `edit_net` may change."""

    def __init__(
        self,
        config: dict[str, Any],
        edit_net: Callable[[pp.pandapowerNet], None] | None = None,
    ) -> None:
        self._edit_net = edit_net
        super().__init__(config)

    def _build_net(self) -> pp.pandapowerNet:
        net = copy.deepcopy(villages())
        if self._edit_net is not None:
            self._edit_net(net)
        return net


def series(n_row: int = HOURS, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw series of the four kinds, rounded as a file would hold them."""
    rng = np.random.default_rng(seed)
    hour = np.arange(n_row)
    # Noon is at four o'clock, so that episodes of six hours from midnight see the sun.
    sun = np.maximum(0.0, np.sin((hour % 24 + 2) / 12 * np.pi))
    return {
        "load": np.round(rng.uniform(0.4, 1.0, n_row), 3),
        "solar": np.round(sun * rng.uniform(0.5, 1.0, n_row), 3),
        "wind": np.round(rng.uniform(0.0, 1.0, n_row), 3),
        "price": np.round(rng.uniform(20.0, 120.0, n_row), 2),
    }


def village_config() -> dict[str, Any]:
    """Return a configuration with every kind of device."""
    return {
        "max_episode_steps": 6,
        "forecast_steps": 3,
        "dataset": {"train": series(seed=1), "test": series(seed=2)},
        "dso_config": {"name": "D", "line_drop_compensation": False},
        "microgrid_configs": [
            {
                "name": "A",
                "devices": [
                    {
                        "type": "Generator",
                        "name": "gen",
                        "bus": "Bus 2",
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
                        "bus": "Bus 3",
                        "e_capacity_MWh": 0.4,
                        "p_max_MW": 0.15,
                        "ch_eff": 0.9,
                        "dsc_eff": 0.95,
                        "degradation_cost": 2.0,
                    },
                    {"type": "SolarPlant", "name": "pv", "bus": "Bus 3", "p_rated_MW": 0.1},
                    {"type": "Grid", "name": "pcc", "sell_ratio": 0.8},
                ],
            },
            {
                "name": "B",
                "devices": [
                    {
                        "type": "ESS",
                        "name": "store",
                        "bus": "Bus 2",
                        "e_capacity_MWh": 0.3,
                        "p_max_MW": 0.1,
                        "q_max_MVAr": 0.1,
                        "s_rated_MVA": 0.12,
                    },
                    {
                        "type": "WindPlant",
                        "name": "wind",
                        "bus": "Bus 3",
                        "p_rated_MW": 0.15,
                        "s_rated_MVA": 0.16,
                        "q_max_MVAr": 0.1,
                        "curtailment_cost": 4.0,
                    },
                    {
                        "type": "Transformer",
                        "name": "reg",
                        "transformer": "REG",
                        "tap_change_cost": 0.5,
                    },
                ],
            },
        ],
    }


MakeEnv = Callable[..., Villages]


@pytest.fixture(scope="session")
def make_villages() -> MakeEnv:
    """Return a maker of small environments: keywords replace entries of the configuration."""

    def make(
        *, edit_net: Callable[[pp.pandapowerNet], None] | None = None, **changes: Any
    ) -> Villages:
        return Villages({**village_config(), **changes}, edit_net)

    return make


@pytest.fixture
def small_config() -> dict[str, Any]:
    """Return the configuration of the small environment, to be changed at will."""
    return village_config()


@pytest.fixture(scope="session")
def env_of_config() -> Callable[[dict[str, Any]], Villages]:
    """Return what makes a small environment of a whole configuration."""
    return Villages


@pytest.fixture(scope="session")
def villages_net() -> Callable[[], pp.pandapowerNet]:
    """Return a maker of the small network without devices."""
    return lambda: copy.deepcopy(villages())


@pytest.fixture(scope="session")
def draw_series() -> Callable[..., dict[str, np.ndarray]]:
    """Return what draws series of the four kinds: `n_row`, `seed`."""
    return series


@pytest.fixture(scope="session")
def small(make_villages: MakeEnv) -> Villages:
    """Return one small environment for all tests that only reset and step it."""
    return make_villages()


@pytest.fixture(scope="session")
def ieee34() -> MultiAgentMicrogrids:
    """Return the setup ieee34_ieee13 on the test split with episodes of eight hours."""
    return MultiAgentMicrogrids(
        {**load_setup("ieee34_ieee13"), "train": False, "max_episode_steps": 8}
    )


@pytest.fixture(scope="session")
def ieee123() -> MultiAgentMicrogrids:
    """Return the setup ieee123_ieee13 on the test split with episodes of eight hours."""
    return MultiAgentMicrogrids(
        {**load_setup("ieee123_ieee13"), "train": False, "max_episode_steps": 8}
    )
