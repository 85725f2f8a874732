"""Microgrids merged into one distribution grid."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from heron.errors import ConfigError
from heron.protocols.vertical import SetpointProtocol
from powergrid.agents.grid_config import GridAgentConfig
from powergrid.agents.power_grid_agent import PowerGridAgent
from powergrid.envs.config import (
    DistributionConfig,
    EnvConfig,
    MicrogridsConfig,
    config_mapping,
)
from powergrid.envs.networked_grid_env import NetworkedGridEnv
from powergrid.networks.catalog import make_network
from powergrid.networks.merge import merge_microgrid
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

    def _build_net(self) -> pandapowerNet:
        dso = self.config.dso_config
        net = make_network(dso.network, dso.name, load_scale=dso.load_scale)
        net.ext_grid["vm_pu"] = dso.source_vm_pu
        for microgrid in self.config.microgrid_configs:
            scale = microgrid.load_scale
            net = merge_microgrid(
                net,
                make_network(microgrid.network, microgrid.name),
                self._connection_bus(microgrid),
                load_scale=MERGED_LOAD_SCALE if scale is None else scale,
            )
        from powergrid.setups.checks import connection_warnings

        for text in connection_warnings(net, dso.name):
            warnings.warn(text, UserWarning, stacklevel=4)
        return net

    def _connection_bus(self, microgrid: GridAgentConfig) -> str:
        dso = self.config.dso_config
        if microgrid.connection_bus is None and dso.network != "ieee34":
            raise ConfigError(
                f"microgrid '{microgrid.name}' needs a connection_bus: the bus of {dso.name} that "
                f"it hangs on"
            )
        return microgrid.connection_bus or f"{dso.name} Bus 850"

    def _build_agents(self) -> dict[str, PowerGridAgent]:
        return {
            microgrid.name: PowerGridAgent(
                self.net, microgrid.model_dump(exclude_none=True), SetpointProtocol()
            )
            for microgrid in self.config.microgrid_configs
        }

    def _distribution_config(self) -> DistributionConfig:
        return self.config.dso_config


def _without_microgrids(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without its list of microgrids, which is empty."""
    return {k: v for k, v in config.items() if k not in ("microgrid_configs", "microgrids")}
