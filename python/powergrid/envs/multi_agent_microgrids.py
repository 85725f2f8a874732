"""Microgrids merged into one distribution grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from heron.errors import ConfigError
from heron.protocols.base import Protocol
from heron.protocols.vertical import PriceSignalProtocol, SetpointProtocol
from powergrid.agents.grid_agent import GridAgent
from powergrid.agents.grid_config import GridAgentConfig
from powergrid.agents.placement import DeviceRequest, Placement
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.agents.protocol_config import PriceConfig
from powergrid.envs.config import (
    DistributionConfig,
    EnvConfig,
    MicrogridsConfig,
    config_mapping,
)
from powergrid.envs.network_recipe import MicrogridRecipe, NetworkRecipe
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.envs.placed_network import PlacedNetwork, make_placed_network
from powergrid.networks.catalog import check_network, is_shipped
from powergrid.powerflow.errors import UnsupportedNetworkError
from powergrid.setups.loader import load_setup

if TYPE_CHECKING:
    from pandapower import pandapowerNet

__all__ = ["MultiAgentMicrogrids"]

MERGED_LOAD_SCALE = 0.1  # of a microgrid's published load, unless its configuration says otherwise


class MultiAgentMicrogrids(NetworkedGridEnv):
    """One agent for each microgrid; the distribution grid regulates itself.

    Parameters
    ----------
    env_config : mapping, optional
        See `MicrogridsConfig`. Without ``microgrid_configs`` the grids, devices, series and
        forecasts of the setup ``ieee34_ieee13`` are taken, under whatever else is given.
    render_mode : str, optional
        "ansi", "rgb_array" or "human".

    Examples
    --------
    >>> env = MultiAgentMicrogrids({"max_episode_steps": 2})
    >>> observations, infos = env.reset(seed=0)
    >>> env.agents
    ['MG1', 'MG2', 'MG3']
    """

    metadata: ClassVar[dict[str, Any]] = {
        **NetworkedGridEnv.metadata,
        "name": "multi_agent_microgrids_v0",
    }
    config_model: ClassVar[type[EnvConfig]] = MicrogridsConfig
    config: MicrogridsConfig

    def __init__(
        self, env_config: Mapping[str, Any] | None = None, *, render_mode: str | None = None
    ) -> None:
        given = config_mapping(type(self).__name__, env_config)
        if not given.get("microgrid_configs") and not given.get("microgrids"):
            setup = load_setup("ieee34_ieee13")
            taken = {key: setup[key] for key in ("microgrid_configs", "forecast_steps")}
            if "dataset_path" not in given:
                taken["dataset"] = setup["dataset"]
            dso = {**setup["dso_config"], **dict(given.pop("dso_config", {}))}
            given = {**taken, **_without_microgrids(given), "dso_config": dso}
        super().__init__(given, render_mode=render_mode)
        self._add_operator()

    def _build_net(self) -> pandapowerNet:
        from powergrid.setups.checks import connection_warnings

        net = self._recipe({}).build()
        for text in connection_warnings(net, self.config.dso_config.name):
            warnings.warn(text, UserWarning, stacklevel=4)
        return net

    def _recipe(self, requests: Mapping[str, tuple[DeviceRequest, ...]]) -> NetworkRecipe:
        """Return what decides the network, with what each agent's devices want of it."""
        dso, microgrids = self.config.dso_config, self.config.microgrid_configs
        for kind in (dso.network, *(microgrid.network for microgrid in microgrids)):
            check_network(kind)
        return NetworkRecipe(
            name=dso.name,
            network=dso.network,
            load_scale=dso.load_scale,
            source_vm_pu=dso.source_vm_pu,
            is_regulated=dso.line_drop_compensation,
            microgrids=tuple(
                MicrogridRecipe(
                    name=microgrid.name,
                    network=microgrid.network,
                    connection_bus=self._connection_bus(microgrid),
                    load_scale=MERGED_LOAD_SCALE
                    if microgrid.load_scale is None
                    else microgrid.load_scale,
                    devices=requests.get(microgrid.name, ()),
                )
                for microgrid in microgrids
            ),
        )

    def _placed_network(self) -> PlacedNetwork | None:
        """Return the network from the cache, unless something that no recipe knows has a say."""
        hooks = ("_build_net", "_build_agents", "_distribution_config")
        is_own = any(getattr(type(self), h) is not getattr(MultiAgentMicrogrids, h) for h in hooks)
        if is_own or self.config.power_flow_name != "native":
            return None
        requests = {}
        for microgrid in self.config.microgrid_configs:
            # Devices of any kind, also a user's, count by what they want of the network.
            agent = GridAgent(_grid_config(microgrid), SetpointProtocol())
            agent.add_meter(is_merged=True)
            requests[microgrid.name] = agent.requests()
        recipe = self._recipe(requests)
        if not all(is_shipped(kind) for kind in recipe.networks):
            return None
        try:
            placed = make_placed_network(recipe)
        except UnsupportedNetworkError:
            return None  # pandapower solves it
        for text in placed.warnings:
            warnings.warn(text, UserWarning, stacklevel=4)
        return placed

    def _connection_bus(self, microgrid: GridAgentConfig) -> str:
        dso = self.config.dso_config
        if microgrid.connection_bus is None and dso.network != "ieee34":
            raise ConfigError(
                f"microgrid '{microgrid.name}' needs a connection_bus: the bus of {dso.name} that "
                f"it hangs on"
            )
        return microgrid.connection_bus or f"{dso.name} Bus 850"

    def _build_agents(self) -> dict[str, PowerGridAgent]:
        return self._agents_in(lambda _: self.net)

    def _place_agents(self, sites: Mapping[str, Placement]) -> dict[str, PowerGridAgent]:
        return self._agents_in(sites.__getitem__)

    def _agents_in(
        self, site: Callable[[str], pandapowerNet | Placement]
    ) -> dict[str, PowerGridAgent]:
        return {
            microgrid.name: PowerGridAgent(
                site(microgrid.name), _grid_config(microgrid), _protocol_of(microgrid)
            )
            for microgrid in self.config.microgrid_configs
        }

    def _distribution_config(self) -> DistributionConfig:
        return self.config.dso_config


def _grid_config(microgrid: GridAgentConfig) -> dict[str, Any]:
    """Return what an agent is made from."""
    return microgrid.model_dump(exclude_none=True)


def _protocol_of(microgrid: GridAgentConfig) -> Protocol:
    protocol = microgrid.protocol
    if isinstance(protocol, PriceConfig):
        return PriceSignalProtocol(protocol.initial_price)
    return SetpointProtocol()


def _without_microgrids(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without its list of microgrids, which is empty."""
    return {k: v for k, v in config.items() if k not in ("microgrid_configs", "microgrids")}
